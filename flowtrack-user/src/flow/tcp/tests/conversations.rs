//! Connections from their first segment to their last one.

use std::time::Duration;

use flowtrack_common::{
    EndReason,
    FlowState::{self, Aborted, Closed, ClosingTcp, Established, FinWait, Reset},
    FlowState::{SynReceived, SynSent},
};
use proptest::prelude::*;

use super::script::{Probe, STEP, Segment, c, close, converse, handshake, open_then, path, s};

/// A connection and what becomes of it.
struct Case {
    name: &'static str,
    segments: Vec<Segment>,
    history: &'static str,
    /// The states after the first one.
    path: &'static [FlowState],
    /// Its end at shutdown.
    reason: EndReason,
}

fn case(
    name: &'static str,
    segments: &[Segment],
    history: &'static str,
    path: &'static [FlowState],
    reason: EndReason,
) -> Case {
    Case {
        name,
        segments: segments.to_vec(),
        history,
        path,
        reason,
    }
}

const OPEN: EndReason = EndReason::Shutdown;
const FIN: EndReason = EndReason::Fin;
const RST: EndReason = EndReason::Rst;

/// Connections that are opened.
fn openings() -> Vec<Case> {
    let (syn, syn_ack) = (c("S", 0, 0, 0), s("SA", 0, 1, 0));
    vec![
        case("no answer", &[syn, syn], "S", &[], OPEN),
        case("answered", &[syn, syn_ack], "Sh", &[SynReceived], OPEN),
        case(
            "three-way handshake",
            &handshake(),
            "ShA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "all of it sent again",
            &[handshake(), handshake()].concat(),
            "ShA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "data in the last segment of the handshake",
            &[syn, syn_ack, c("PA", 1, 1, 50)],
            "ShD",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "the last segment of the handshake was not seen",
            &[syn, syn_ack, s("PA", 1, 1, 50)],
            "Shd",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "simultaneous open",
            &[
                syn,
                s("S", 0, 0, 0),
                c("SA", 0, 1, 0),
                s("SA", 0, 1, 0),
                c("A", 1, 1, 0),
            ],
            "SsHhA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "from the SYN+ACK on",
            &handshake()[1..],
            "^hA",
            &[Established],
            OPEN,
        ),
        case("refused", &[syn, s("RA", 0, 1, 0)], "Sr", &[Aborted], RST),
        case(
            "given up after the answer",
            &[syn, syn_ack, c("R", 1, 0, 0)],
            "ShR",
            &[SynReceived, Aborted],
            RST,
        ),
        case("given up", &[syn, c("R", 1, 0, 0)], "SR", &[Aborted], RST),
    ]
}

