//! pcapng.

use flowtrack_common::{LinkType, Timestamp};

use super::{Order, Packet, len32, packet, read, read_all};
use crate::capture::pcap::ReadError;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
/// A number for whoever wants one.
const LOCAL_USE: u32 = 0x8000_0001;

const COMMENT: u16 = 1;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let body = padded(body);
    let len = order.u32(len32(&body) + 12);
    [&order.u32(kind)[..], &len, &body, &len].concat()
}

fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap();
    [&order.u16(code)[..], &order.u16(len), &padded(value)].concat()
}

fn section(order: Order, options: &[u8]) -> Vec<u8> {
    let body = [
        &order.u32(0x1a2b_3c4d)[..],
        &order.u16(1),
        &order.u16(0),
        &[0xff; 8],
        options,
    ]
    .concat();
    block(order, SECTION_HEADER, &body)
}

fn interface(order: Order, link: u16, snap_len: u32, options: &[u8]) -> Vec<u8> {
    let body = [
        &order.u16(link)[..],
        &order.u16(0),
        &order.u32(snap_len),
        options,
    ]
    .concat();
    block(order, INTERFACE, &body)
}

/// A packet of interface `id`; the time in its units.
fn enhanced(order: Order, id: u32, time: u64, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
    let (high, low) = (time >> 32, time & 0xffff_ffff);
    let words = [
        id,
        u32::try_from(high).unwrap(),
        u32::try_from(low).unwrap(),
        len32(bytes),
        wire_len,
    ];
    block(
        order,
        ENHANCED_PACKET,
        &[&order.words(&words)[..], bytes].concat(),
    )
}

fn simple(order: Order, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
    block(
        order,
        SIMPLE_PACKET,
        &[&order.u32(wire_len)[..], bytes].concat(),
    )
}

#[test]
fn each_interface_has_a_link_type_and_a_time_resolution_of_its_own() {
    for order in [Order::Little, Order::Big] {
        let file = [
            section(order, &[]),
            interface(order, 1, 0, &[]),
            interface(order, 101, 0, &option(order, IF_TSRESOL, &[9])),
            enhanced(order, 0, 1_700_000_000_123_456, 61, &[1; 61]),
            enhanced(order, 1, 1_700_000_000_123_456_789, 1500, &[2; 62]),
            enhanced(order, 0, 1_700_000_000_123_457, 63, &[3; 63]),
        ]
        .concat();
        let expected = [
            packet(&[1; 61], Timestamp::new(1_700_000_000, 123_456_000)),
            Packet {
                link: LinkType::RAW,
                wire_len: 1500,
                ..packet(&[2; 62], Timestamp::new(1_700_000_000, 123_456_789))
            },
            packet(&[3; 63], Timestamp::new(1_700_000_000, 123_457_000)),
        ];
        assert_eq!(read_all(&file), expected, "{order:?}");
    }
}

/// The time of a packet that says `time`, on an interface with `options`.
fn time(order: Order, options: &[u8], time: u64) -> Timestamp {
    let file = [
        section(order, &[]),
        interface(order, 1, 0, options),
        enhanced(order, 0, time, 60, &[0; 60]),
    ]
    .concat();
    read_all(&file)[0].ts
}

#[test]
fn a_time_resolution_is_a_power_of_ten_or_of_two() {
    for (resolution, units, expected) in [
        (0, 7, Timestamp::new(7, 0)),
        (3, 7_250, Timestamp::new(7, 250_000_000)),
        (12, 7_250_000_000_000, Timestamp::new(7, 250_000_000)),
        (0x80, 7, Timestamp::new(7, 0)),
        (0x8a, 7 * 1024 + 256, Timestamp::new(7, 250_000_000)),
        (0xa0, (7 << 32) + (1 << 30), Timestamp::new(7, 250_000_000)),
    ] {
        for order in [Order::Little, Order::Big] {
            let options = option(order, IF_TSRESOL, &[resolution]);
            assert_eq!(time(order, &options, units), expected, "{resolution:#x}");
        }
    }
}

#[test]
fn a_time_offset_is_added_in_either_byte_order() {
    for offset in [3600_i64, -3600] {
        for (order, value) in [
            (Order::Little, offset.to_le_bytes()),
            (Order::Big, offset.to_be_bytes()),
        ] {
            let options = option(order, IF_TSOFFSET, &value);
            let expected = Timestamp::new(10_000_u64.saturating_add_signed(offset), 0);
            assert_eq!(
                time(order, &options, 10_000_000_000),
                expected,
                "{order:?} {offset}"
            );
        }
    }
}

