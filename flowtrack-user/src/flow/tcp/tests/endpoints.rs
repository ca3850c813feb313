//! The state of each side.

use flowtrack_common::EndpointState::{
    self, Closed, Established, Inactive, Partial, Reset, SynSent,
};

use super::{
    super::{endpoint::Endpoint, sequence::Span},
    script::{Segment, c, converse, open_then, s},
};

#[test]
fn a_side_is_in_the_state_that_its_segments_show() {
    let joined = c("A", 1, 1, 10);
    for (name, segments, client, server) in [
        ("SYN", vec![c("S", 0, 0, 0)], SynSent, Inactive),
        ("joined", vec![joined], Partial, Inactive),
        (
            "joined, and a SYN",
            vec![joined, c("S", 11, 0, 0)],
            SynSent,
            Inactive,
        ),
        (
            "joined, and an answer",
            vec![joined, c("SA", 11, 1, 0)],
            Partial,
            Inactive,
        ),
        (
            "joined, and data",
            vec![joined, c("A", 11, 1, 9)],
            Partial,
            Inactive,
        ),
        (
            "joined, no flags",
            vec![joined, c("", 11, 0, 9)],
            Partial,
            Inactive,
        ),
        (
            "joined, the other side answers, and a SYN",
            vec![joined, s("A", 1, 11, 0), c("S", 11, 0, 0)],
            Partial,
            Partial,
        ),
        (
            "open, and a SYN",
            open_then(&[c("S", 0, 0, 0)]),
            Established,
            Established,
        ),
        (
            "no handshake, reset",
            vec![joined, s("R", 1, 0, 0)],
            Partial,
            Reset,
        ),
    ] {
        check(name, &segments, client, server);
    }
}

#[test]
fn a_side_that_closes_or_resets_is_in_a_state_that_the_other_one_may_change() {
    let (fin, reset) = (c("FA", 1, 1, 0), c("R", 2, 0, 0));
    let (server_fin, server_reset) = (s("FA", 1, 1, 0), s("R", 1, 0, 0));
    for (name, rest, client, server) in [
        ("FIN", vec![fin], Closed, Established),
        ("FIN, FIN", vec![fin, server_fin], Closed, Closed),
        ("FIN, RST", vec![fin, reset], Reset, Established),
        (
            "a RST behind a FIN is a close where the other side closes",
            vec![fin, reset, server_fin],
            Closed,
            Closed,
        ),
        ("RST, FIN", vec![reset, server_fin], Reset, Closed),
        (
            "a RST behind the FINs of both sides",
            vec![fin, server_fin, reset],
            Closed,
            Closed,
        ),
        ("a FIN again", vec![fin, fin], Closed, Established),
        (
            "data behind a FIN",
            vec![fin, c("A", 2, 1, 0)],
            Closed,
            Established,
        ),
        ("RST, RST", vec![reset, server_reset], Reset, Reset),
        (
            "FIN, RST of the other",
            vec![fin, server_reset],
            Closed,
            Reset,
        ),
    ] {
        check(name, &open_then(&rest), client, server);
    }
}

#[test]
fn a_syn_may_come_with_a_fin_or_a_reset_or_be_followed_by_one() {
    let syn = c("S", 0, 0, 0);
    for (name, segments, client, server) in [
        ("answer", vec![s("SA", 0, 1, 0)], Inactive, Established),
        ("SYN with FIN", vec![c("SF", 0, 0, 0)], Closed, Inactive),
        ("SYN with RST", vec![c("SR", 0, 0, 0)], Reset, Inactive),
        ("SYN, FIN", vec![syn, c("F", 1, 0, 0)], Closed, Inactive),
        ("SYN, RST", vec![syn, c("R", 1, 0, 0)], Reset, Inactive),
        ("refused", vec![syn, s("RA", 0, 1, 0)], SynSent, Reset),
        (
            "an ACK is no answer",
            vec![syn, s("A", 0, 1, 0)],
            SynSent,
            Inactive,
        ),
        ("data is one", vec![syn, s("A", 1, 1, 9)], SynSent, Partial),
        (
            "answered",
            vec![syn, s("SA", 0, 1, 0)],
            Established,
            Established,
        ),
    ] {
        check(name, &segments, client, server);
    }
}

fn check(name: &str, segments: &[Segment], client: EndpointState, server: EndpointState) {
    let stats = converse(segments).stats;
    let states = (stats.initiator.tcp_state, stats.responder.tcp_state);
    assert_eq!(states, (client, server), "{name}");
}

#[test]
fn what_is_missing_counts_only_between_ends_that_were_both_open() {
    let gap = c("PA", 11, 1, 10);
    for (name, rest, missed) in [
        ("open", vec![gap, s("A", 1, 21, 0)], 10),
        ("closed", vec![c("FA", 11, 1, 10), s("A", 1, 22, 0)], 10),
        ("the other one reset", vec![gap, s("RA", 1, 21, 0)], 0),
        ("reset", vec![gap, c("R", 21, 0, 0), s("A", 1, 21, 0)], 0),
        (
            "closed and reset",
            vec![c("FA", 11, 1, 10), c("R", 22, 0, 0), s("A", 1, 22, 0)],
            0,
        ),
    ] {
        let stats = converse(&open_then(&rest)).stats;
        assert_eq!(stats.initiator.missed_bytes, missed, "{name}");
    }
    let joined = [
        c("PA", 1, 1, 5),
        s("PA", 1, 6, 5),
        c("FA", 16, 6, 5),
        s("A", 6, 22, 0),
    ];
    assert_eq!(converse(&joined).stats.initiator.missed_bytes, 0, "joined");
}

/// Begins the stream of `endpoint` with `segment`, if that is where it begins.
fn begin(endpoint: &mut Endpoint, segment: Segment) {
    let span = Span::of(&segment.info);
    endpoint.begin(span);
    endpoint.stream.advance(span, false);
}

#[test]
fn a_stream_begins_with_its_first_segment_or_with_a_syn_before_it_has_data() {
    let again = c("S", 1000, 0, 0);
    let (other, data) = (c("S", 2000, 0, 0), c("A", 2000, 1, 1));
    // With the number of the SYN, as keep-alives have it before there is data.
    let alive = c("A", 1000, 1, 1);
    for (state, sent, next, start, bytes) in [
        (SynSent, 0, other, 2000, 0),
        (SynSent, 5, other, 2000, 0),
        (SynSent, 5, again, 1000, 5),
        (SynSent, 0, data, 1000, 1000),
        (Established, 0, other, 2000, 0),
        (Established, 5, other, 1000, 1000),
        (Established, 5, again, 1000, 0),
        (Established, 0, data, 1000, 1000),
        (Established, 5, alive, 1000, 5),
        (Partial, 0, other, 2000, 0),
        (Partial, 5, again, 1000, 0),
        (Reset, 0, other, 2000, 0),
        (Reset, 0, data, 1000, 1000),
        (Closed, 0, other, 1000, 1000),
        (Closed, 5, again, 1000, 5),
    ] {
        let mut endpoint = Endpoint::default();
        begin(&mut endpoint, c("S", 1000, 0, sent));
        endpoint.state = state;
        begin(&mut endpoint, next);
        let found = (endpoint.stream.start(), endpoint.bytes());
        assert_eq!(found, (start, bytes), "{state:?} {sent} {next:?}");
    }
}
