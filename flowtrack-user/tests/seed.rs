//! What the page that documents `FlowEvent` says of when events are made, each sentence shown with
//! frames. The page's types are shown in `flowtrack-common/tests/seed.rs`.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "common/frames.rs"]
mod frames;

use std::time::Duration;

use flowtrack::{
    common::{
        AnomalyKind, EndReason, Extracted, FlowEvent, FlowExtractor, FlowSide, FlowState, Frame,
        L4Proto, LinkType, PressureState, Timestamp,
    },
    flow::{FiveTuple, FiveTupleExtractor, FlowDriver, TrackerConfig},
};

use self::frames::{
    End,
    flag::{ACK, FIN, RST, SYN},
    tcp, udp,
};

type Event = FlowEvent<FiveTuple>;

const CLIENT: End = (1, 40_000);
const SERVER: End = (2, 443);
/// From one frame to the next.
const STEP: Duration = Duration::from_millis(10);

/// A driver, and the time of its next frame.
struct Script<E: FlowExtractor> {
    driver: FlowDriver<E>,
    now: Timestamp,
}

impl<E: FlowExtractor<Key = FiveTuple>> Script<E> {
    fn new(driver: FlowDriver<E>) -> Self {
        let now = Timestamp::new(1_000_000, 0);
        Self { driver, now }
    }

    /// The events of one frame.
    fn frame(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let frame = Frame {
            bytes,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            link: LinkType::ETHERNET,
            ts: self.now,
        };
        self.driver.frame(&frame, &mut events);
        self.now = self.now.saturating_add(STEP);
        events
    }

    /// The events of some frames.
    fn frames(&mut self, frames: &[Vec<u8>]) -> Vec<Event> {
        frames.iter().flat_map(|frame| self.frame(frame)).collect()
    }

    /// The events of a time without frames.
    fn silence(&mut self, duration: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        self.now = self.now.saturating_add(duration);
        self.driver.advance(self.now, &mut events);
        events
    }
}

fn script() -> Script<FiveTupleExtractor> {
    Script::new(FlowDriver::new(FiveTupleExtractor::default()))
}

fn handshake() -> [Vec<u8>; 3] {
    [
        tcp(CLIENT, SERVER, SYN, 0, 0, 0),
        tcp(SERVER, CLIENT, SYN | ACK, 0, 1, 0),
        tcp(CLIENT, SERVER, ACK, 1, 1, 0),
    ]
}

fn fins() -> [Vec<u8>; 3] {
    [
        tcp(CLIENT, SERVER, FIN | ACK, 1, 1, 0),
        tcp(SERVER, CLIENT, FIN | ACK, 1, 2, 0),
        tcp(CLIENT, SERVER, ACK, 2, 2, 0),
    ]
}

/// The names of events, a letter each.
fn names(events: &[Event]) -> String {
    let letter = |event: &Event| match event {
        FlowEvent::Started { .. } => 'S',
        FlowEvent::Packet { .. } => 'P',
        FlowEvent::Established { .. } => 'E',
        FlowEvent::StateChange { .. } => 'C',
        FlowEvent::Ended { .. } => 'X',
        FlowEvent::Anomaly { .. } => 'A',
    };
    events.iter().map(letter).collect()
}

