//! `FlowEvent`, by the page that documents it: its variants, fields, methods and traits. What the page
//! says of when events are made is shown with a tracker, in `flowtrack-user/tests/seed`.
//!
//! The patterns are exhaustive on purpose: a variant or a field more or less does not compile.
#![cfg(feature = "tracker")]

use std::{
    fmt::{self, Debug},
    panic::{RefUnwindSafe, UnwindSafe},
};

use flowtrack_common::{
    AnomalyKind, EndReason, EvictionPressure, FlowEvent, FlowSide, FlowState, FlowStats,
    HistoryString, L4Proto, Timestamp,
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

// "impl<K: Clone> Clone for FlowEvent<K>" and "impl<K: Debug> Debug for FlowEvent<K>": each asks for
// its own trait of the key and for no other.
#[test]
fn an_event_can_be_cloned_where_its_key_can() {
    #[derive(Clone)]
    struct NotPrinted(u8);

    let event = FlowEvent::Established {
        key: NotPrinted(3),
        ts: TS,
    };
    let mut copy = event.clone();
    assert_eq!(copy.key().map(|key| key.0), Some(3));
    copy.clone_from(&FlowEvent::Established {
        key: NotPrinted(4),
        ts: TS,
    });
    assert_eq!(copy.key().map(|key| key.0), Some(4));
}

#[test]
fn an_event_can_be_printed_where_its_key_can() {
    struct NotCloned;

    impl Debug for NotCloned {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the key")
        }
    }

    let event = FlowEvent::Established {
        key: NotCloned,
        ts: TS,
    };
    let shown = format!("{event:?}");
    assert!(shown.starts_with("Established { key: the key,"), "{shown}");
}

#[test]
fn events_that_are_cloned_are_equal_and_print_their_name_first() {
    for event in events() {
        let copy = event.clone();
        assert_eq!(copy, event);
        let (name, _) = shape(&event);
        assert!(format!("{copy:?}").starts_with(name));
    }
}

// "impl<K> Send for FlowEvent<K> where K: Send", and so on: one function for each auto trait, since
// each asks for itself alone. That these compile for any key is the proof.
mod auto_traits {
    use super::{FlowEvent, RefUnwindSafe, UnwindSafe};

    const fn send<T: Send>() {}
    const fn sync<T: Sync>() {}
    const fn unpin<T: Unpin>() {}
    const fn unwind_safe<T: UnwindSafe>() {}
    const fn ref_unwind_safe<T: RefUnwindSafe>() {}

    const fn send_where_the_key_is<K: Send>() {
        send::<FlowEvent<K>>();
    }
    const fn sync_where_the_key_is<K: Sync>() {
        sync::<FlowEvent<K>>();
    }
    const fn unpin_where_the_key_is<K: Unpin>() {
        unpin::<FlowEvent<K>>();
    }
    const fn unwind_safe_where_the_key_is<K: UnwindSafe>() {
        unwind_safe::<FlowEvent<K>>();
    }
    const fn ref_unwind_safe_where_the_key_is<K: RefUnwindSafe>() {
        ref_unwind_safe::<FlowEvent<K>>();
    }

    const _: () = {
        send_where_the_key_is::<u8>();
        sync_where_the_key_is::<u8>();
        unpin_where_the_key_is::<u8>();
        unwind_safe_where_the_key_is::<u8>();
        ref_unwind_safe_where_the_key_is::<u8>();
    };
}

// "impl<K> Freeze for FlowEvent<K> where K: Freeze": no interior mutability. `Freeze` cannot be named,
// but a constant may only refer to the result of a function whose type has it.
const FROZEN: &FlowEvent<Key> = &frozen();

const fn frozen() -> FlowEvent<Key> {
    FlowEvent::Established { key: KEY, ts: TS }
}

// "impl<T> Any for T", "impl<T> From<T> for T", "impl<T: Clone> ToOwned for T" and the others that
// hold for all types: nothing of the event's own is in their way.
#[test]
fn what_holds_for_all_types_holds_for_events() {
    use std::{
        any::{Any, TypeId},
        borrow::{Borrow, BorrowMut},
        convert::Infallible,
    };

    type Event = FlowEvent<Key>;
    let mut event = FROZEN.to_owned();
    assert_eq!(Any::type_id(&event), TypeId::of::<Event>());
    assert_eq!(Borrow::<Event>::borrow(&event), FROZEN);
    let _: &mut Event = event.borrow_mut();
    let converted: Result<Event, Infallible> = Event::try_from(event);
    assert_eq!(converted.as_ref(), Ok(FROZEN));
}
