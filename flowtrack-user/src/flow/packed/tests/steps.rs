//! The short way of the segments of a handshake and a close: where one goes that way its connection is what the
//! long way makes of it, and where it does not nothing was changed.

use std::time::Duration;

use flowtrack_common::{FlowState, L4Proto, VlanStack};

use super::{configs, live::Live, packets, short::long};
use crate::flow::{
    Meta, TrackerConfig,
    key::FiveTuple,
    tests::script::{Segment, c, open_then, s},
};

const FAR: u32 = 1 << 30;

/// Takes in a segment, which goes the short way or not, as `short` says.
fn check(name: &str, live: &mut Live, config: &TrackerConfig, meta: &Meta<FiveTuple>, short: bool) {
    let Some(before) = live.pack() else {
        assert!(!short, "{name}: there is more to tell of it than fits");
        live.packet(meta);
        return;
    };
    let mut packed = before;
    let to = packed.step(meta, &live.moment());
    assert_eq!(to.is_some(), short, "{name}: {:#?}", live.flow);
    live.packet(meta);
    let Some(to) = to else {
        assert_eq!(packed, before, "{name}: nothing was changed");
        return;
    };
    assert_eq!(live.unpack(&packed), live.flow, "{name}");
    assert_eq!(packed.flags, live.pack().unwrap().flags, "{name}");
    assert_eq!((packed.flags.state(), live.flow.state), (to, to), "{name}");
    let list = packed.list_of_connection(&meta.packet.key, config);
    assert_eq!(list, live.flow.list(config), "{name}");
}

/// The ways of segments that each come a millisecond after the one before: only the `last` ones are checked, one
/// letter each, `s` for the short way and `l` for the long one.
fn check_ways(name: &str, segments: &[Segment], last: &str) {
    for (number, config) in configs().iter().enumerate() {
        check_packets(
            &format!("{name} ({number})"),
            &packets(segments),
            last,
            config,
        );
    }
}

fn check_packets(name: &str, packets: &[Meta<FiveTuple>], last: &str, config: &TrackerConfig) {
    let mut live = Live::new(&packets[0], config);
    let packets: Vec<_> = packets.iter().copied().map(long).collect();
    let (before, checked) = packets.split_at(packets.len() - last.len());
    for meta in before {
        live.packet(meta);
    }
    for (meta, way) in checked.iter().zip(last.chars()) {
        check(name, &mut live, config, meta, way == 's');
    }
}

/// A change of a connection that is half open or half closed, and whether the next segment goes the short way.
type Case = (&'static str, Vec<Segment>, &'static str);

#[test]
fn a_syn_is_answered_by_what_acknowledges_it_and_nothing_more() {
    let syn = c("S", 0, 0, 0);
    let cases: [Case; 13] = [
        ("SYN+ACK", vec![s("SA", 0, 1, 0)], "s"),
        ("with another flag", vec![s("SAP", 0, 1, 0)], "s"),
        ("of another SYN", vec![s("SA", 0, 2, 0)], "l"),
        ("of none", vec![s("SA", 0, 0, 0)], "l"),
        ("with payload", vec![s("SA", 0, 1, 5)], "l"),
        ("without a window", vec![s("SA", 0, 1, 0).window(0)], "l"),
        ("with FIN", vec![s("SAF", 0, 1, 0)], "l"),
        ("with RST", vec![s("SAR", 0, 1, 0)], "l"),
        ("SYN", vec![s("S", 0, 1, 0)], "l"),
        ("ACK", vec![s("A", 0, 1, 0)], "l"),
        ("of the client", vec![c("SA", 0, 1, 0)], "l"),
        (
            "of a SYN that came twice",
            vec![syn, s("SA", 0, 1, 0)],
            "ll",
        ),
        ("twice", vec![s("SA", 0, 1, 0), s("SA", 0, 1, 0)], "sl"),
    ];
    for (name, next, ways) in cases {
        check_ways(name, &[&[syn][..], &next].concat(), ways);
    }
    let with_data = [c("S", 0, 0, 5), s("SA", 0, 6, 0)];
    check_ways("of a SYN with data", &with_data, "l");
}