#[test]
fn a_simple_packet_has_the_time_of_the_one_before_and_the_first_interface() {
    let order = Order::Little;
    let file = [
        section(order, &[]),
        interface(order, 1, 65, &[]),
        enhanced(order, 0, 5_000_000, 60, &[1; 60]),
        simple(order, 61, &[2; 61]),
        // Cut by the snap length of the interface; the rest of the last word is padding.
        simple(order, 1500, &[3; 65]),
    ]
    .concat();
    let ts = Timestamp::new(5, 0);
    assert_eq!(
        read_all(&file),
        [
            packet(&[1; 60], ts),
            packet(&[2; 61], ts),
            Packet {
                wire_len: 1500,
                ..packet(&[3; 65], ts)
            },
        ]
    );
}

#[test]
fn blocks_that_hold_no_packet_are_passed_over() {
    let order = Order::Little;
    let file = [
        section(order, &option(order, COMMENT, b"a section")),
        block(order, LOCAL_USE, &[9; 100]),
        interface(order, 1, 0, &[]),
        block(order, NAME_RESOLUTION, &[0; 4]),
        enhanced(order, 0, 1_000_000, 60, &[1; 60]),
        block(order, INTERFACE_STATISTICS, &[0; 12]),
        block(order, 0x0bad_cafe, &[]),
        enhanced(order, 0, 2_000_000, 60, &[2; 60]),
    ]
    .concat();
    assert_eq!(
        read_all(&file),
        [
            packet(&[1; 60], Timestamp::new(1, 0)),
            packet(&[2; 60], Timestamp::new(2, 0)),
        ]
    );
}

#[test]
fn a_new_section_has_its_own_byte_order_and_interfaces() {
    let (first, second) = (Order::Little, Order::Big);
    let file = [
        section(first, &[]),
        interface(first, 1, 0, &[]),
        enhanced(first, 0, 1_000_000, 60, &[1; 60]),
        section(second, &[]),
        interface(second, 101, 0, &option(second, IF_TSRESOL, &[9])),
        enhanced(second, 0, 2_000_000_000, 60, &[2; 60]),
    ]
    .concat();
    assert_eq!(
        read_all(&file),
        [
            packet(&[1; 60], Timestamp::new(1, 0)),
            Packet {
                link: LinkType::RAW,
                ..packet(&[2; 60], Timestamp::new(2, 0))
            },
        ]
    );
}

#[test]
fn a_long_comment_in_the_section_header_is_no_obstacle() {
    let order = Order::Little;
    for len in [600, 9_000, 60_000] {
        let file = [
            section(order, &option(order, COMMENT, &vec![b'x'; len])),
            interface(order, 1, 0, &[]),
            enhanced(order, 0, 1_000_000, 60, &[1; 60]),
        ]
        .concat();
        let (packets, result) = read(&file);
        assert!(result.is_ok(), "{len}: {result:?}");
        assert_eq!(packets.len(), 1);
    }
}

#[test]
fn a_block_larger_than_the_buffer_is_passed_over() {
    let order = Order::Little;
    let file = [
        section(order, &[]),
        interface(order, 1, 0, &[]),
        block(order, LOCAL_USE, &vec![9; 5 << 20]),
        enhanced(order, 0, 1_000_000, 60, &[1; 60]),
    ]
    .concat();
    assert_eq!(read_all(&file), [packet(&[1; 60], Timestamp::new(1, 0))]);
}

#[test]
fn a_file_that_ends_in_a_block_gives_all_packets_before_it() {
    let order = Order::Big;
    let start = [section(order, &[]), interface(order, 1, 0, &[])].concat();
    let one = enhanced(order, 0, 1_000_000, 60, &[1; 60]);
    let file = [start.as_slice(), &one, &one].concat();
    let second = start.len() + one.len();
    for len in [second + 1, second + 11, second + 40, file.len() - 1] {
        let (packets, result) = read(&file[..len]);
        assert_eq!(packets.len(), 1, "{len}");
        assert!(
            matches!(result, Err(ReadError::Truncated { packets: 1, .. })),
            "{len}: {result:?}"
        );
    }
}

#[test]
fn a_packet_of_an_interface_that_was_not_described_is_of_no_known_link_type() {
    let order = Order::Little;
    let file = [
        section(order, &[]),
        simple(order, 60, &[0; 60]),
        interface(order, 1, 0, &[]),
        enhanced(order, 7, 1_000_000, 60, &[1; 60]),
        enhanced(order, 0, 2_000_000, 60, &[2; 60]),
    ]
    .concat();
    let links: Vec<_> = read_all(&file).iter().map(|packet| packet.link).collect();
    let unknown = LinkType(u16::MAX);
    assert_eq!(links, [unknown, unknown, LinkType::ETHERNET]);
}
