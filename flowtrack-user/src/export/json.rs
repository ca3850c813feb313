//! Records as JSON, one object a line. The fields are described in docs/outputs.md.

use std::{net::IpAddr, time::Duration};

use flowtrack_common::{
    Completeness, Envelope, FlowStats, SideStats, Timestamp, VlanStack, Volume,
};
use serde::Serialize;

use super::{Origin, Output, community_id, conn_state};
use crate::flow::{FiveTuple, FlowRecord};

/// Formats records.
pub(super) struct JsonOutput;

impl Output for JsonOutput {
    fn record(&mut self, record: &FlowRecord<FiveTuple>, origin: &Origin, out: &mut Vec<u8>) {
        append_line(&Record::new(record, origin), out);
    }
}

/// Appends one object and a line feed.
pub(super) fn append_line(value: &impl Serialize, out: &mut Vec<u8>) {
    // Plain fields always have a form in JSON, and a vector takes whatever is written.
    let _ = serde_json::to_writer(&mut *out, value);
    out.push(b'\n');
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    #[serde(flatten)]
    key: Key,
    #[serde(skip_serializing_if = "Option::is_none")]
    community_id: Option<String>,
    start: f64,
    end: f64,
    duration: f64,
    end_reason: &'static str,
    ipfix_end_reason: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<Total>,
    conn_state: &'static str,
    history: String,
    initiator: Side,
    responder: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_to_syn_ack: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_ack_to_ack: Option<f64>,
    completeness: Whole,
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<Wrapping>,
}

/// All of a flow that has several records, up to this one.
#[derive(Serialize)]
struct Total {
    /// Records before this one.
    part: u32,
    start: f64,
    initiator: Sent,
    responder: Sent,
}

/// What a side sent.
#[derive(Serialize)]
struct Sent {
    packets: u64,
    wire_bytes: u64,
    ip_bytes: u64,
    payload_bytes: u64,
}

/// What the first packet was wrapped in.
#[derive(Serialize)]
struct Wrapping {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vlans: Vec<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<Outside>,
    carries: bool,
}

/// The tunnel around a packet.
#[derive(Serialize)]
struct Outside {
    kind: &'static str,
    id: u32,
    src: IpAddr,
    dst: IpAddr,
    depth: u8,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "key_vlans")]
    vlans: Vec<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "key_tunnel")]
    tunnel: Option<KeyTunnel>,
}

/// The tunnel that is part of a key.
#[derive(Serialize)]
struct KeyTunnel {
    kind: &'static str,
    id: u32,
}

#[derive(Serialize)]
struct Side {
    #[serde(flatten)]
    sent: Sent,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Tcp>,
    ip_len_min: u32,
    ip_len_max: u32,
    ttl_min: u8,
    ttl_max: u8,
    icmp_errors: u32,
    bad_checksums: u32,
}

#[derive(Serialize)]
struct Tcp {
    flags: u8,
    stream_bytes: u64,
    retransmitted: u32,
    out_of_order: u32,
    gap_bytes: u64,
    missed_bytes: u64,
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

impl<'a> Record<'a> {
    fn new(record: &FlowRecord<FiveTuple>, origin: &'a Origin) -> Self {
        let FlowStats {
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
            interface: origin.interface.as_deref(),
            key: Key::from(&record.key),
            community_id: community_id(&record.key),
            start: time(record.since),
            end: time(last_seen),
            duration: seconds(last_seen.saturating_since(record.since)),
            end_reason: record.reason.name(),
            ipfix_end_reason: record.reason.ipfix(),
            flow: Total::of(record),
            conn_state: conn_state(record),
            history: record.history.to_string(),
            initiator: Side::new(record.initiator, &record.stats.initiator, tcp),
            responder: Side::new(record.responder, &record.stats.responder, tcp),
            syn_to_syn_ack: syn_to_syn_ack.map(seconds),
            syn_ack_to_ack: syn_ack_to_ack.map(seconds),
            completeness: Whole {
                midstream,
                evicted,
                capture_loss,
                truncated,
                sampled: sampled.max(1),
            },
            envelope: Wrapping::of(&record.envelope),
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
            vlans: vlans(key.vlans),
            tunnel: key.tunnel.map(|tunnel| KeyTunnel {
                kind: tunnel.kind.name(),
                id: tunnel.id,
            }),
        }
    }
}

impl Total {
    /// None where one record tells of the whole flow.
    fn of(record: &FlowRecord<FiveTuple>) -> Option<Self> {
        let only = record.part == 0 && record.reason.end().is_some();
        (!only).then(|| Self {
            part: record.part,
            start: time(record.stats.started),
            initiator: Sent::from(record.stats.initiator.volume()),
            responder: Sent::from(record.stats.responder.volume()),
        })
    }
}

impl From<Volume> for Sent {
    fn from(volume: Volume) -> Self {
        let Volume {
            packets,
            wire_bytes,
            ip_bytes,
            payload_bytes,
        } = volume;
        Self {
            packets,
            wire_bytes,
            ip_bytes,
            payload_bytes,
        }
    }
}

impl Wrapping {
    /// None for a packet that was not wrapped in anything.
    fn of(envelope: &Envelope) -> Option<Self> {
        (*envelope != Envelope::default()).then(|| Self {
            vlans: vlans(envelope.vlans),
            tunnel: envelope.tunnel.map(|tunnel| Outside {
                kind: tunnel.id.kind.name(),
                id: tunnel.id.id,
                src: tunnel.src,
                dst: tunnel.dst,
                depth: envelope.depth,
            }),
            carries: envelope.carries,
        })
    }
}

fn vlans(stack: VlanStack) -> Vec<u16> {
    stack.0.into_iter().filter(|id| *id != 0).collect()
}

impl Side {
    fn new(sent: Volume, stats: &SideStats, tcp: bool) -> Self {
        Self {
            sent: Sent::from(sent),
            tcp: tcp.then_some(Tcp {
                flags: stats.tcp_flags.0,
                stream_bytes: stats.stream_bytes,
                retransmitted: stats.retransmitted,
                out_of_order: stats.out_of_order,
                gap_bytes: stats.gap_bytes,
                missed_bytes: stats.missed_bytes,
                zero_windows: stats.zero_windows,
            }),
            ip_len_min: stats.ip_len_min,
            ip_len_max: stats.ip_len_max,
            ttl_min: stats.ttl_min,
            ttl_max: stats.ttl_max,
            icmp_errors: stats.icmp_errors,
            bad_checksums: stats.bad_checksums,
        }
    }
}

/// Seconds since the Unix epoch.
pub(super) fn time(ts: Timestamp) -> f64 {
    seconds(ts.saturating_since(Timestamp::EPOCH))
}

/// Seconds with a fraction; to the microsecond until the year 2255.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(value: &u16) -> bool {
    *value == 0
}