#[test]
fn an_answer_is_completed_by_what_acknowledges_it_and_nothing_less() {
    let answered = [c("S", 0, 0, 0), s("SA", 0, 1, 0)];
    let cases: [Case; 14] = [
        ("ACK", vec![c("A", 1, 1, 0)], "s"),
        ("data", vec![c("PA", 1, 1, 9)], "s"),
        ("without a window", vec![c("A", 1, 1, 0).window(0)], "l"),
        ("of more than was sent", vec![c("A", 1, 2, 0)], "l"),
        ("of less", vec![c("A", 1, 0, 0)], "l"),
        ("behind a gap", vec![c("A", 2, 1, 0)], "l"),
        ("FIN", vec![c("FA", 1, 1, 0)], "l"),
        ("RST", vec![c("RA", 1, 1, 0)], "l"),
        ("SYN", vec![c("SA", 1, 1, 0)], "l"),
        ("no ACK", vec![c("P", 1, 1, 9)], "l"),
        ("of the server", vec![s("A", 1, 1, 0)], "l"),
        (
            "behind data of the server",
            vec![s("PA", 1, 1, 9), c("A", 1, 10, 0)],
            "ll",
        ),
        (
            "behind one of less",
            vec![c("A", 1, 0, 0), c("A", 1, 1, 0)],
            "ll",
        ),
        (
            "behind a FIN out of the window",
            vec![s("FA", 1 << 29, 1, 0), c("A", 1, 1, 0)],
            "ll",
        ),
    ];
    for (name, next, ways) in cases {
        check_ways(name, &[&answered[..], &next].concat(), ways);
    }
}

#[test]
fn a_connection_closes_by_a_fin_of_each_side_and_the_acks_of_these() {
    let cases: [Case; 12] = [
        (
            "at once",
            vec![c("FA", 1, 1, 0), s("FA", 1, 2, 0), c("A", 2, 2, 0)],
            "sss",
        ),
        (
            "one after the other",
            vec![
                s("FA", 1, 1, 0),
                c("A", 1, 2, 0),
                c("FA", 1, 2, 0),
                s("A", 2, 2, 0),
            ],
            "ssss",
        ),
        (
            "with data that is acknowledged",
            vec![
                c("PA", 1, 1, 9),
                s("PA", 1, 10, 9),
                c("FA", 10, 10, 0),
                s("A", 10, 11, 0),
                s("FA", 10, 11, 0),
                c("A", 11, 11, 0),
            ],
            "ssss",
        ),
        (
            "with data that is not",
            vec![s("PA", 1, 1, 9), c("FA", 1, 1, 0)],
            "l",
        ),
        (
            "at the same time",
            vec![
                c("FA", 1, 1, 0),
                s("FA", 1, 1, 0),
                c("A", 2, 2, 0),
                s("A", 2, 2, 0),
            ],
            "slll",
        ),
        (
            "on one side alone",
            vec![c("FA", 1, 1, 0), c("A", 2, 1, 0), s("PA", 1, 2, 9)],
            "sll",
        ),
        ("twice", vec![c("FA", 1, 1, 0), c("FA", 1, 1, 0)], "sl"),
        (
            "with an ACK too many",
            vec![
                c("FA", 1, 1, 0),
                s("FA", 1, 2, 0),
                c("A", 2, 2, 0),
                s("A", 2, 2, 0),
            ],
            "sssl",
        ),
        (
            "with a FIN that the server has not seen",
            vec![c("FA", 1, 1, 0), s("A", 1, 1, 0), s("FA", 1, 2, 0)],
            "sls",
        ),
        (
            "with a reset",
            vec![c("FA", 1, 1, 0), s("RA", 1, 2, 0), s("FA", 1, 2, 0)],
            "sll",
        ),
        (
            "behind a reset out of the window",
            vec![s("RA", 1 << 29, 1, 0), c("FA", 1, 1, 0)],
            "ll",
        ),
        (
            "behind a FIN out of the window",
            vec![c("FA", 1 << 29, 1, 0), c("FA", 1, 1, 0), s("FA", 1, 1, 0)],
            "lll",
        ),
    ];
    for (name, segments, ways) in cases {
        check_ways(name, &open_then(&segments), ways);
    }
    // Of a connection that was joined, the server has not shown its SYN.
    let joined = [
        c("PA", 900, 90, 5),
        s("PA", 90, 905, 7),
        c("FA", 905, 97, 0),
    ];
    check_ways("joined", &joined, "l");
    let unanswered = [
        c("S", 0, 0, 0),
        s("SA", 0, 1, 0),
        s("PA", 1, 1, 9),
        c("FA", 1, 10, 0),
    ];
    check_ways("whose last ACK of the handshake was lost", &unanswered, "l");
}

#[test]
fn a_fin_has_neither_payload_nor_a_number_of_its_own_choice() {
    for (name, fin, way) in [
        ("FIN", c("FA", 1, 1, 0), "s"),
        ("with another flag", c("FPA", 1, 1, 0), "s"),
        ("no ACK", c("F", 1, 1, 0), "l"),
        ("with payload", c("FPA", 1, 1, 5), "l"),
        ("without a window", c("FA", 1, 1, 0).window(0), "l"),
        ("behind a gap", c("FA", 2, 1, 0), "l"),
        ("before the end", c("FA", 0, 1, 0), "l"),
        ("of more than was seen", c("FA", 1, 2, 0), "l"),
        ("of less", c("FA", 1, 0, 0), "l"),
        ("with SYN", c("SFA", 1, 1, 0), "l"),
        ("with RST", c("RFA", 1, 1, 0), "l"),
    ] {
        check_ways(name, &open_then(&[fin]), way);
    }
}

