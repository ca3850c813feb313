//! Zeek's conn.log.

use std::collections::{HashMap, HashSet};

use flowtrack_common::{L4Proto, Timestamp};

use super::script::{
    Probe, START, STEP, Segment, c, client, close, converse, handshake, open_then, packet, s,
    server,
};
use crate::{
    export::{Origin, Output, conn_state, zeek::ZeekOutput},
    flow::{EventKinds, FiveTuple, FlowRecord, TrackerConfig},
};

/// The columns of conn.log in Zeek 8, with Community IDs.
const COLUMNS: [&str; 23] = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
    "ip_proto",
    "community_id",
];

#[test]
fn every_state_of_a_tcp_connection_is_told_from_its_segments() {
    let (syn, syn_ack) = (c("S", 0, 0, 0), s("SA", 0, 1, 0));
    let cases: &[(&str, Vec<Segment>)] = &[
        ("S0", vec![syn]),
        ("S1", handshake().to_vec()),
        ("SF", open_then(&close())),
        ("REJ", vec![syn, s("RA", 0, 1, 0)]),
        ("S2", open_then(&[c("FA", 1, 1, 0), s("A", 1, 2, 0)])),
        ("S3", open_then(&[s("FA", 1, 1, 0), c("A", 1, 2, 0)])),
        ("RSTO", open_then(&[c("PA", 1, 1, 9), c("R", 10, 0, 0)])),
        ("RSTR", open_then(&[c("PA", 1, 1, 9), s("R", 1, 0, 0)])),
        ("RSTOS0", vec![syn, c("R", 1, 0, 0)]),
        ("RSTRH", vec![syn_ack, s("R", 1, 0, 0)]),
        ("SH", vec![syn, c("FA", 1, 1, 0)]),
        ("SHR", vec![syn_ack, s("FA", 1, 1, 0)]),
        ("OTH", vec![c("A", 1, 1, 0), s("A", 1, 1, 0)]),
        // More ways to the same states.
        ("S0", vec![syn, syn]),
        (
            "SF",
            [open_then(&close()).as_slice(), &[c("R", 2, 0, 0)]].concat(),
        ),
        ("REJ", vec![syn, syn, s("RA", 0, 1, 0)]),
        ("RSTO", open_then(&[c("R", 1, 0, 0)])),
        ("RSTR", open_then(&[c("FA", 1, 1, 0), s("R", 1, 0, 0)])),
        // Both sides reset it: refused if there never was any data.
        ("REJ", open_then(&[c("R", 1, 0, 0), s("R", 1, 0, 0)])),
        (
            "RSTR",
            open_then(&[c("PA", 1, 1, 9), s("R", 1, 0, 0), c("R", 10, 0, 0)]),
        ),
        ("OTH", vec![s("A", 1, 1, 0)]),
    ];
    let mut reached = HashSet::new();
    for (state, segments) in cases {
        assert_eq!(&conn_state(&converse(segments)), state, "{segments:#?}");
        reached.insert(*state);
    }
    assert_eq!(reached.len(), 13);
}

#[test]
fn other_protocols_have_the_states_that_zeek_has_for_them() {
    let state = |l4, answered: bool| {
        let mut probe = Probe::new();
        probe.packet(&packet(client(), server(), l4, START));
        if answered {
            probe.packet(&packet(server(), client(), l4, START));
        }
        conn_state(&probe.finish()[0])
    };
    assert_eq!(state(L4Proto::Udp, false), "S0");
    assert_eq!(state(L4Proto::Udp, true), "SF");
    for l4 in [
        L4Proto::Icmp,
        L4Proto::IcmpV6,
        L4Proto::Sctp,
        L4Proto::Other(47),
    ] {
        assert_eq!((state(l4, false), state(l4, true)), ("OTH", "OTH"));
    }
}

