//! The vocabulary, as its users rely on it: the types of which events are made.
//!
//! The patterns are exhaustive on purpose: a variant or a field more or less does not compile.
#![cfg(feature = "tracker")]

use std::{
    fmt::Debug,
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

use flowtrack_common::{
    AnomalyKind, Completeness, Defects, EndReason, EndpointState, Envelope, EvictionPressure,
    Extracted, FlowExtractor, FlowKey, FlowSide, FlowState, FlowStats, Frame, HistoryString,
    L4Proto, LinkType, Orientation, PressureState, SideStats, TcpFlags, TcpInfo, Timestamp,
    VictimClass,
};

const fn plain_data<T: Copy + Debug + Eq + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}

const _: () = {
    plain_data::<FlowSide>();
    plain_data::<Timestamp>();
    plain_data::<L4Proto>();
    plain_data::<TcpInfo>();
    plain_data::<FlowState>();
    plain_data::<EndReason>();
    plain_data::<FlowStats>();
    plain_data::<HistoryString>();
    plain_data::<AnomalyKind>();
};

#[test]
fn the_sides_of_a_flow_are_each_other_s_opposite() {
    let mut stats = FlowStats::default();
    for (side, packets) in [(FlowSide::Initiator, 3), (FlowSide::Responder, 4)] {
        assert_ne!(side.other(), side);
        assert_eq!(side.other().other(), side);
        stats.side_mut(side).packets = packets;
        stats.side_mut(side).wire_bytes = packets * 100;
        assert_eq!(stats.side(side).packets, packets);
    }
    let SideStats { packets, .. } = stats.initiator;
    assert_eq!((packets, stats.packets(), stats.wire_bytes()), (3, 7, 700));
}

#[test]
fn an_end_that_was_forced_or_made_room_is_no_end_of_flow_for_ipfix() {
    let expected = |reason| match reason {
        EndReason::IdleTimeout => 1,
        EndReason::Fin | EndReason::Rst | EndReason::Replaced => 3,
        EndReason::Shutdown | EndReason::ForceClosed => 4,
        EndReason::Evicted => 5,
    };
    for reason in EndReason::ALL {
        assert_eq!(reason.ipfix(), expected(reason), "{reason:?}");
    }
}

#[test]
fn states_that_are_terminal_are_those_after_which_nothing_follows() {
    use FlowState as S;
    for (state, terminal) in [
        (S::Active, false),
        (S::SynSent, false),
        (S::SynReceived, false),
        (S::Established, false),
        (S::FinWait, false),
        (S::ClosingTcp, false),
        (S::Closed, true),
        (S::Reset, true),
        (S::Aborted, true),
    ] {
        assert_eq!(state.is_terminal(), terminal, "{state:?}");
    }
}

#[test]
fn every_protocol_number_has_one_protocol() {
    for number in 0..=u8::MAX {
        let l4 = L4Proto::from_number(number);
        assert_eq!(l4.number(), number);
        assert_eq!(
            matches!(l4, L4Proto::Other(_)),
            !matches!(number, 1 | 6 | 17 | 58 | 132)
        );
    }
}

#[test]
fn victims_stand_in_the_order_in_which_they_are_given_up() {
    assert_eq!(
        VictimClass::ALL,
        [
            VictimClass::Closed,
            VictimClass::HalfOpen,
            VictimClass::OneSided,
            VictimClass::TwoSided,
        ]
    );
    for (index, class) in VictimClass::ALL.into_iter().enumerate() {
        assert_eq!(class.index(), index);
    }
}

#[test]
fn pressure_on_a_table_is_told_with_what_it_takes_to_size_it() {
    let EvictionPressure {
        state,
        evicted,
        evicted_total,
        live,
        capacity,
        new_flows_per_second,
        time_to_full,
        returned,
    } = EvictionPressure::default();
    let _: [[u64; VictimClass::ALL.len()]; 2] = [evicted, evicted_total];
    let _: [u64; 4] = [live, capacity, new_flows_per_second, returned];
    let _: Option<Duration> = time_to_full;
    assert_eq!((state, state.name()), (PressureState::Raised, "raised"));
    assert_eq!(PressureState::Cleared.name(), "cleared");
}

#[test]
fn flags_are_those_of_the_header() {
    assert!(TcpFlags(0x12).syn() && TcpFlags(0x12).ack());
    assert!(!TcpFlags(0x12).fin() && !TcpFlags(0x12).rst());
}

/// The types of the fields that describe a segment.
const fn segment(info: TcpInfo) {
    let TcpInfo {
        flags,
        seq,
        ack,
        window,
        payload_offset,
        payload_len,
    } = info;
    let _: (TcpFlags, u32, u32, u16, u16, u32) =
        (flags, seq, ack, window, payload_offset, payload_len);
}