#[test]
fn a_stream_that_nobody_acknowledges_is_settled_when_it_closes() {
    for len in [16_382, 16_383, 16_384, 40_000] {
        let unseen = [c("PA", 1, 1, len), c("FA", 1 + len, 1, 0)];
        check_ways(&format!("{len}"), &open_then(&unseen), "s");
        let acked = [c("PA", 1, 1, len), s("A", 1, 9, 0), c("FA", 1 + len, 1, 0)];
        check_ways(
            &format!("{len}, a part of it acknowledged"),
            &open_then(&acked),
            "s",
        );
        let behind = [
            c("PA", 1, 1, len),
            c("FA", 1 + len, 1, 0),
            s("FA", 1, 2 + len, 0),
            c("A", 2 + len, 2, 0),
        ];
        check_ways(&format!("{len} to the end"), &open_then(&behind), "sss");
    }
}

#[test]
fn a_fin_far_from_what_is_acknowledged_is_not_compared() {
    for (more, way) in [(FAR - 10, "s"), (FAR - 9, "l")] {
        let segments = [
            c("PA", 1, 1, 9),
            s("A", 1, 2, 0),
            c("PA", 10, 1, more),
            c("FA", 10 + more, 1, 0),
        ];
        // From what is settled, 2, to behind the FIN.
        check_ways(&format!("{more}"), &open_then(&segments), way);
    }
}

#[test]
fn the_times_of_a_handshake_and_of_a_close_are_those_that_can_be_told() {
    let nanos = |last: u64, segments: &[Segment]| {
        let mut packets = packets(segments);
        if let [.., before, meta] = &mut packets[..] {
            meta.ts = before.ts.saturating_add(Duration::from_nanos(last));
        }
        packets
    };
    let open = [c("S", 0, 0, 0), s("SA", 0, 1, 0), c("A", 1, 1, 0)];
    let close = open_then(&[c("FA", 1, 1, 0), s("FA", 1, 2, 0), c("A", 2, 2, 0)]);
    let most = u64::from(u32::MAX);
    for config in &configs() {
        for (name, segments, last, way) in [
            ("a SYN+ACK", &open[..2], (1 << 40) - 1, "s"),
            ("a SYN+ACK too late", &open[..2], 1 << 40, "l"),
            ("an ACK", &open, most - 1, "s"),
            ("an ACK too late", &open, most, "l"),
            ("the last ACK", &close, most, "s"),
            ("the last ACK too late", &close, most + 1, "l"),
        ] {
            check_packets(name, &nanos(last, segments), way, config);
        }
    }
}

#[test]
fn what_is_unusual_about_a_connection_or_a_segment_leads_it_the_long_way() {
    let config = TrackerConfig::default();
    let all = packets(&[c("S", 0, 0, 0), s("SA", 0, 1, 0)]);
    let mut live = Live::new(&all[0], &config);
    live.packet(&all[0]);
    let packed = live.pack().unwrap();
    let moment = live.moment();
    let mut changed = packed;
    assert_eq!(changed.step(&all[1], &moment), Some(FlowState::SynReceived));
    let mut cut = all[1];
    cut.packet.truncated = true;
    let mut early = all[1];
    early.ts = all[0].ts.saturating_sub(Duration::from_nanos(1));
    let mut short = all[1];
    short.packet.wire_len = short.packet.ip_len - 1;
    let mut long = all[1];
    long.packet.ip_len = 1 << 16;
    long.packet.wire_len = 1 << 16;
    let mut bare = all[1];
    bare.packet.tcp = None;
    for (name, meta) in [
        ("cut", cut),
        ("early", early),
        ("shorter than its packet", short),
        ("too long", long),
        ("without a TCP header", bare),
    ] {
        let mut same = packed;
        assert_eq!(same.step(&meta, &moment), None, "{name}");
        assert_eq!(same, packed, "{name}");
    }
    for l4 in [None, Some(L4Proto::Udp)] {
        let other = all.clone().into_iter().map(|mut meta| {
            meta.packet.l4 = l4;
            meta
        });
        let other: Vec<_> = other.collect();
        check_packets("of another protocol", &other, "l", &config);
    }
    let mut other_clock = moment;
    other_clock.flags = crate::flow::fast::Moment::flags(1);
    let mut lossy = moment;
    lossy.losses += 1;
    for moment in [other_clock, lossy] {
        let mut same = packed;
        assert_eq!(same.step(&all[1], &moment), None);
    }
    assert_ne!(live.flow.envelope.vlans, VlanStack::default());
}
