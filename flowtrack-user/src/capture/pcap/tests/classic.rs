//! pcap.

use flowtrack_common::{LinkType, Timestamp};

use super::{Order, Packet, len32, packet, read, read_all};
use crate::capture::pcap::ReadError;

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;
const HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;

fn header(order: Order, magic: u32, link: u32) -> Vec<u8> {
    [
        &order.u32(magic)[..],
        &order.u16(2),
        &order.u16(4),
        &order.words(&[0, 0, 262_144, link]),
    ]
    .concat()
}

fn record(order: Order, secs: u32, fraction: u32, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
    [
        &order.words(&[secs, fraction, len32(bytes), wire_len])[..],
        bytes,
    ]
    .concat()
}

/// A file with `packets`, in microseconds.
pub(super) fn file(order: Order, packets: &[Packet]) -> Vec<u8> {
    let mut file = header(order, MICROS, 1);
    for Packet {
        bytes,
        wire_len,
        ts,
        ..
    } in packets
    {
        let secs = u32::try_from(ts.secs()).unwrap();
        file.extend(record(
            order,
            secs,
            ts.subsec_nanos() / 1000,
            *wire_len,
            bytes,
        ));
    }
    file
}

#[test]
fn both_byte_orders_and_both_resolutions_are_read() {
    for order in [Order::Little, Order::Big] {
        for (magic, nanos) in [(MICROS, 789_000), (NANOS, 789)] {
            let file = [
                header(order, magic, 1),
                record(order, 1_700_000_000, 789, 60, &[1; 60]),
                record(order, 4_294_967_295, 0, 61, &[2; 61]),
            ]
            .concat();
            assert_eq!(
                read_all(&file),
                [
                    packet(&[1; 60], Timestamp::new(1_700_000_000, nanos)),
                    packet(&[2; 61], Timestamp::new(4_294_967_295, 0)),
                ],
                "{order:?} {magic:#x}"
            );
        }
    }
}

#[test]
fn a_header_alone_is_a_capture_without_packets() {
    assert_eq!(read_all(&header(Order::Little, MICROS, 1)), []);
}

#[test]
fn the_link_type_stands_in_the_lower_half_of_its_field() {
    for (field, link) in [
        (1, LinkType::ETHERNET),
        (101, LinkType::RAW),
        (228, LinkType::IPV4),
        // The upper half says that frames have a check sequence of four bytes.
        (0x2400_0001, LinkType::ETHERNET),
        (0xf000_0065, LinkType::RAW),
    ] {
        let file = [
            header(Order::Little, MICROS, field),
            record(Order::Little, 0, 0, 4, &[0; 4]),
        ]
        .concat();
        assert_eq!(read_all(&file)[0].link, link, "{field:#x}");
    }
}

#[test]
fn a_packet_cut_by_a_snap_length_keeps_its_length_on_the_wire() {
    let cut = Packet {
        wire_len: 1514,
        ..packet(&[7; 96], Timestamp::new(1, 0))
    };
    let packets = [cut, packet(&[8; 60], Timestamp::new(2, 0))];
    assert_eq!(read_all(&file(Order::Big, &packets)), packets);
}

#[test]
fn a_wire_length_below_the_captured_one_is_not_believed() {
    let wrong = Packet {
        wire_len: 10,
        ..packet(&[7; 96], Timestamp::EPOCH)
    };
    assert_eq!(read_all(&file(Order::Little, &[wrong]))[0].wire_len, 96);
}

#[test]
fn a_file_that_ends_in_its_header_is_no_capture() {
    for len in [1, 4, 10, HEADER_LEN - 1] {
        let (packets, result) = read(&header(Order::Little, MICROS, 1)[..len]);
        assert_eq!(packets, []);
        assert!(
            matches!(result, Err(ReadError::NotACapture { .. })),
            "{len}"
        );
    }
}

#[test]
fn a_file_that_ends_in_a_packet_gives_all_packets_before_it() {
    let packets = [
        packet(&[1; 60], Timestamp::new(1, 0)),
        packet(&[2; 70], Timestamp::new(2, 0)),
    ];
    let file = file(Order::Little, &packets);
    let second = HEADER_LEN + RECORD_HEADER_LEN + 60;
    for len in [
        second + 1,
        second + RECORD_HEADER_LEN - 1,
        second + RECORD_HEADER_LEN,
        file.len() - 1,
    ] {
        let (read, result) = read(&file[..len]);
        assert_eq!(read, packets[..1], "{len}");
        assert!(
            matches!(result, Err(ReadError::Truncated { packets: 1, .. })),
            "{len}: {result:?}"
        );
    }
    let (read, result) = read(&file[..second]);
    assert_eq!(read, packets[..1]);
    assert!(result.is_ok(), "it ends between two packets");
}

#[test]
fn a_file_of_any_length_is_read_whatever_the_buffer_holds() {
    // More than the buffer, in packets of all sizes.
    let packets: Vec<_> = (0..3000u32)
        .map(|number| {
            let len = usize::try_from(number * 7919 % 1500).unwrap();
            packet(
                &vec![number.to_le_bytes()[0]; len],
                Timestamp::new(number.into(), 0),
            )
        })
        .collect();
    let file = file(Order::Little, &packets);
    assert!(file.len() > 2 << 20);
    assert!(read_all(&file) == packets);
}

#[test]
fn a_packet_larger_than_the_buffer_is_read() {
    for len in [(1 << 20) - 16, 1 << 20, 3 << 20, 9 << 20] {
        let packets = [
            packet(&[1; 60], Timestamp::new(1, 0)),
            packet(&vec![2; len], Timestamp::new(2, 0)),
            packet(&[3; 60], Timestamp::new(3, 0)),
        ];
        let (read, result) = read(&file(Order::Little, &packets));
        assert!(result.is_ok(), "{len}: {result:?}");
        assert!(read == packets, "{len}");
    }
}

#[test]
fn a_packet_of_absurd_length_is_an_error_and_takes_no_memory() {
    let mut file = file(Order::Little, &[packet(&[1; 60], Timestamp::EPOCH)]);
    file.extend(Order::Little.words(&[0, 0, u32::MAX, u32::MAX]));
    file.extend([0; 5000]);
    let (packets, result) = read(&file);
    assert_eq!(packets.len(), 1);
    assert!(
        matches!(
            result,
            Err(ReadError::Damaged { packets: 1, .. } | ReadError::Truncated { packets: 1, .. })
        ),
        "{result:?}"
    );
}
