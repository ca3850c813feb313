//! When a connection is closed, and for how long.

use super::*;

#[test]
fn the_linger_time_runs_from_the_close() {
    let mut script: Vec<_> = open_then(&close()).into_iter().map(|x| (0, x)).collect();
    script.extend([(3, c("A", 2, 2, 0)), (4, s("A", 2, 2, 0))]);
    assert_eq!(records(&script).len(), 1);
    script.push((6, c("A", 2, 2, 0)));
    assert_eq!(records(&script).len(), 2, "six seconds after the close");
}

#[test]
fn a_connection_lingers_that_was_reset_by_a_side_that_is_closed() {
    for (name, rest, over) in [
        ("closed by one side", vec![c("FA", 1, 1, 0)], false),
        ("and reset", vec![c("FA", 1, 1, 0), c("R", 2, 0, 0)], true),
        (
            "by the other",
            vec![s("FA", 1, 1, 0), s("R", 2, 0, 0)],
            true,
        ),
        ("reset", vec![s("R", 1, 0, 0)], true),
        (
            "reset, but bytes are missing",
            vec![s("PA", 101, 1, 10), s("R", 111, 0, 0)],
            false,
        ),
    ] {
        let mut script: Vec<_> = open_then(&rest).into_iter().map(|x| (0, x)).collect();
        script.push((6, c("A", 1, 1, 0)));
        let connections = if over { 2 } else { 1 };
        assert_eq!(records(&script).len(), connections, "{name}");
    }
}

#[test]
fn a_close_waits_for_data_that_was_not_acknowledged() {
    // The client closes before it has acknowledged what the server sent.
    let close = [
        (0, s("PA", 1, 1, 100)),
        (1, c("FA", 1, 1, 0)),
        (2, s("FA", 101, 2, 0)),
        (8, c("A", 2, 102, 0)),
    ];
    let mut script: Vec<_> = handshake().into_iter().map(|x| (0, x)).collect();
    script.extend(close);
    let found = records(&script);
    assert_eq!(
        found.len(),
        1,
        "the close was not complete six seconds before"
    );
    let duration = found[0].stats.last_productive;
    assert_eq!(duration, secs(8), "and so the last ACK belongs to it");
}

#[test]
fn a_close_that_waited_comes_to_pass_with_the_ack_of_the_data() {
    let close = [
        (0, s("PA", 1, 1, 100)),
        (1, c("FA", 1, 1, 0)),
        (2, c("A", 2, 101, 0)),
        (3, s("FA", 101, 2, 0)),
    ];
    for (later, connections) in [(7, 1), (9, 2)] {
        let mut script: Vec<_> = handshake().into_iter().map(|x| (0, x)).collect();
        script.extend(close);
        script.push((later, c("A", 2, 102, 0)));
        assert_eq!(records(&script).len(), connections, "{later}");
    }
}

#[test]
fn a_close_waits_for_its_own_side_whatever_the_one_that_is_closed_sends() {
    let close = [
        (1, c("FA", 1, 1, 0)),
        // What it sent before is missing.
        (2, s("FA", 101, 2, 0)),
        (3, c("A", 2, 1, 0)),
        (4, s("PA", 1, 2, 100)),
    ];
    for (later, connections) in [(8, 1), (10, 2)] {
        let mut script: Vec<_> = handshake().into_iter().map(|x| (0, x)).collect();
        script.extend(close);
        script.push((later, c("A", 2, 102, 0)));
        assert_eq!(records(&script).len(), connections, "{later}");
    }
}

#[test]
fn a_side_that_closes_with_its_first_segment_waits_for_no_answer() {
    for flags in ["F", "FA", "R", "RA"] {
        let script = [(0, c(flags, 1, 1, 0)), (6, c("A", 2, 1, 0))];
        assert_eq!(records(&script).len(), 2, "{flags}");
    }
    let script = [(0, c("A", 1, 1, 0)), (6, c("A", 1, 1, 0))];
    assert_eq!(records(&script).len(), 1, "one that does not");
}

#[test]
fn what_follows_the_close_of_both_sides_does_not_make_it_longer() {
    for (name, rest, last_productive) in [
        (
            "FINs",
            vec![
                (1, c("FA", 1, 1, 0)),
                (2, s("FA", 1, 2, 0)),
                (3, c("A", 2, 2, 0)),
            ],
            2,
        ),
        (
            // The FIN waits for the data to be acknowledged; behind the RSTs nothing is waited for.
            "RSTs behind a FIN that waits",
            vec![
                (1, s("PA", 1, 1, 100)),
                (1, c("FA", 1, 1, 0)),
                (2, s("R", 101, 0, 0)),
                (3, c("R", 2, 0, 0)),
                (4, c("A", 2, 101, 0)),
            ],
            3,
        ),
    ] {
        let mut script: Vec<_> = open_then(&[]).into_iter().map(|x| (0, x)).collect();
        script.extend(&rest);
        let record = records(&script)[0];
        assert_eq!(
            record.stats.last_productive,
            secs(last_productive),
            "{name}"
        );
        assert_eq!(record.stats.last_seen, secs(last_productive + 1), "{name}");
    }
}

#[test]
fn a_side_that_sends_on_is_not_closed_by_a_fin_that_waits() {
    let rest = [
        (1, s("PA", 1, 1, 100)),
        (1, c("FA", 1, 1, 0)),
        (2, s("PA", 101, 2, 100)),
        (3, c("A", 2, 201, 0)),
        (4, s("PA", 201, 2, 10)),
    ];
    let mut script: Vec<_> = open_then(&[]).into_iter().map(|x| (0, x)).collect();
    script.extend(&rest);
    assert_eq!(records(&script)[0].stats.last_productive, secs(4));
}