/// Where state changes lead.
fn changes(events: &[Event]) -> Vec<(FlowState, FlowState)> {
    let change = |event: &Event| match *event {
        FlowEvent::StateChange { from, to, .. } => Some((from, to)),
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

fn reasons(events: &[Event]) -> Vec<EndReason> {
    let reason = |event: &Event| match *event {
        FlowEvent::Ended { reason, .. } => Some(reason),
        _ => None,
    };
    events.iter().filter_map(reason).collect()
}

/// "The Started event fires on first sight of a flow and is followed by a Packet event for the same
/// packet."
#[test]
fn the_first_packet_of_a_flow_is_started_and_then_packet() {
    let mut script = script();
    let ts = script.now;
    let frame = udp(CLIENT, SERVER, 100);
    let events = script.frame(&frame);
    let [started, packet] = &events[..] else {
        panic!("{events:#?}");
    };
    let key = *started.key().unwrap();
    let side = FlowSide::Initiator;
    let l4 = Some(L4Proto::Udp);
    assert_eq!(*started, FlowEvent::Started { key, side, ts, l4 });
    let len = frame.len();
    assert_eq!(*packet, FlowEvent::Packet { key, side, len, ts });
    assert_eq!((key.src_port, key.dst_port), (CLIENT.1, SERVER.1));
}

/// "Subsequent packets of the same flow produce a single Packet event each."
#[test]
fn each_later_packet_is_one_packet_event_of_the_same_flow() {
    let mut script = script();
    let first = script.frame(&udp(CLIENT, SERVER, 100));
    for (src, dst, side) in [
        (SERVER, CLIENT, FlowSide::Responder),
        (CLIENT, SERVER, FlowSide::Initiator),
    ] {
        let (frame, ts) = (udp(src, dst, 7), script.now);
        let expected = FlowEvent::Packet {
            key: *first[0].key().unwrap(),
            side,
            len: frame.len(),
            ts,
        };
        assert_eq!(script.frame(&frame), [expected]);
    }
}

/// "One packet typically produces one or two events."
#[test]
fn a_packet_of_a_whole_connection_makes_one_or_two_events() {
    let mut script = script();
    for frame in handshake().iter().chain(&fins()) {
        let events = script.frame(frame);
        assert!(matches!(events.len(), 1 | 2), "{events:#?}");
    }
}

/// "TCP only — 3WHS completed for this flow."
#[test]
fn established_is_the_packet_that_completes_the_handshake_and_no_other() {
    let mut script = script();
    let made = handshake().map(|frame| names(&script.frame(&frame)));
    assert_eq!(made, ["SP", "CP", "EP"]);
    let later = script.frames(&[
        tcp(CLIENT, SERVER, ACK, 1, 1, 9),
        tcp(SERVER, CLIENT, ACK, 1, 10, 9),
    ]);
    assert_eq!(names(&later), "PP");
}

/// "State machine transitioned. Fires for TCP non-Established transitions (e.g., Established →
/// FinWait)."
#[test]
fn a_state_change_is_every_other_transition() {
    use FlowState::{Closed, ClosingTcp, Established, FinWait, SynReceived, SynSent};
    let mut script = script();
    assert_eq!(
        changes(&script.frames(&handshake())),
        [(SynSent, SynReceived)]
    );
    assert_eq!(
        changes(&script.frames(&fins())),
        [
            (Established, FinWait),
            (FinWait, ClosingTcp),
            (ClosingTcp, Closed)
        ]
    );
}

/// "Flow ended (FIN/RST for TCP, idle/eviction for any flow)."
#[test]
fn a_flow_ends_once_by_fin_by_rst_by_silence_or_to_make_room() {
    let hour = Duration::from_hours(1);
    let rst = tcp(SERVER, CLIENT, RST, 1, 0, 0);
    let one_flow = TrackerConfig {
        max_flows: 1,
        ..TrackerConfig::default()
    };
    for (frames, reason) in [
        ([handshake(), fins()].concat(), EndReason::Fin),
        ([&handshake()[..], &[rst]].concat(), EndReason::Rst),
        (handshake().to_vec(), EndReason::IdleTimeout),
        (vec![udp(CLIENT, SERVER, 1)], EndReason::IdleTimeout),
    ] {
        let mut script = script();
        let mut events = script.frames(&frames);
        events.extend(script.silence(hour));
        assert_eq!(reasons(&events), [reason]);
        assert_eq!(script.silence(hour), []);
    }
    let extractor = FiveTupleExtractor::default();
    let mut script = Script::new(FlowDriver::with_config(extractor, one_flow));
    let first = script.frame(&udp(CLIENT, SERVER, 1));
    let events = script.frame(&udp((3, 1), SERVER, 1));
    assert_eq!(names(&events), "XSP", "who makes room ends first");
    assert_eq!(reasons(&events), [EndReason::Evicted]);
    assert_eq!(events[0].key(), first[0].key());
}

/// The end of a flow tells what was counted, and how it went.
#[test]
fn an_ended_flow_has_its_statistics_and_its_history() {
    let mut script = script();
    let frames = [handshake(), fins()].concat();
    script.frames(&frames);
    let events = script.silence(Duration::from_mins(1));
    let [FlowEvent::Ended { stats, history, .. }] = &events[..] else {
        panic!("{events:#?}");
    };
    let bytes: usize = frames.iter().map(Vec::len).sum();
    assert_eq!((stats.packets(), stats.wire_bytes()), (6, bytes as u64));
    assert_eq!(stats.duration(), 5 * STEP);
    assert_eq!(history.as_str(), "ShAFf");
}

/// Takes the TCP header away.
struct WithoutTcp(FiveTupleExtractor);

impl FlowExtractor for WithoutTcp {
    type Key = FiveTuple;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<FiveTuple>> {
        let extracted = self.0.extract(frame)?;
        Some(Extracted {
            tcp: None,
            ..extracted
        })
    }
}

/// "TCP-aware events (Established, StateChange) fire only when the extractor supplied
/// crate::TcpInfo."
#[test]
fn without_tcp_info_there_is_neither_established_nor_state_change_nor_history() {
    let mut script = Script::new(FlowDriver::new(WithoutTcp(FiveTupleExtractor::default())));
    let events = script.frames(&[handshake(), fins()].concat());
    assert_eq!(names(&events), "SPPPPPP");
    let events = script.silence(Duration::from_hours(1));
    let [
        FlowEvent::Ended {
            reason, history, ..
        },
    ] = &events[..]
    else {
        panic!("{events:#?}");
    };
    assert_eq!(
        (*reason, history.as_str()),
        (EndReason::IdleTimeout, ""),
        "only silence ends it"
    );
}

/// More flows than fit, in packets of which some were sent before.
fn trouble() -> Vec<Vec<u8>> {
    let data = tcp(CLIENT, SERVER, ACK, 1, 1, 500);
    let mut frames = [&handshake()[..], &[data.clone(), data]].concat();
    frames.extend((1..=64).map(|port| udp((3, port), SERVER, 1)));
    frames
}

fn small() -> FlowDriver<FiveTupleExtractor> {
    let config = TrackerConfig {
        max_flows: 16,
        ..TrackerConfig::default()
    };
    FlowDriver::with_config(FiveTupleExtractor::default(), config)
}

/// "Opt-in: emitted only when crate::FlowDriver::with_emit_anomalies is true."
#[test]
fn there_is_no_anomaly_unless_it_was_asked_for() {
    for driver in [small(), small().with_emit_anomalies(false)] {
        let events = Script::new(driver).frames(&trouble());
        assert!(!names(&events).contains('A'));
    }
    let events = Script::new(small().with_emit_anomalies(true)).frames(&trouble());
    assert!(names(&events).contains('A'));
}

/// "key is None for tracker-global anomalies (e.g. AnomalyKind::FlowTableEvictionPressure); Some(key)
/// for per-flow anomalies."
#[test]
fn an_anomaly_of_a_flow_has_its_key_and_one_of_the_tracker_has_none() {
    let mut script = Script::new(small().with_emit_anomalies(true));
    let events = script.frames(&trouble());
    let (mut of_flows, mut of_tracker) = (0, 0);
    for event in &events {
        let FlowEvent::Anomaly { key, kind, .. } = event else {
            continue;
        };
        assert_eq!(event.key(), key.as_ref());
        if let AnomalyKind::FlowTableEvictionPressure(pressure) = kind {
            assert_eq!(*key, None);
            assert_eq!(pressure.state, PressureState::Raised);
            of_tracker += 1;
        } else {
            assert_eq!(*key, events[0].key().copied());
            of_flows += 1;
        }
    }
    assert!(of_flows > 0 && of_tracker > 0, "{of_flows} {of_tracker}");
}

/// "Live, in-flight anomaly. The flow is still alive (use Ended for end-of-life events)."
#[test]
fn a_flow_lives_on_after_its_anomaly() {
    let mut script = Script::new(small().with_emit_anomalies(true));
    script.frames(&handshake());
    let data = tcp(CLIENT, SERVER, ACK, 1, 1, 500);
    script.frame(&data);
    let again = script.frame(&data);
    assert_eq!(names(&again), "PA");
    assert_eq!(
        names(&script.frame(&tcp(SERVER, CLIENT, ACK, 1, 501, 0))),
        "P"
    );
}

/// "Borrow the key without moving it. Useful for filter combinators."
#[test]
fn events_can_be_filtered_by_their_key() {
    let mut script = Script::new(small().with_emit_anomalies(true));
    let events = script.frames(&trouble());
    let of_server = |key: &FiveTuple| key.dst_port == SERVER.1 && key.src_port == CLIENT.1;
    let filtered = events
        .iter()
        .filter(|event| event.key().is_some_and(of_server));
    let filtered: Vec<Event> = filtered.cloned().collect();
    assert!(names(&filtered).starts_with("SPCPEPP"));
    assert!(filtered.len() < events.len());
}
