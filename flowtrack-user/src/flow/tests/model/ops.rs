//! What is done to a tracker and its reference.

use std::{net::SocketAddr, time::Duration};

use flowtrack_common::{Defects, L4Proto, TcpFlags, TcpInfo, Timestamp};
use proptest::{prelude::*, sample::select};

use super::{
    flow::{ACK_ALL, STRAY},
    reference::Reference,
};
use crate::flow::{
    FiveTuple, Meta, NoteKind, Share, TimeoutClass, TrackerConfig,
    tests::script::{packet, server},
};

/// What is done to both.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Packet(Step),
    Note(u8, bool, NoteKind, i64),
    Advance(i64),
    Expire(usize),
    CaptureLost,
    SetMaxFlows(usize),
    SetTimeout(TimeoutClass, u64),
    SetActiveTimeout(Option<u64>),
    ForceEnd(u8, bool),
}

/// A packet, and the time since the one before in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    flow: u8,
    from_client: bool,
    flags: u8,
    seq: u32,
    ack: u32,
    len: u32,
    window: u16,
    /// Its number is that of no connection, if the flow has any to compare it with.
    stray: bool,
    defects: u8,
    ttl: u8,
    truncated: bool,
    pub(super) millis: i64,
}

fn millis() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => Just(0),
        20 => 0..700i64,
        8 => 700..6000i64,
        4 => 6000..70_000i64,
        2 => 70_000..400_000i64,
        2 => -5000..0i64,
        1 => -400_000..0i64,
        1 => -9_000_000..-1_000_000i64,
        1 => 1_000_000..9_000_000i64,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let flags = prop_oneof![
        select(vec![0x02u8, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14]),
        any::<u8>()
    ];
    let tcp = (flags, 1..4u32, 0..9u32, 0..3u32, 0..3u16, any::<bool>());
    let rest = (select(vec![0u8, 0, 0, 0, 1, 2, 3]), 1..4u8, any::<bool>());
    (0..8u8, any::<bool>(), tcp, rest, millis()).prop_map(
        |(flow, from_client, tcp, rest, millis)| {
            let (flags, seq, ack, len, window, stray) = tcp;
            let (defects, ttl, truncated) = rest;
            Step {
                flow,
                from_client,
                flags,
                seq,
                // Many acknowledge all that there is.
                ack: if ack > 3 { ACK_ALL } else { ack },
                len,
                window,
                stray,
                defects,
                ttl,
                truncated,
                millis,
            }
        },
    )
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let kind = select(vec![
        NoteKind::IcmpError,
        NoteKind::BadChecksum,
        NoteKind::BadHeaderLength,
    ]);
    let class = select(TimeoutClass::ALL.to_vec());
    prop_oneof![
        60 => step().prop_map(Op::Packet),
        6 => (0..8u8, any::<bool>(), kind, millis()).prop_map(|(f, c, k, m)| Op::Note(f, c, k, m)),
        3 => millis().prop_map(Op::Advance),
        6 => (0..4usize).prop_map(Op::Expire),
        1 => Just(Op::CaptureLost),
        1 => (0..10usize).prop_map(Op::SetMaxFlows),
        1 => (class, 0..20u64).prop_map(|(class, secs)| Op::SetTimeout(class, secs)),
        1 => prop::option::of(0..60u64).prop_map(Op::SetActiveTimeout),
        1 => (0..8u8, any::<bool>()).prop_map(|(flow, client)| Op::ForceEnd(flow, client)),
    ]
}

pub(super) fn config() -> impl Strategy<Value = TrackerConfig> {
    let active = prop::option::of((0..40u64).prop_map(Duration::from_secs));
    let share = select(vec![(7, 8), (1, 2), (0, 1), (1, 1)]);
    (1..9usize, active, any::<bool>(), any::<bool>(), share).prop_map(
        |(max_flows, active_timeout, emit_anomalies, netflow, (parts, of))| TrackerConfig {
            max_flows,
            order_parts: 0,
            active_timeout,
            emit_anomalies,
            established_share: Share { parts, of },
            syn_flood_threshold: 2,
            ..if netflow {
                TrackerConfig::netflow()
            } else {
                TrackerConfig::default()
            }
        },
    )
}

/// A packet of one of the flows. All ends have the same address, so there is one target of floods.
pub(super) fn meta(flow: u8, from_client: bool, ts: Timestamp) -> Meta<FiveTuple> {
    // One client has a smaller port than the server, the others larger ones.
    let port = if flow == 0 {
        10
    } else {
        1000 + u16::from(flow)
    };
    let client = SocketAddr::new(server().ip(), port);
    let l4 = match flow {
        0..5 => L4Proto::Tcp,
        5 => L4Proto::Udp,
        6 => L4Proto::Icmp,
        _ => L4Proto::Other(89),
    };
    if from_client {
        packet(client, server(), l4, ts)
    } else {
        packet(server(), client, l4, ts)
    }
}

impl Step {
    /// The packet at `ts`, the `number`th of all.
    pub(super) fn meta(
        &self,
        number: u32,
        ts: Timestamp,
        reference: &Reference,
    ) -> Meta<FiveTuple> {
        let mut meta = meta(self.flow, self.from_client, ts);
        let extracted = &mut meta.packet;
        extracted.defects = Defects(self.defects);
        extracted.ttl = self.ttl;
        extracted.truncated = self.truncated;
        extracted.wire_len += self.len;
        extracted.ip_len += self.len;
        if self.flow >= 5 {
            return meta;
        }
        extracted.payload_len = self.len;
        let mut info = TcpInfo {
            flags: TcpFlags(self.flags),
            seq: self.seq,
            ack: self.ack,
            window: self.window,
            payload_offset: 54,
            payload_len: self.len,
        };
        if info.flags.syn() {
            // Each SYN has a number of its own: none is sent again.
            info.seq = 1000 + number;
        }
        let reset = info.flags.rst() && !info.flags.fin() && !info.flags.syn();
        if self.stray && reset && reference.knows(&meta) {
            info.seq = STRAY;
        }
        meta.packet.tcp = Some(info);
        meta
    }
}