/// What one side is counted by.
const fn side(stats: &SideStats) {
    let SideStats {
        packets,
        wire_bytes,
        ip_bytes,
        payload_bytes,
        stream_bytes,
        tcp_flags,
        tcp_state,
        first_seen,
        last_seen,
        ip_len_min,
        ip_len_max,
        retransmitted,
        out_of_order,
        gap_bytes,
        missed_bytes,
        zero_windows,
        ttl_min,
        ttl_max,
        icmp_errors,
        bad_checksums,
    } = *stats;
    let _: [u64; 7] = [
        packets,
        wire_bytes,
        ip_bytes,
        payload_bytes,
        stream_bytes,
        gap_bytes,
        missed_bytes,
    ];
    let _: [u32; 7] = [
        ip_len_min,
        ip_len_max,
        retransmitted,
        out_of_order,
        zero_windows,
        icmp_errors,
        bad_checksums,
    ];
    let _: (TcpFlags, EndpointState) = (tcp_flags, tcp_state);
    let _: [Timestamp; 2] = [first_seen, last_seen];
    let _: [u8; 2] = [ttl_min, ttl_max];
}

/// What a flow is counted by.
const fn flow(stats: &FlowStats) {
    let FlowStats {
        initiator,
        responder,
        started,
        last_seen,
        last_productive,
        syn_to_syn_ack,
        syn_ack_to_ack,
        completeness,
    } = *stats;
    side(&initiator);
    side(&responder);
    let _: [Timestamp; 3] = [started, last_seen, last_productive];
    let _: [Option<Duration>; 2] = [syn_to_syn_ack, syn_ack_to_ack];
    let Completeness {
        midstream,
        evicted,
        capture_loss,
        truncated,
        sampled,
    } = completeness;
    let _: [bool; 4] = [midstream, evicted, capture_loss, truncated];
    let _: u32 = sampled;
}

/// What is wrong, with all that is told of it.
const fn anomaly(kind: AnomalyKind) {
    match kind {
        AnomalyKind::FlowTableEvictionPressure(pressure) => {
            let EvictionPressure {
                state,
                evicted,
                evicted_total,
                live,
                capacity,
                new_flows_per_second,
                time_to_full,
                returned,
            } = pressure;
            match state {
                PressureState::Raised | PressureState::Cleared => {}
            }
            let _: [[u64; 4]; 2] = [evicted, evicted_total];
            let _: [u64; 4] = [live, capacity, new_flows_per_second, returned];
            let _: Option<Duration> = time_to_full;
        }
        AnomalyKind::SequenceGap { side, bytes } => {
            let _: (FlowSide, u32) = (side, bytes);
        }
        AnomalyKind::OutOfOrder { side }
        | AnomalyKind::Retransmission { side }
        | AnomalyKind::OutOfWindow { side }
        | AnomalyKind::BadHeaderLength { side }
        | AnomalyKind::BadChecksum { side }
        | AnomalyKind::FragmentOverlap { side }
        | AnomalyKind::TinyFragment { side } => {
            let _: FlowSide = side;
        }
        AnomalyKind::SynFloodTarget => {}
    }
}

/// An extractor is one method; a key needs no more than to be reversed.
struct Anything;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OneKey;

impl FlowKey for OneKey {
    fn reversed(self) -> Self {
        self
    }
}

impl FlowExtractor for Anything {
    type Key = OneKey;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<OneKey>> {
        let &Frame {
            bytes,
            wire_len,
            link,
            ts,
        } = frame;
        let _: (LinkType, Timestamp) = (link, ts);
        (!bytes.is_empty()).then_some(Extracted {
            key: OneKey,
            orientation: Orientation::Forward,
            l4: None,
            tcp: None,
            wire_len,
            ip_len: 0,
            payload_len: 0,
            ttl: 0,
            truncated: false,
            defects: Defects::NONE,
            envelope: Envelope::default(),
        })
    }
}

#[test]
fn an_extractor_has_a_key_for_a_frame_or_none() {
    let frame = |bytes| Frame {
        bytes,
        wire_len: 60,
        link: LinkType::ETHERNET,
        ts: Timestamp::EPOCH,
    };
    assert_eq!(Anything.extract(&frame(&[])), None);
    let extracted = Anything.extract(&frame(&[0])).unwrap();
    assert_eq!((extracted.key, extracted.wire_len), (OneKey, 60));
}

// That they compile is the proof.
const _: () = {
    let _ = (segment, side, flow, anomaly);
};
