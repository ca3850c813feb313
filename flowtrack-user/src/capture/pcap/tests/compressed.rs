//! gzip and zstd.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use flowtrack_common::Timestamp;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::{Order, Packet, classic, packet, read, read_all};
use crate::capture::pcap::ReadError;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// More than any buffer holds at once, and not to be compressed to nothing.
fn packets() -> Vec<Packet> {
    (0..2000u32)
        .map(|number| {
            let bytes: Vec<_> = (0..1000u32)
                .flat_map(|at| (number * 31 + at * at).to_le_bytes()[..1].to_vec())
                .collect();
            packet(&bytes, Timestamp::new(number.into(), 0))
        })
        .collect()
}

#[test]
fn compressed_captures_are_read_like_plain_ones() {
    let packets = packets();
    let plain = classic::file(Order::Little, &packets);
    assert!(read_all(&gzip(&plain)) == packets);
    assert!(read_all(&zstd(&plain)) == packets);
}

#[test]
fn a_gzip_file_may_have_several_members() {
    let packets = packets();
    let plain = classic::file(Order::Little, &packets);
    let (first, second) = plain.split_at(10);
    let file = [gzip(first), gzip(second)].concat();
    assert!(read_all(&file) == packets);
}

#[test]
fn a_compressed_packet_larger_than_the_buffer_is_read() {
    let packets = [
        packet(&vec![1; 3 << 20], Timestamp::new(1, 0)),
        packet(&[2; 60], Timestamp::new(2, 0)),
    ];
    let plain = classic::file(Order::Little, &packets);
    for file in [gzip(&plain), zstd(&plain)] {
        let (read, result) = read(&file);
        assert!(result.is_ok(), "{result:?}");
        assert!(read == packets);
    }
}

#[test]
fn a_compressed_file_that_is_cut_off_gives_what_was_whole() {
    let packets = packets();
    let plain = classic::file(Order::Little, &packets);
    for file in [gzip(&plain), zstd(&plain)] {
        let (read, result) = read(&file[..file.len() / 2]);
        assert!(
            matches!(
                result,
                Err(ReadError::Damaged { .. } | ReadError::Truncated { .. })
            ),
            "{result:?}"
        );
        assert!(!read.is_empty());
        assert!(read == packets[..read.len()]);
    }
}

#[test]
fn what_is_no_capture_is_called_so_when_it_was_compressed() {
    for file in [gzip(&[b'x'; 1000]), zstd(&[b'x'; 1000])] {
        assert!(matches!(read(&file).1, Err(ReadError::NotACapture { .. })));
    }
}

#[test]
fn nothing_compressed_is_nothing() {
    assert!(matches!(read(&gzip(&[])).1, Err(ReadError::Empty { .. })));
}