fn log(records: &[FlowRecord<FiveTuple>]) -> String {
    let (mut output, mut out) = (ZeekOutput, Vec::new());
    output.header(&mut out);
    let wanted = output.wants_records();
    for record in records.iter().filter(|record| wanted.contains(record)) {
        output.record(record, &Origin::default(), &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// The only line of a log with one record, by column.
fn columns(record: &FlowRecord<FiveTuple>) -> HashMap<&'static str, String> {
    let log = log(&[*record]);
    let lines: Vec<_> = log.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 1);
    let values: Vec<_> = lines[0].split('\t').map(str::to_owned).collect();
    assert_eq!(values.len(), COLUMNS.len(), "{log}");
    COLUMNS.into_iter().zip(values).collect()
}

#[test]
fn the_header_names_the_columns_of_zeek_once_also_without_records() {
    for records in [vec![], vec![converse(&handshake()); 3]] {
        let log = log(&records);
        assert!(log.starts_with("#separator \\x09\n"));
        let line = |name: &str| {
            let lines: Vec<_> = log
                .lines()
                .filter_map(|line| line.strip_prefix(name)?.strip_prefix('\t'))
                .collect();
            assert_eq!(lines.len(), 1, "{name}");
            lines[0].split('\t').collect::<Vec<_>>()
        };
        assert_eq!(line("#set_separator"), [","]);
        assert_eq!(line("#empty_field"), ["(empty)"]);
        assert_eq!(line("#unset_field"), ["-"]);
        assert_eq!(line("#path"), ["conn"]);
        assert_eq!(line("#fields"), COLUMNS);
        assert_eq!(line("#types").len(), COLUMNS.len());
        assert_eq!(
            log.lines().filter(|line| !line.starts_with('#')).count(),
            records.len()
        );
    }
}

#[test]
fn a_connection_stands_in_the_columns_as_zeek_writes_it() {
    let record = converse(&open_then(&[
        c("PA", 1, 1, 100),
        s("PA", 1, 101, 200),
        s("PA", 301, 101, 50),
        c("A", 101, 351, 0),
        c("R", 101, 0, 0),
    ]));
    let columns = columns(&record);
    for (column, value) in [
        ("ts", "1000000.000000"),
        ("id.orig_h", "10.0.0.1"),
        ("id.orig_p", "40000"),
        ("id.resp_h", "10.0.0.2"),
        ("id.resp_p", "80"),
        ("proto", "tcp"),
        ("service", "-"),
        ("duration", "0.007000"),
        ("orig_bytes", "100"),
        // The gap of 100 bytes counts: Zeek goes by the sequence numbers.
        ("resp_bytes", "350"),
        ("conn_state", "RSTO"),
        ("missed_bytes", "100"),
        ("history", "ShADdgR"),
        ("orig_pkts", "5"),
        ("orig_ip_bytes", "300"),
        ("resp_pkts", "3"),
        ("resp_ip_bytes", "370"),
        ("ip_proto", "6"),
    ] {
        assert_eq!(columns[column], value, "{column}");
    }
}

#[test]
fn what_is_seen_at_one_instant_has_neither_duration_nor_sizes() {
    let mut probe = Probe::new();
    probe.packet(&packet(client(), server(), L4Proto::Udp, START));
    let columns = columns(&probe.finish()[0]);
    for column in ["duration", "orig_bytes", "resp_bytes"] {
        assert_eq!(columns[column], "-", "{column}");
    }
    assert_eq!(columns["history"], "D");
    assert_eq!(columns["orig_pkts"], "1");
}

#[test]
fn udp_has_its_payload_and_a_protocol_without_ports_has_none() {
    for (l4, proto, ports, bytes) in [
        (L4Proto::Udp, "udp", ["40000", "80"], "18"),
        (L4Proto::Icmp, "icmp", ["40000", "80"], "18"),
        (L4Proto::IcmpV6, "icmp", ["40000", "80"], "18"),
        (L4Proto::Sctp, "unknown_transport", ["0", "0"], "0"),
        (L4Proto::Other(47), "unknown_transport", ["0", "0"], "0"),
    ] {
        let mut probe = Probe::new();
        probe.packet(&packet(client(), server(), l4, START));
        let later: Timestamp = START.saturating_add(STEP);
        probe.packet(&packet(server(), client(), l4, later));
        let columns = columns(&probe.finish()[0]);
        assert_eq!(columns["proto"], proto);
        assert_eq!([&columns["id.orig_p"], &columns["id.resp_p"]], ports);
        assert_eq!([&columns["orig_bytes"], &columns["resp_bytes"]], [bytes; 2]);
        assert_eq!(columns["ip_proto"], l4.number().to_string());
    }
}

#[test]
fn a_connection_has_the_same_name_whenever_it_is_read_and_no_other_has_it() {
    let uid = |record: &_| columns(record)["uid"].clone();
    let record = converse(&handshake());
    let mut later = record;
    later.stats.started = later.stats.started.saturating_add(STEP);
    let mut elsewhere = record;
    elsewhere.key.src_port += 1;
    assert_eq!(uid(&record), uid(&record));
    let uids = HashSet::from([uid(&record), uid(&later), uid(&elsewhere)]);
    assert_eq!(uids.len(), 3);
    for uid in uids {
        assert!(uid.starts_with('C') && uid.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}

#[test]
fn a_flow_that_is_recorded_in_parts_is_one_row_with_its_totals() {
    let config = TrackerConfig {
        active_timeout: Some(STEP),
        ..TrackerConfig::default()
    };
    let mut probe = Probe::configured(&config, EventKinds::NONE);
    probe.segments(&open_then(&close()));
    let records = probe.finish();
    assert_eq!(records.len(), 6, "a packet each");
    let rows = log(&records);
    let rows: Vec<_> = rows.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), 1);
    let row = columns(records.last().unwrap());
    assert_eq!(
        (row["orig_pkts"].as_str(), row["resp_pkts"].as_str()),
        ("4", "2")
    );
}
