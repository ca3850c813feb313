//! JSON: records and events, an object a line.

use std::collections::BTreeSet;

use flowtrack_common::{
    AnomalyKind, Envelope, EvictionPressure, FlowEvent, FlowSide, L4Proto, PressureState, Tunnel,
    TunnelId, TunnelKind, VlanStack, Volume,
};
use serde_json::{Value, json};

use super::script::{
    Probe, START, c, client, close, converse, handshake, key, open_then, packet, s, server,
};
use crate::{
    export::{Origin, Output, RecordKinds, events::EventsOutput, json::JsonOutput},
    flow::{EventKinds, FiveTuple, FlowRecord, RecordReason},
};

fn parsed(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn record(record: &FlowRecord<FiveTuple>) -> Value {
    let (mut output, mut out) = (JsonOutput, Vec::new());
    assert_eq!(output.wants(), EventKinds::NONE);
    assert_eq!(output.wants_records(), RecordKinds::All);
    output.record(record, &Origin::default(), &mut out);
    let mut lines = parsed(&String::from_utf8(out).unwrap());
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

fn names(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_record_has_all_its_fields_under_their_names() {
    let value = record(&converse(&open_then(&close())));
    let fields = "proto ip_proto src src_port dst dst_port community_id start end duration end_reason \
                  ipfix_end_reason conn_state history initiator responder syn_to_syn_ack \
                  syn_ack_to_ack completeness";
    assert_eq!(names(&value), fields.split_whitespace().collect());
    for side in ["initiator", "responder"] {
        let fields = "packets wire_bytes ip_bytes payload_bytes tcp ip_len_min ip_len_max ttl_min \
                      ttl_max icmp_errors bad_checksums";
        assert_eq!(names(&value[side]), fields.split_whitespace().collect());
        let fields = "flags stream_bytes retransmitted out_of_order gap_bytes missed_bytes \
                      zero_windows";
        assert_eq!(
            names(&value[side]["tcp"]),
            fields.split_whitespace().collect()
        );
    }
    assert_eq!(
        value["completeness"],
        json!({"midstream": false, "evicted": false, "capture_loss": false, "truncated": false, "sampled": 1})
    );
}

#[test]
fn a_record_says_what_the_flow_was() {
    let value = record(&converse(&open_then(&[
        c("PA", 1, 1, 100),
        s("R", 1, 0, 0),
    ])));
    for (field, expected) in [
        ("proto", json!("tcp")),
        ("ip_proto", json!(6)),
        ("src", json!("10.0.0.1")),
        ("src_port", json!(40_000)),
        ("dst", json!("10.0.0.2")),
        ("dst_port", json!(80)),
        ("start", json!(1_000_000.0)),
        ("duration", json!(0.004)),
        ("syn_to_syn_ack", json!(0.001)),
        ("end_reason", json!("rst")),
        ("ipfix_end_reason", json!(3)),
        ("conn_state", json!("RSTR")),
        ("history", json!("ShADr")),
    ] {
        assert_eq!(value[field], expected, "{field}");
    }
    let side = &value["initiator"];
    assert_eq!(side["packets"], 3);
    assert_eq!(side["payload_bytes"], 100);
    assert_eq!(side["tcp"]["stream_bytes"], 100);
    assert_eq!(side["tcp"]["flags"], 0x1a);
}

#[test]
fn a_flow_that_is_not_tcp_has_no_tcp_fields_and_icmp_has_its_identifier() {
    let mut probe = Probe::new();
    let mut echo = packet(client(), server(), L4Proto::Icmp, START);
    echo.packet.key.icmp_id = 77;
    probe.packet(&echo);
    let value = record(&probe.finish()[0]);
    assert_eq!(value["proto"], "icmp");
    assert_eq!(value["icmp_id"], 77);
    for side in ["initiator", "responder"] {
        assert_eq!(value[side].get("tcp"), None);
    }
    assert_eq!(value.get("syn_to_syn_ack"), None);
}

#[test]
fn a_record_of_a_part_tells_of_the_part_and_of_the_flow_up_to_it() {
    let mut flow = converse(&open_then(&[c("PA", 1, 1, 100)]));
    assert_eq!(record(&flow).get("flow"), None, "one tells all");
    flow.part = 1;
    flow.since = START.saturating_add(std::time::Duration::from_millis(3));
    flow.initiator = Volume {
        packets: 1,
        wire_bytes: 154,
        ip_bytes: 140,
        payload_bytes: 100,
    };
    flow.responder = Volume::default();
    let value = record(&flow);
    assert_eq!(value["start"], 1_000_000.003);
    assert_eq!(
        (&value["end"], &value["duration"]),
        (&value["start"], &json!(0.0))
    );
    let side = &value["initiator"];
    assert_eq!(
        (&side["packets"], &side["wire_bytes"]),
        (&json!(1), &json!(154))
    );
    assert_eq!(
        (&side["ip_bytes"], &side["payload_bytes"]),
        (&json!(140), &json!(100))
    );
    assert_eq!(value["responder"]["packets"], 0);
    assert_eq!(
        value["flow"],
        json!({
            "part": 1,
            "start": 1_000_000.0,
            "initiator": {"packets": 3, "wire_bytes": 262, "ip_bytes": 220, "payload_bytes": 100},
            "responder": {"packets": 1, "wire_bytes": 54, "ip_bytes": 40, "payload_bytes": 0},
        })
    );

    flow.part = 0;
    flow.reason = RecordReason::ActiveTimeout;
    let value = record(&flow);
    assert_eq!(value["flow"]["part"], 0, "there will be more");
    assert_eq!(value["end_reason"], "active_timeout");
    assert_eq!(value["ipfix_end_reason"], 2);
}

#[test]
fn a_record_tells_what_its_packets_were_wrapped_in() {
    let mut flow = converse(&handshake());
    assert_eq!(record(&flow).get("envelope"), None, "in nothing");
    let id = TunnelId {
        kind: TunnelKind::Vxlan,
        id: 7,
    };
    flow.envelope = Envelope {
        vlans: VlanStack([5, 0]),
        tunnel: Some(Tunnel {
            id,
            src: [192, 0, 2, 1].into(),
            dst: [192, 0, 2, 2].into(),
        }),
        depth: 2,
        carries: true,
    };
    let value = record(&flow);
    assert_eq!(
        value["envelope"],
        json!({
            "vlans": [5],
            "tunnel": {"kind": "vxlan", "id": 7, "src": "192.0.2.1", "dst": "192.0.2.2", "depth": 2},
            "carries": true,
        })
    );
    for field in ["key_vlans", "key_tunnel"] {
        assert_eq!(value.get(field), None, "the flow is one whatever it was in");
    }
    flow.key.vlans = VlanStack([5, 6]);
    flow.key.tunnel = Some(id);
    let value = record(&flow);
    assert_eq!(value["key_vlans"], json!([5, 6]));
    assert_eq!(value["key_tunnel"], json!({"kind": "vxlan", "id": 7}));
}

fn event_lines(events: &[FlowEvent<FiveTuple>]) -> Vec<Value> {
    let (mut output, mut out) = (EventsOutput, Vec::new());
    assert_eq!(output.wants(), EventKinds::ALL);
    assert_eq!(output.wants_records(), RecordKinds::None);
    for event in events {
        output.event(event, &mut out);
    }
    parsed(&String::from_utf8(out).unwrap())
}

#[test]
fn each_event_is_a_line_of_its_kind_with_its_flow() {
    let mut probe = Probe::new();
    probe.segments(&open_then(&close()));
    probe.wait(std::time::Duration::from_secs(10));
    let events = probe.events();
    let lines = event_lines(&events);
    assert_eq!(lines.len(), events.len());
    let kinds: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "started",
            "packet",
            "state_change",
            "packet",
            "established",
            "packet",
            "state_change",
            "packet",
            "state_change",
            "packet",
            "state_change",
            "packet",
            "ended",
        ]
    );
    for line in &lines {
        assert_eq!(line["src"], "10.0.0.1");
        assert_eq!(line["src_port"], 40_000);
        assert_eq!(line["dst"], "10.0.0.2");
        assert_eq!(line["proto"], "tcp");
        assert!(line["ts"].as_f64() >= Some(1_000_000.0));
    }
}

#[test]
fn an_event_says_what_happened() {
    let mut probe = Probe::new();
    probe.segments(&handshake()[..2]);
    probe.wait(std::time::Duration::from_secs(1000));
    let lines = event_lines(&probe.events());
    assert_eq!(lines[0]["side"], "initiator");
    assert_eq!(lines[1]["len"], 54);
    assert_eq!(lines[2]["from"], "syn_sent");
    assert_eq!(lines[2]["to"], "syn_received");
    assert_eq!(lines[3]["side"], "responder");
    assert_eq!(lines[4]["reason"], "idle_timeout");
    assert_eq!(lines[4]["packets"], 2);
    assert_eq!(lines[4]["wire_bytes"], 108);
    assert_eq!(lines[4]["history"], "Sh");
}

fn anomaly_line(key: Option<FiveTuple>, kind: AnomalyKind) -> Value {
    let ts = START;
    event_lines(&[FlowEvent::Anomaly { key, kind, ts }]).remove(0)
}

#[test]
fn an_anomaly_of_a_flow_names_it_and_who_sent_the_packet() {
    let flow = key(client(), server(), L4Proto::Udp);
    let side = FlowSide::Responder;
    for (kind, name) in [
        (AnomalyKind::OutOfOrder { side }, "out_of_order"),
        (AnomalyKind::Retransmission { side }, "retransmission"),
        (AnomalyKind::OutOfWindow { side }, "out_of_window"),
        (AnomalyKind::BadHeaderLength { side }, "bad_header_length"),
        (AnomalyKind::BadChecksum { side }, "bad_checksum"),
        (AnomalyKind::FragmentOverlap { side }, "fragment_overlap"),
        (AnomalyKind::TinyFragment { side }, "tiny_fragment"),
        (AnomalyKind::SequenceGap { side, bytes: 7 }, "sequence_gap"),
    ] {
        let line = anomaly_line(Some(flow), kind);
        assert_eq!(line["event"], "anomaly");
        assert_eq!(line["kind"], name);
        assert_eq!(line["side"], "responder");
        assert_eq!(line["src"], "10.0.0.1");
        let gap = name == "sequence_gap";
        assert_eq!(line.get("bytes"), gap.then_some(&json!(7)));
    }
    let line = anomaly_line(Some(flow), AnomalyKind::SynFloodTarget);
    assert_eq!(line["kind"], "syn_flood_target");
    assert_eq!(
        (line["dst"].as_str(), line.get("side")),
        (Some("10.0.0.2"), None)
    );
}

#[test]
fn pressure_on_the_table_is_a_line_without_a_flow() {
    let pressure = EvictionPressure {
        state: PressureState::Raised,
        evicted: [1, 2, 3, 4],
        evicted_total: [5, 6, 7, 8],
        live: 90,
        capacity: 100,
        new_flows_per_second: 20,
        time_to_full: Some(std::time::Duration::from_millis(500)),
        returned: 9,
    };
    let line = anomaly_line(None, AnomalyKind::FlowTableEvictionPressure(pressure));
    assert_eq!(line["kind"], "flow_table_eviction_pressure");
    assert_eq!(line.get("src"), None);
    assert_eq!(
        line["pressure"],
        json!({
            "state": "raised",
            "evicted": {"closed": 1, "half_open": 2, "one_sided": 3, "two_sided": 4},
            "evicted_total": {"closed": 5, "half_open": 6, "one_sided": 7, "two_sided": 8},
            "returned": 9,
            "live": 90,
            "capacity": 100,
            "new_flows_per_second": 20,
            "time_to_full": 0.5,
        })
    );
}
