use super::*;

fn counters(driver_name: &str) -> NicCounters {
    NicCounters {
        interface: "no-such-if".to_owned(),
        driver: driver_name.to_owned(),
        names: driver(driver_name),
        index: None,
        last: Counters::new(),
        sum: Counters::new(),
    }
}

fn values(values: &[(&str, u64)]) -> Counters {
    let value = |&(name, value): &(&str, u64)| (name.to_owned(), value);
    values.iter().map(value).collect()
}

#[test]
fn what_was_counted_before_is_not_shown() {
    let mut nic = counters("veth");
    nic.last = values(&[(PACKETS, 1_000), (BYTES, 60_000), ("rx_dropped", 7)]);
    nic.add(values(&[
        (PACKETS, 1_010),
        (BYTES, 61_000),
        ("rx_dropped", 7),
        ("rx_missed_errors", 2),
        ("rx_queue_#_xdp_packets", 10),
    ]));
    let row = nic.row();
    assert_eq!((row.packets, row.bytes), (10, 1_000));
    assert_eq!(row.dropped, values(&[("rx_missed_errors", 2)]));
    assert_eq!(
        row.driver_counters,
        values(&[("rx_queue_#_xdp_packets", 10)])
    );
}

#[test]
fn a_counter_that_begins_again_goes_on_in_the_row() {
    let mut nic = counters("veth");
    for value in [5, 9, 2, 2, 4] {
        nic.add(values(&[(PACKETS, value)]));
    }
    assert_eq!(nic.row().packets, 9 + 4);
}

#[test]
fn an_interface_that_is_away_changes_nothing() {
    let mut nic = counters("veth");
    nic.add(values(&[(PACKETS, 5)]));
    assert_eq!(nic.since(nic.look()).packets, 5);
    assert_eq!(nic.since(nic.look()).packets, 5);
}

#[test]
fn what_is_skipped_is_not_counted() {
    let mut nic = NicCounters::baseline("lo");
    let sending = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = || {
        sending
            .send_to(&[0], sending.local_addr().unwrap())
            .unwrap()
    };
    send();
    let before = nic.since(nic.look()).packets;
    assert!(before > 0, "{nic:?}");
    nic.last.insert(PACKETS.to_owned(), 0);
    nic.skip(nic.look());
    assert!(nic.last[PACKETS] > 0, "{nic:?}");
    assert_eq!(nic.row().packets, before);
}

#[test]
fn what_neither_the_driver_nor_the_program_has_is_unexplained() {
    let row = NicRow {
        packets: 100,
        refused: 3,
        comparable: true,
        ..NicRow::default()
    };
    let cases = [(97, Some(0)), (90, Some(7)), (98, Some(-1))];
    for (seen, expected) in cases {
        assert_eq!(
            row.unexplained(seen, AttachMode::Native),
            expected,
            "{seen}"
        );
    }
    assert_eq!(row.unexplained(97, AttachMode::Generic), None);
    let other = NicRow {
        comparable: false,
        ..row
    };
    assert_eq!(other.unexplained(97, AttachMode::Native), None);
}

#[test]
fn what_the_program_dropped_did_not_fail_to_reach_it() {
    let mut nic = counters("virtio_net");
    nic.add(values(&[
        (PACKETS, 50),
        ("rx#_drops", 8),
        ("rx#_xdp_drops", 5),
    ]));
    assert_eq!(nic.row().refused, 3);
}

#[test]
fn the_loopback_interface_has_a_row() {
    let mut nic = NicCounters::baseline("lo");
    let row = nic.since(nic.look());
    assert!(!row.comparable, "{row:?}");
    assert!(row.driver_counters.is_empty(), "{row:?}");
}
