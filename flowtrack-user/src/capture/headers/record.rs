//! A record of a ring: what the program wrote about a packet, and the headers behind it.

use flowtrack_common::{Frame, LinkType, abi::HeaderPrefix};

use crate::sys::clock::TaiClock;

/// The frame in a record, and how many packets before it had no room; `None` if it is no record of the
/// program.
pub(super) fn frame(record: &[u8], clock: TaiClock) -> Option<(Frame<'_>, u16)> {
    let (prefix, bytes) = prefix(record)?;
    let frame = Frame {
        bytes: bytes.get(..prefix.len.into())?,
        wire_len: prefix.wire_len,
        link: LinkType::ETHERNET,
        ts: clock.wall(prefix.tai_ns),
    };
    Some((frame, prefix.lost))
}

fn prefix(record: &[u8]) -> Option<(HeaderPrefix, &[u8])> {
    let (tai_ns, rest) = record.split_first_chunk()?;
    let (wire_len, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (lost, bytes) = rest.split_first_chunk()?;
    let prefix = HeaderPrefix {
        tai_ns: u64::from_ne_bytes(*tai_ns),
        wire_len: u32::from_ne_bytes(*wire_len),
        len: u16::from_ne_bytes(*len),
        lost: u16::from_ne_bytes(*lost),
    };
    Some((prefix, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(len: u16, lost: u16, room: &[u8]) -> Vec<u8> {
        let mut record = 7u64.to_ne_bytes().to_vec();
        record.extend(1514u32.to_ne_bytes());
        record.extend(len.to_ne_bytes());
        record.extend(lost.to_ne_bytes());
        record.extend(room);
        record
    }

    #[test]
    fn a_record_is_a_frame_that_was_cut() {
        let clock = TaiClock::measure();
        let record = record(3, 5, &[1, 2, 3, 0xee, 0xee]);
        let (frame, lost) = frame(&record, clock).unwrap();
        assert_eq!((frame.bytes, frame.wire_len), (&[1, 2, 3][..], 1514));
        assert_eq!((frame.ts, frame.link), (clock.wall(7), LinkType::ETHERNET));
        assert_eq!(lost, 5);
    }

    #[test]
    fn a_record_that_is_shorter_than_it_says_is_none() {
        let clock = TaiClock::measure();
        let whole = record(3, 0, &[1, 2, 3]);
        assert!(frame(&whole, clock).is_some());
        for len in 0..whole.len() {
            assert!(frame(&whole[..len], clock).is_none(), "{len} bytes");
        }
    }
}
