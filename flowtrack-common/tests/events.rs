//! The event vocabulary, as its users rely on it: variants, fields and traits.
//!
//! The patterns are exhaustive on purpose: a variant or a field more or less does not compile.

use std::{
    fmt::Debug,
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

use flowtrack_common::{
    AnomalyKind, Completeness, EndReason, EvictionPressure, FlowEvent, FlowSide, FlowState,
    FlowStats, HistoryString, L4Proto, PressureState, SideStats, TcpFlags, TcpInfo, Timestamp,
    VictimClass,
};

type Key = (u32, u16);

const KEY: Key = (7, 8);
const TS: Timestamp = Timestamp::new(5, 6);

fn events() -> [FlowEvent<Key>; 7] {
    let (key, ts, side) = (KEY, TS, FlowSide::Initiator);
    [
        FlowEvent::Started {
            key,
            side,
            ts,
            l4: Some(L4Proto::Tcp),
        },
        FlowEvent::Packet {
            key,
            side,
            len: 60,
            ts,
        },
        FlowEvent::Established { key, ts },
        FlowEvent::StateChange {
            key,
            from: FlowState::SynSent,
            to: FlowState::SynReceived,
            ts,
        },
        FlowEvent::Ended {
            key,
            reason: EndReason::Fin,
            stats: FlowStats::default(),
            history: HistoryString::new(),
        },
        FlowEvent::Anomaly {
            key: Some(key),
            kind: AnomalyKind::OutOfOrder { side },
            ts,
        },
        FlowEvent::Anomaly {
            key: None,
            kind: AnomalyKind::FlowTableEvictionPressure(EvictionPressure::default()),
            ts,
        },
    ]
}

/// Name and number of fields; each field has the type that its users expect.
fn shape(event: &FlowEvent<Key>) -> (&'static str, usize) {
    match event.clone() {
        FlowEvent::Started { key, side, ts, l4 } => {
            let _: (Key, FlowSide, Timestamp, Option<L4Proto>) = (key, side, ts, l4);
            ("Started", 4)
        }
        FlowEvent::Packet { key, side, len, ts } => {
            let _: (Key, FlowSide, usize, Timestamp) = (key, side, len, ts);
            ("Packet", 4)
        }
        FlowEvent::Established { key, ts } => {
            let _: (Key, Timestamp) = (key, ts);
            ("Established", 2)
        }
        FlowEvent::StateChange { key, from, to, ts } => {
            let _: (Key, FlowState, FlowState, Timestamp) = (key, from, to, ts);
            ("StateChange", 4)
        }
        FlowEvent::Ended {
            key,
            reason,
            stats,
            history,
        } => {
            let _: (Key, EndReason, FlowStats, HistoryString) = (key, reason, stats, history);
            ("Ended", 4)
        }
        FlowEvent::Anomaly { key, kind, ts } => {
            let _: (Option<Key>, AnomalyKind, Timestamp) = (key, kind, ts);
            ("Anomaly", 3)
        }
    }
}

#[test]
fn there_are_six_kinds_of_events_with_their_fields() {
    assert_eq!(
        events().each_ref().map(shape),
        [
            ("Started", 4),
            ("Packet", 4),
            ("Established", 2),
            ("StateChange", 4),
            ("Ended", 4),
            ("Anomaly", 3),
            ("Anomaly", 3),
        ]
    );
}

#[test]
fn only_an_anomaly_of_the_tracker_as_a_whole_has_no_key() {
    let keys = events().map(|event| event.key().copied());
    let (last, others) = keys.split_last().unwrap();
    assert_eq!(*last, None);
    assert!(others.iter().all(|key| *key == Some(KEY)));
}

#[test]
fn a_key_is_borrowed_and_need_not_be_copied() {
    let event = FlowEvent::Established {
        key: String::from("a flow"),
        ts: TS,
    };
    let borrowed: Option<&String> = event.key();
    assert_eq!(borrowed.map(String::as_str), Some("a flow"));
}

#[test]
fn events_can_be_cloned_compared_and_printed() {
    for event in events() {
        let copy = event.clone();
        assert_eq!(copy, event);
        let (name, _) = shape(&event);
        assert!(format!("{copy:?}").starts_with(name));
    }
}

const fn plain_data<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Clone + Debug>() {}

// For any key that is so itself.
const fn plain_event<K: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe + Clone + Debug>() {
    plain_data::<FlowEvent<K>>();
}

const _: () = {
    plain_event::<Key>();
    plain_event::<String>();
    plain_data::<FlowStats>();
    plain_data::<HistoryString>();
    plain_data::<AnomalyKind>();
};

// An event of a key that can neither be cloned nor printed can still be made and sent.
const _: () = {
    struct Opaque;
    const fn sent<T: Send + Sync + Unpin + UnwindSafe>() {}
    sent::<FlowEvent<Opaque>>();
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
fn what_an_extractor_makes_of_a_segment_can_be_written_down() {
    let TcpInfo {
        flags,
        seq,
        ack,
        window,
        payload_offset,
        payload_len,
    } = TcpInfo::default();
    let sums: u64 = [
        seq,
        ack,
        window.into(),
        payload_offset.into(),
        payload_len,
        flags.0.into(),
    ]
    .into_iter()
    .map(u64::from)
    .sum();
    assert_eq!(sums, 0);
    assert!(TcpFlags(0x12).syn() && TcpFlags(0x12).ack());
    assert!(!TcpFlags(0x12).fin() && !TcpFlags(0x12).rst());
    let Completeness {
        midstream,
        evicted,
        capture_loss,
        truncated,
        sampled,
    } = Completeness::default();
    assert_eq!(
        (midstream, evicted, capture_loss, truncated, sampled),
        (false, false, false, false, 0)
    );
}
