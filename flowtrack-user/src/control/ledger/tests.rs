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
fn what_the_filter_does_not_want_is_accounted_for() {
    let counts = ShardCounts {
        received: 15,
        filtered: 5,
        ..tunnels()
    };
    let row = row(&counts);
    assert!(row.residual.is_zero(), "{:?}", row.residual);
    assert_eq!(row.wire.filtered, 5);
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

/// Two queues: the first one hands three of its seven packets to the second one.
fn handed_over() -> [ShardCounts; 2] {
    let queue = |received, matched| ShardCounts {
        received,
        accepted: received,
        matched,
        recorded_packets: matched,
        ..ShardCounts::default()
    };
    [
        ShardCounts {
            handed_out: 3,
            ..queue(7, 4)
        },
        ShardCounts {
            handed_in: 3,
            ..queue(2, 5)
        },
    ]
}

fn ledger(queues: [ShardCounts; 2], moment: Moment) -> Ledger {
    let parts = queues.map(|counts| LedgerPart {
        counts,
        arrived: (1, counts.recorded_packets),
        ..LedgerPart::default()
    });
    Ledger::new(&parts, Vec::new(), moment)
}

#[test]
fn packets_that_were_handed_over_are_accounted_for_on_each_queue_and_in_total() {
    for moment in [Moment::Running, Moment::Ended] {
        let ledger = ledger(handed_over(), moment);
        assert!(ledger.closes(), "{ledger}");
        let HandoverRow {
            handed_out,
            handed_in,
            ..
        } = ledger.total.handover;
        assert_eq!([handed_out, handed_in], [3, 3]);
        assert!(ledger.to_string().contains("from other queues"), "{ledger}");
    }
}

#[test]
fn what_is_on_its_way_from_queue_to_queue_is_unexplained_at_the_end() {
    let mut queues = handed_over();
    // It has taken in one less: a packet is in the ring.
    queues[1].handed_in -= 1;
    queues[1].matched -= 1;
    queues[1].recorded_packets -= 1;
    let running = ledger(queues, Moment::Running);
    assert!(running.closes(), "{running}");
    assert_eq!(running.total.handover.in_flight, 1);
    let ended = ledger(queues, Moment::Ended);
    assert_eq!(ended.total.residual.handover, 1);
    assert!(!ended.closes());
}

#[test]
fn packets_that_wait_or_were_lost_in_a_ring_are_accounted_for() {
    let mut queues = handed_over();
    queues[0].received += 5;
    queues[0].accepted += 5;
    queues[0].handover_waiting += 3;
    queues[0].handover_lost += 2;
    let ledger = ledger(queues, Moment::Running);
    assert!(ledger.closes(), "{ledger}");
    assert_eq!(ledger.total.handover.lost, 2);
}