/// Connections that are closed.
fn closes() -> Vec<Case> {
    const CLOSE: &[FlowState] = &[SynReceived, Established, FinWait, ClosingTcp, Closed];
    vec![
        case(
            "clean close after data of both sides",
            &open_then(&[
                c("PA", 1, 1, 100),
                s("A", 1, 101, 0),
                s("PA", 1, 101, 200),
                c("FA", 101, 201, 0),
                s("FA", 201, 102, 0),
                c("A", 102, 202, 0),
            ]),
            "ShADadFf",
            CLOSE,
            FIN,
        ),
        case(
            "half close, and data for a while",
            &open_then(&[
                c("FA", 1, 1, 0),
                s("A", 1, 2, 0),
                s("PA", 1, 2, 500),
                c("A", 2, 501, 0),
                s("FA", 501, 2, 0),
                c("A", 2, 502, 0),
            ]),
            "ShAFadf",
            CLOSE,
            FIN,
        ),
        case(
            "the server closes first",
            &open_then(&[s("FA", 1, 1, 0), c("FA", 1, 2, 0), s("A", 2, 2, 0)]),
            "ShAfFa",
            CLOSE,
            FIN,
        ),
        case(
            "simultaneous close",
            &open_then(&[
                c("FA", 1, 1, 0),
                s("FA", 1, 1, 0),
                c("A", 2, 2, 0),
                s("A", 2, 2, 0),
            ]),
            "ShAFfa",
            CLOSE,
            FIN,
        ),
        case(
            "FIN sent again by the same side",
            &open_then(&[
                c("FA", 1, 1, 0),
                c("FA", 1, 1, 0),
                s("FA", 1, 2, 0),
                c("A", 2, 2, 0),
            ]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
        case(
            "one side never closes",
            &open_then(&[c("FA", 1, 1, 0), c("FA", 1, 1, 0), s("A", 1, 2, 0)]),
            "ShAFa",
            &[SynReceived, Established, FinWait],
            OPEN,
        ),
        case(
            "the last FIN is not acknowledged",
            &open_then(&[c("FA", 1, 1, 0), s("FA", 1, 2, 0)]),
            "ShAFf",
            &[SynReceived, Established, FinWait, ClosingTcp],
            OPEN,
        ),
        case(
            "FIN with data, and the data sent again",
            &open_then(&[
                c("FA", 1, 1, 10),
                c("FA", 1, 1, 10),
                s("FA", 1, 12, 0),
                c("A", 12, 2, 0),
            ]),
            "ShADFTf",
            CLOSE,
            FIN,
        ),
        case(
            "FIN in the last segment of the handshake",
            &[
                c("S", 0, 0, 0),
                s("SA", 0, 1, 0),
                c("FA", 1, 1, 0),
                s("FA", 1, 2, 0),
                c("A", 2, 2, 0),
            ],
            "ShFfA",
            &[SynReceived, Established, ClosingTcp, Closed],
            FIN,
        ),
        case(
            "joined mid-stream, closed by FIN, FIN, ACK",
            &[
                c("PA", 1000, 2000, 10),
                c("FA", 1010, 2000, 0),
                s("FA", 2000, 1011, 0),
                c("A", 1011, 2001, 0),
            ],
            "DFfA",
            &[FinWait, ClosingTcp, Closed],
            FIN,
        ),
    ]
}

/// Connections that are reset, and segments that come when all is over.
fn resets_and_stragglers() -> Vec<Case> {
    const RESET: &[FlowState] = &[SynReceived, Established, Reset];
    const CLOSE: &[FlowState] = &[SynReceived, Established, FinWait, ClosingTcp, Closed];
    let closed_then = |rest: &[Segment]| [open_then(&close()).as_slice(), rest].concat();
    vec![
        case(
            "reset by the client",
            &open_then(&[c("R", 1, 0, 0)]),
            "ShAR",
            RESET,
            RST,
        ),
        case(
            "reset by the server",
            &open_then(&[c("PA", 1, 1, 9), s("RA", 1, 10, 0)]),
            "ShADr",
            RESET,
            RST,
        ),
        case(
            "reset while it is closing",
            &open_then(&[c("FA", 1, 1, 0), s("R", 1, 0, 0)]),
            "ShAFr",
            &[SynReceived, Established, FinWait, Reset],
            RST,
        ),
        case(
            "joined mid-stream, reset",
            &[c("A", 1000, 2000, 0), s("R", 2000, 0, 0)],
            "Ar",
            &[Reset],
            RST,
        ),
        case("a reset alone", &[c("R", 1000, 0, 0)], "R", &[Reset], RST),
        case(
            "a second reset",
            &open_then(&[c("R", 1, 0, 0), c("R", 1, 0, 0), s("R", 1, 0, 0)]),
            "ShARr",
            RESET,
            RST,
        ),
        case(
            "the last ACK again",
            &closed_then(&[c("A", 2, 2, 0)]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
        case(
            "a FIN again after the close",
            &closed_then(&[s("FA", 1, 2, 0), c("A", 2, 2, 0)]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
        case(
            "a reset after the close",
            &closed_then(&[c("R", 2, 0, 0)]),
            "ShAFfR",
            CLOSE,
            FIN,
        ),
        case(
            "the SYN again after the close",
            &closed_then(&[c("S", 0, 0, 0)]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
    ]
}

fn cases() -> Vec<Case> {
    let mut cases = openings();
    cases.extend(closes());
    cases.extend(resets_and_stragglers());
    cases
}

#[test]
fn a_connection_goes_through_its_states_and_ends_for_its_reason() {
    for case in cases() {
        let mut probe = Probe::new();
        probe.segments(&case.segments);
        assert_eq!(path(&probe.log.events), case.path, "{}", case.name);
        let records = probe.finish();
        assert_eq!(records.len(), 1, "{}: a ghost flow", case.name);
        let record = records[0];
        assert_eq!(record.history.as_str(), case.history, "{}", case.name);
        assert_eq!(record.reason, case.reason, "{}", case.name);
        assert_eq!(
            record.stats.packets(),
            case.segments.len() as u64,
            "{}",
            case.name
        );
        let last = case.path.last().copied().unwrap_or(SynSent);
        assert_eq!(record.state, last, "{}", case.name);
    }
}

#[test]
fn a_connection_that_was_closed_lingers_and_is_over_after_that() {
    for (end, reason) in [(close().to_vec(), FIN), (vec![c("R", 1, 0, 0)], RST)] {
        let mut probe = Probe::new();
        probe.segments(&open_then(&end));
        probe.wait(Duration::from_secs(4));
        assert_eq!(probe.tracker.live(), 1);
        probe.segments(&[s("R", 1, 0, 0)]);
        probe.wait(Duration::from_secs(4));
        assert_eq!(probe.tracker.counters().created, 1, "a ghost flow");
        probe.wait(Duration::from_secs(2));
        assert_eq!(probe.tracker.live(), 0);
        assert_eq!(probe.log.records[0].reason, reason);
    }
}

#[test]
fn the_round_trips_of_the_handshake_are_measured_from_the_first_of_each_segment() {
    let record = converse(&handshake());
    assert_eq!(record.stats.syn_to_syn_ack, Some(STEP));
    assert_eq!(record.stats.syn_ack_to_ack, Some(STEP));

    let [syn, syn_ack, ack] = handshake();
    let record = converse(&[syn, syn, syn_ack, syn_ack, ack, ack]);
    assert_eq!(record.stats.syn_to_syn_ack, Some(STEP * 2));
    assert_eq!(record.stats.syn_ack_to_ack, Some(STEP * 2));

    let record = converse(&[syn_ack, ack]);
    assert_eq!(record.stats.syn_to_syn_ack, None, "the SYN was not seen");
    assert_eq!(record.stats.syn_ack_to_ack, Some(STEP));

    let record = converse(&[c("A", 1, 1, 0), s("A", 1, 1, 0)]);
    assert_eq!(record.stats.syn_to_syn_ack, None);
    assert_eq!(record.stats.syn_ack_to_ack, None);
}

#[test]
fn a_reset_far_outside_the_window_does_not_end_the_connection() {
    for reset in [c("R", 1 << 31, 0, 0), s("RA", 1 << 30, 1, 0)] {
        let record = converse(&open_then(&[c("PA", 1, 1, 9), s("A", 1, 10, 0), reset]));
        assert_eq!(record.state, Established);
        assert_eq!(record.reason, OPEN);
    }
}

#[test]
fn a_fin_far_outside_the_window_does_not_close_the_connection() {
    for fin in [c("FA", 1 << 31, 1, 0), s("FA", 1 << 24, 1, 0)] {
        let record = converse(&open_then(&[c("PA", 1, 1, 9), s("A", 1, 10, 0), fin]));
        assert_eq!(record.state, Established);
    }
}

proptest! {
    #[test]
    fn nothing_depends_on_the_initial_sequence_numbers(client: u32, server: u32) {
        for case in cases() {
            let elsewhere: Vec<_> = case
                .segments
                .iter()
                .map(|segment| segment.numbered_from(client, server))
                .collect();
            prop_assert_eq!(converse(&elsewhere), converse(&case.segments), "{}", case.name);
        }
    }
}
