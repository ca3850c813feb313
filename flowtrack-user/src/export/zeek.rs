//! Zeek's conn.log, tab-separated, with the header and the columns of Zeek 8 and, behind them as
//! Zeek's own script has it, the Community ID.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    io::{self, Write},
};

use flowtrack_common::{EndpointState, HistoryString, L4Proto};

use super::{Origin, Output, RecordKinds, community_id};
use crate::flow::{FiveTuple, FlowRecord};

const HEADER: &str = "\
#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\t\
resp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\t\
resp_pkts\tresp_ip_bytes\ttunnel_parents\tip_proto\tcommunity_id
#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\t\
bool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tcount\tstring
";

/// Formats records.
pub(super) struct ZeekOutput;

impl Output for ZeekOutput {
    fn header(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADER.as_bytes());
    }

    /// A connection is one row.
    fn wants_records(&self) -> RecordKinds {
        RecordKinds::Last
    }

    fn record(&mut self, record: &FlowRecord<FiveTuple>, _origin: &Origin, out: &mut Vec<u8>) {
        // A vector takes whatever is written.
        let _ = line(record, out);
    }
}

fn line(record: &FlowRecord<FiveTuple>, out: &mut Vec<u8>) -> io::Result<()> {
    let FlowRecord {
        key,
        stats,
        history,
        ..
    } = record;
    let (orig, resp) = (&stats.initiator, &stats.responder);
    let (proto, src_port, dst_port) = endpoint_names(key);
    write!(
        out,
        "{}\t{}\t{}\t{src_port}\t{}\t{dst_port}\t{proto}\t-\t",
        stats.started,
        uid(record),
        key.src,
        key.dst,
    )?;
    // As Zeek has it: what is seen at one instant has no duration and no sizes.
    let duration = stats.last_productive.saturating_since(stats.started);
    if duration.is_zero() {
        out.write_all(b"-\t-\t-\t")?;
    } else {
        let (orig_bytes, resp_bytes) = sizes(record);
        write!(
            out,
            "{}.{:06}\t{orig_bytes}\t{resp_bytes}\t",
            duration.as_secs(),
            duration.subsec_micros(),
        )?;
    }
    let history = if history.as_str().is_empty() {
        "-"
    } else {
        history.as_str()
    };
    let community_id = community_id(key);
    writeln!(
        out,
        "{}\t-\t-\t{}\t{history}\t{}\t{}\t{}\t{}\t-\t{}\t{}",
        conn_state(record),
        orig.missed_bytes + resp.missed_bytes,
        orig.packets,
        orig.ip_bytes,
        resp.packets,
        resp.ip_bytes,
        key.l4.number(),
        community_id.as_deref().unwrap_or("-"),
    )
}

/// Zeek's name of the protocol, and its ports: it has no ports for what is not TCP, UDP or ICMP.
fn endpoint_names(key: &FiveTuple) -> (&'static str, u16, u16) {
    match key.l4 {
        L4Proto::Tcp => ("tcp", key.src_port, key.dst_port),
        L4Proto::Udp => ("udp", key.src_port, key.dst_port),
        L4Proto::Icmp | L4Proto::IcmpV6 => ("icmp", key.src_port, key.dst_port),
        L4Proto::Sctp | L4Proto::Other(_) => ("unknown_transport", 0, 0),
    }
}

/// Zeek's payload sizes: by sequence numbers for TCP, none for protocols without ports.
fn sizes(record: &FlowRecord<FiveTuple>) -> (u64, u64) {
    let (orig, resp) = (&record.stats.initiator, &record.stats.responder);
    match record.key.l4 {
        L4Proto::Tcp => (orig.stream_bytes, resp.stream_bytes),
        L4Proto::Sctp | L4Proto::Other(_) => (0, 0),
        _ => (orig.payload_bytes, resp.payload_bytes),
    }
}

/// A name for the connection: the same whenever the same capture is read.
fn uid(record: &FlowRecord<FiveTuple>) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hasher = DefaultHasher::new();
    (record.key, record.stats.started).hash(&mut hasher);
    let mut rest = hasher.finish();
    let mut uid = String::from("C");
    while rest > 0 {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        uid.push(DIGITS.get(digit).copied().unwrap_or(b'0').into());
        rest /= 62;
    }
    uid
}

/// Zeek's `conn_state`, by what both sides have shown of themselves.
pub fn conn_state(record: &FlowRecord<FiveTuple>) -> &'static str {
    let (orig, resp) = (&record.stats.initiator, &record.stats.responder);
    match record.key.l4 {
        L4Proto::Tcp => {
            let no_data = orig.stream_bytes == 0 && resp.stream_bytes == 0;
            match (orig.tcp_state, resp.tcp_state) {
                (EndpointState::Reset, resp) if is_silent(resp) => {
                    unanswered_reset(&record.history)
                }
                (orig, resp) => tcp_state(orig, resp, no_data),
            }
        }
        L4Proto::Udp => match (orig.packets > 0, resp.packets > 0) {
            (true, true) => "SF",
            (true, false) => "S0",
            (false, true) => "SHR",
            (false, false) => "OTH",
        },
        _ => "OTH",
    }
}

const fn is_silent(state: EndpointState) -> bool {
    matches!(state, EndpointState::Inactive | EndpointState::Partial)
}

/// The initiator gave up: it sent a SYN, and before it sent anything else a RST.
fn unanswered_reset(history: &HistoryString) -> &'static str {
    let text = history.as_str().trim_start_matches('^');
    let opening = text.split('R').next().unwrap_or_default();
    let only_syn = opening.starts_with('S') && !opening.contains(['H', 'A', 'F', 'G', 'I', 'Q']);
    if only_syn && opening.len() < text.len() {
        "RSTOS0"
    } else {
        "OTH"
    }
}

fn tcp_state(orig: EndpointState, resp: EndpointState, no_data: bool) -> &'static str {
    use EndpointState::{Closed, Established, Inactive, Reset, SynAckSent, SynSent};
    match (orig, resp) {
        (SynSent | SynAckSent, Reset) => "REJ",
        (Reset, Reset) if no_data => "REJ",
        (orig, Reset) => {
            if is_silent(orig) {
                "RSTRH"
            } else {
                "RSTR"
            }
        }
        (Reset, _) => "RSTO",
        (Closed, Closed) => "SF",
        (Closed, resp) => {
            if is_silent(resp) {
                "SH"
            } else {
                "S2"
            }
        }
        (orig, Closed) => {
            if is_silent(orig) {
                "SHR"
            } else {
                "S3"
            }
        }
        (SynSent, Inactive) => "S0",
        (Established, Established) => "S1",
        _ => "OTH",
    }
}
