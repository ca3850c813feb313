//! The letters of the history, as Zeek writes them.

use super::script::{Segment, c, close, converse, handshake, open_then, s};

fn history(rest: &[Segment]) -> String {
    converse(&open_then(rest)).history.as_str().to_owned()
}

fn letters(history: &str, letter: char) -> usize {
    history.chars().filter(|&other| other == letter).count()
}

#[test]
fn some_letters_are_written_the_first_the_tenth_and_the_hundredth_time() {
    let again = c("PA", 1, 1, 10);
    let zero = s("A", 1, 1, 0).window(0);
    for (times, expected) in [(1, 1), (9, 1), (10, 2), (99, 2), (100, 3), (101, 3)] {
        let mut data = vec![again];
        data.extend(vec![again; times]);
        assert_eq!(letters(&history(&data), 'T'), expected, "{times}");
        assert_eq!(letters(&history(&vec![zero; times]), 'w'), expected);
        // Each second segment of a stream is missing.
        let gaps: Vec<_> = (0..u32::try_from(times).unwrap())
            .flat_map(|n| [c("PA", n * 20 + 11, 1, 10), s("A", 1, n * 20 + 21, 0)])
            .collect();
        assert_eq!(letters(&history(&gaps), 'G'), expected, "{times}");
    }
}

#[test]
fn a_zero_window_is_nothing_where_no_window_matters() {
    for (rest, expected) in [
        (vec![c("A", 1, 1, 0).window(0)], "ShAW"),
        (vec![c("R", 1, 0, 0).window(0)], "ShAR"),
        (vec![s("FA", 1, 1, 0), c("A", 1, 2, 0).window(0)], "ShAf"),
        (vec![c("FA", 1, 1, 0), c("A", 2, 1, 0).window(0)], "ShAFW"),
    ] {
        assert_eq!(history(&rest), expected);
    }
}

#[test]
fn flags_that_contradict_each_other_have_letters_of_their_own() {
    for (flags, expected) in [
        ("FR", "I"),
        ("SF", "Q"),
        ("SR", "Q"),
        ("SFR", "I"),
        ("", "-"),
    ] {
        let history = history(&[c(flags, 1, 0, 0), c(flags, 1, 0, 0)]);
        let expected = expected.trim_matches('-');
        assert_eq!(history, format!("ShA{expected}"), "{flags}");
    }
}

#[test]
fn a_syn_fin_or_reset_is_written_again_if_its_number_is_another_one() {
    let [syn, syn_ack, ack] = handshake();
    for (segments, expected) in [
        (vec![syn, syn, syn_ack, syn_ack, ack], "ShA"),
        (open_then(&[s("R", 1, 0, 0), s("R", 1, 0, 0)]), "ShAr"),
        (open_then(&[s("R", 1, 0, 0), s("R", 2, 0, 0)]), "ShArr"),
        (open_then(&[c("FA", 1, 1, 0), c("FA", 1, 1, 0)]), "ShAF"),
        (open_then(&[c("FA", 1, 1, 0), c("FA", 2, 1, 0)]), "ShAFF"),
        // Data in front of it is not its number.
        (open_then(&[c("FA", 1, 1, 9), c("FA", 10, 1, 0)]), "ShAF"),
    ] {
        assert_eq!(converse(&segments).history.as_str(), expected);
    }
}

#[test]
fn data_that_comes_with_a_fin_has_no_letter() {
    assert_eq!(history(&[c("FPA", 1, 1, 100)]), "ShAF");
    assert_eq!(history(&close()), "ShAFf");
}

#[test]
fn what_is_acknowledged_and_was_never_seen_is_a_gap() {
    let missing = [s("A", 1, 101, 0), s("A", 1, 101, 0)];
    let record = converse(&open_then(&missing));
    assert_eq!(record.history.as_str(), "ShAaG");
    assert_eq!(record.stats.initiator.missed_bytes, 100);
    assert_eq!(record.stats.initiator.stream_bytes, 100);

    // What comes late but before it is acknowledged is not missing.
    let late = [c("PA", 51, 1, 50), c("PA", 1, 1, 50), s("A", 1, 101, 0)];
    let record = converse(&open_then(&late));
    assert_eq!(record.history.as_str(), "ShADTa");
    assert_eq!(record.stats.initiator.missed_bytes, 0);

    // Where a side was not open its numbers tell nothing.
    let joined = [c("A", 1, 1, 10), s("A", 1, 11, 0), s("A", 1, 500, 0)];
    assert_eq!(converse(&joined).stats.initiator.missed_bytes, 0);
}

#[test]
fn the_ack_of_a_fin_acknowledges_no_byte() {
    let record = converse(&open_then(&close()));
    assert_eq!(record.stats.initiator.missed_bytes, 0);
    assert_eq!(record.stats.initiator.stream_bytes, 0);
}

#[test]
fn a_wild_ack_before_the_connection_is_open_acknowledges_nothing() {
    let [syn, syn_ack, ack] = handshake();
    let record = converse(&[syn, s("A", 9, 77_777, 0), syn_ack, ack]);
    assert_eq!(record.stats.initiator.stream_bytes, 0);
    assert_eq!(record.history.as_str(), "SahA");
}
