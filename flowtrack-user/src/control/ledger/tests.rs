//! What closes, and what does not.

use super::*;

/// A shard that took in ten frames: seven with a flow, two of which carried three packets more.
fn tunnels() -> ShardCounts {
    let mut counts = ShardCounts {
        received: 10,
        accepted: 7,
        tunnelled: 3,
        refused_inside: 1,
        matched: 10,
        recorded_packets: 10,
        records: 4,
        created: 4,
        ..ShardCounts::default()
    };
    counts.ended[0] = 4;
    counts.refused[Refusal::FragmentHeld as usize] = 2;
    counts.refused[Refusal::TunnelContent as usize] = 1;
    counts
}

fn row(counts: &ShardCounts) -> LedgerRow {
    LedgerRow::new(1, None, counts, (4, 10), Moment::Ended)
}

#[test]
fn packets_in_tunnels_and_held_fragments_are_accounted_for() {
    let row = row(&tunnels());
    assert!(row.residual.is_zero(), "{:?}", row.residual);
    assert_eq!((row.wire.accepted, row.wire.tunnelled), (7, 3));
    assert_eq!(row.wire.refused_inside, 1);
    let refused: Vec<_> = row.wire.refused.into_iter().collect();
    assert_eq!(refused, [("fragment_held", 2), ("tunnel_content", 1)]);
}

#[test]
fn what_was_refused_inside_is_for_information() {
    let counts = ShardCounts {
        refused_inside: 5,
        ..tunnels()
    };
    assert!(row(&counts).residual.is_zero());
}

#[test]
fn a_packet_that_got_lost_leaves_a_residual_where_it_got_lost() {
    let residual = |change: fn(&mut ShardCounts)| {
        let mut counts = tunnels();
        change(&mut counts);
        row(&counts).residual
    };
    let wire = Residual {
        wire: 1,
        ..Residual::default()
    };
    assert_eq!(residual(|counts| counts.received += 1), wire);
    let tracker = Residual {
        tracker: 1,
        ..Residual::default()
    };
    assert_eq!(residual(|counts| counts.tunnelled += 1), tracker);
    let flows = Residual {
        flows: 1,
        ..Residual::default()
    };
    assert_eq!(residual(|counts| counts.created += 1), flows);
}

#[test]
fn the_table_has_lines_for_tunnels_only_where_there_were_some() {
    let table = |counts| {
        let parts = [LedgerPart {
            counts,
            arrived: (4, 10),
            ..LedgerPart::default()
        }];
        Ledger::new(&parts, Vec::new(), Moment::Ended).to_string()
    };
    let with = table(tunnels());
    for line in ["more packets in tunnels", "refused inside", "fragment_held"] {
        assert!(with.contains(line), "{line} is not in\n{with}");
    }
    let without = table(ShardCounts::default());
    assert!(!without.contains("tunnels") && !without.contains("inside"));
}
