//! Records as JSON, one object a line. The fields are described in docs/outputs.md.

use std::{net::IpAddr, time::Duration};

use flowtrack_common::{Completeness, FlowStats, SideStats};
use serde::Serialize;

use super::{Output, community_id, conn_state};
use crate::flow::{FiveTuple, FlowRecord};

/// Formats records.
pub(super) struct JsonOutput;

impl Output for JsonOutput {
    fn record(&mut self, record: &FlowRecord<FiveTuple>, out: &mut Vec<u8>) {
        append_line(&Record::from(record), out);
    }
}

/// Appends one object and a line feed.
pub(super) fn append_line(value: &impl Serialize, out: &mut Vec<u8>) {
    // Plain fields always have a form in JSON, and a vector takes whatever is written.
    let _ = serde_json::to_writer(&mut *out, value);
    out.push(b'\n');
}

#[derive(Serialize)]
struct Record {
    #[serde(flatten)]
    key: Key,
    #[serde(skip_serializing_if = "Option::is_none")]
    community_id: Option<String>,
    start: f64,
    end: f64,
    duration: f64,
    end_reason: &'static str,
    ipfix_end_reason: u8,
    conn_state: &'static str,
    history: String,
    initiator: Side,
    responder: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_to_syn_ack: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_ack_to_ack: Option<f64>,
    completeness: Whole,
}

/// A five-tuple as it stands in JSON.
#[derive(Serialize)]
pub(super) struct Key {
    proto: String,
    ip_proto: u8,
    src: IpAddr,
    src_port: u16,
    dst: IpAddr,
    dst_port: u16,
    #[serde(skip_serializing_if = "is_zero")]
    icmp_id: u16,
}

#[derive(Serialize)]
struct Side {
    packets: u64,
    wire_bytes: u64,
    ip_bytes: u64,
    payload_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Tcp>,
    ip_len_min: u32,
    ip_len_max: u32,
    ttl_min: u8,
    ttl_max: u8,
}

#[derive(Serialize)]
struct Tcp {
    flags: u8,
    stream_bytes: u64,
    retransmitted: u32,
    out_of_order: u32,
    gap_bytes: u64,
    zero_windows: u32,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
#[derive(Serialize)]
struct Whole {
    midstream: bool,
    evicted: bool,
    capture_loss: bool,
    truncated: bool,
    sampled: u32,
}

impl From<&FlowRecord<FiveTuple>> for Record {
    fn from(record: &FlowRecord<FiveTuple>) -> Self {
        let FlowStats {
            started,
            last_seen,
            syn_to_syn_ack,
            syn_ack_to_ack,
            completeness,
            ..
        } = record.stats;
        let tcp = record.l4 == Some(flowtrack_common::L4Proto::Tcp);
        let Completeness {
            midstream,
            evicted,
            capture_loss,
            truncated,
            sampled,
        } = completeness;
        Self {
            key: Key::from(&record.key),
            community_id: community_id(&record.key),
            start: seconds(started.saturating_since(flowtrack_common::Timestamp::EPOCH)),
            end: seconds(last_seen.saturating_since(flowtrack_common::Timestamp::EPOCH)),
            duration: seconds(record.stats.duration()),
            end_reason: record.reason.name(),
            ipfix_end_reason: record.reason.ipfix(),
            conn_state: conn_state(record),
            history: record.history.to_string(),
            initiator: Side::new(&record.stats.initiator, tcp),
            responder: Side::new(&record.stats.responder, tcp),
            syn_to_syn_ack: syn_to_syn_ack.map(seconds),
            syn_ack_to_ack: syn_ack_to_ack.map(seconds),
            completeness: Whole {
                midstream,
                evicted,
                capture_loss,
                truncated,
                sampled: sampled.max(1),
            },
        }
    }
}

impl From<&FiveTuple> for Key {
    fn from(key: &FiveTuple) -> Self {
        Self {
            proto: key.l4.to_string(),
            ip_proto: key.l4.number(),
            src: key.src,
            src_port: key.src_port,
            dst: key.dst,
            dst_port: key.dst_port,
            icmp_id: key.icmp_id,
        }
    }
}

impl Side {
    fn new(stats: &SideStats, tcp: bool) -> Self {
        Self {
            packets: stats.packets,
            wire_bytes: stats.wire_bytes,
            ip_bytes: stats.ip_bytes,
            payload_bytes: stats.payload_bytes,
            tcp: tcp.then_some(Tcp {
                flags: stats.tcp_flags.0,
                stream_bytes: stats.stream_bytes,
                retransmitted: stats.retransmitted,
                out_of_order: stats.out_of_order,
                gap_bytes: stats.gap_bytes,
                zero_windows: stats.zero_windows,
            }),
            ip_len_min: stats.ip_len_min,
            ip_len_max: stats.ip_len_max,
            ttl_min: stats.ttl_min,
            ttl_max: stats.ttl_max,
        }
    }
}

/// Seconds with a fraction; to the microsecond until the year 2255.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(value: &u16) -> bool {
    *value == 0
}
