//! Connections from their first segment to their last one.

use std::time::Duration;

use flowtrack_common::{EndReason, EndpointState, FlowSide, FlowState};
use proptest::prelude::*;

use super::{
    cases,
    script::{Probe, STEP, c, close, converse, handshake, open_then, path, s},
};
use crate::flow::RecordReason;

#[test]
fn a_connection_goes_through_its_states_and_ends_for_its_reason() {
    for case in cases::all() {
        let mut probe = Probe::new();
        probe.segments(&case.segments);
        assert_eq!(path(&probe.log.events), case.path, "{}", case.name);
        let records = probe.finish();
        assert_eq!(records.len(), 1, "{}: a ghost flow", case.name);
        let record = records[0];
        assert_eq!(record.history.as_str(), case.history, "{}", case.name);
        assert_eq!(
            record.reason,
            RecordReason::Ended(case.reason),
            "{}",
            case.name
        );
        assert_eq!(
            record.stats.packets(),
            case.segments.len() as u64,
            "{}",
            case.name
        );
        let last = case.path.last().copied().unwrap_or(FlowState::SynSent);
        assert_eq!(record.state, last, "{}", case.name);
    }
}

#[test]
fn a_connection_that_was_closed_lingers_and_is_over_after_that() {
    for (end, reason) in [
        (close().to_vec(), EndReason::Fin),
        (vec![c("R", 1, 0, 0)], EndReason::Rst),
    ] {
        let mut probe = Probe::new();
        probe.segments(&open_then(&end));
        probe.wait(Duration::from_secs(4));
        assert_eq!(probe.tracker.live(), 1);
        probe.segments(&[s("R", 1, 0, 0)]);
        probe.wait(Duration::from_secs(4));
        assert_eq!(probe.tracker.counters().created, 1, "a ghost flow");
        probe.wait(Duration::from_secs(2));
        assert_eq!(probe.tracker.live(), 0);
        assert_eq!(probe.log.records[0].reason, RecordReason::Ended(reason));
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
fn a_reset_or_fin_far_outside_the_window_does_not_end_the_connection() {
    for segment in [
        c("R", 1 << 31, 0, 0),
        s("RA", 3 << 29, 1, 0),
        c("FA", 1 << 31, 1, 0),
        s("FA", 3 << 29, 1, 0),
    ] {
        let script = open_then(&[
            c("PA", 1, 1, 9),
            s("A", 1, 10, 0),
            segment,
            c("A", 10, 1, 0),
        ]);
        let record = converse(&script);
        assert_eq!(
            record.reason,
            RecordReason::Ended(EndReason::Shutdown),
            "{segment:?}"
        );
        assert_eq!(record.state, FlowState::Established);
        for side in [FlowSide::Initiator, FlowSide::Responder] {
            let state = record.stats.side(side).tcp_state;
            assert_eq!(state, EndpointState::Established, "{segment:?}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_depends_on_the_initial_sequence_numbers(client: u32, server: u32) {
        for case in cases::all() {
            let elsewhere: Vec<_> = case
                .segments
                .iter()
                .map(|segment| segment.numbered_from(client, server))
                .collect();
            prop_assert_eq!(converse(&elsewhere), converse(&case.segments), "{}", case.name);
        }
    }
}

#[test]
fn only_an_ack_of_the_answer_completes_the_handshake() {
    for (last, complete) in [
        (c("A", 1, 1, 0), true),
        (c("A", 1, 1_000_000, 0), true),
        (c("A", 1, 0, 0), false),
        (c("A", 1, 999_999_999, 0), false),
        (c("A", 2_000_000_000, 1, 0), false),
        (c("FA", 2_000_000_000, 1, 0), false),
        (s("PA", 1, 1, 9), true),
        (s("PA", 1, 0, 9), false),
    ] {
        let mut probe = Probe::new();
        probe.segments(&[c("S", 0, 0, 0), s("SA", 0, 1, 0), last]);
        let expected: &[_] = if complete {
            &[FlowState::SynReceived, FlowState::Established]
        } else {
            &[FlowState::SynReceived]
        };
        assert_eq!(path(&probe.events()), expected, "{last:?}");
    }
}

#[test]
fn a_segment_without_payload_that_does_not_acknowledge_has_no_letter() {
    let record = converse(&open_then(&[c("", 1, 0, 0), s("P", 1, 0, 0)]));
    assert_eq!(record.history.as_str(), "ShA");
    assert_eq!(record.stats.packets(), 5);
}

#[test]
fn an_ack_of_the_responder_alone_completes_no_handshake() {
    let answered = [c("S", 0, 0, 0), s("SA", 0, 1, 0), s("A", 1, 1, 0)];
    assert_eq!(converse(&answered).state, FlowState::SynReceived);
    let data = [answered[0], answered[1], s("PA", 1, 1, 1)];
    assert_eq!(converse(&data).state, FlowState::Established);
}
