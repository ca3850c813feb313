//! Capture files, made byte by byte.

mod classic;
mod compressed;
mod pcapng;

use std::{
    env, fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use flowtrack_common::{LinkType, Timestamp};

use super::{CaptureFile, ReadError};

/// Byte order of a file.
#[derive(Clone, Copy, Debug)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    /// Words one after the other.
    fn words(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|&value| self.u32(value)).collect()
    }
}

fn len32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A file in the directory for temporary ones, removed when dropped.
struct TempFile(PathBuf);

impl TempFile {
    fn new(bytes: &[u8]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("flowtrack-test-{}-{number}.pcap", process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // A file that is gone is what is wanted.
        let _ = fs::remove_file(&self.0);
    }
}

/// A frame, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    bytes: Vec<u8>,
    wire_len: u32,
    link: LinkType,
    ts: Timestamp,
}

/// An Ethernet frame that was captured whole.
fn packet(bytes: &[u8], ts: Timestamp) -> Packet {
    Packet {
        bytes: bytes.to_vec(),
        wire_len: len32(bytes),
        link: LinkType::ETHERNET,
        ts,
    }
}

/// The frames of a file with these bytes, and how reading it ended.
fn read(bytes: &[u8]) -> (Vec<Packet>, Result<(), ReadError>) {
    let file = TempFile::new(bytes);
    let mut packets = Vec::new();
    let result = CaptureFile::open(file.path()).and_then(|mut capture| {
        let result = capture.read(|frame| {
            packets.push(Packet {
                bytes: frame.bytes.to_vec(),
                wire_len: frame.wire_len,
                link: frame.link,
                ts: frame.ts,
            });
            ControlFlow::Continue(())
        });
        assert_eq!(capture.packets(), packets.len() as u64);
        result
    });
    (packets, result)
}

/// The frames of a file that is sound to its end.
fn read_all(bytes: &[u8]) -> Vec<Packet> {
    let (packets, result) = read(bytes);
    result.unwrap();
    packets
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let path = env::temp_dir().join("flowtrack-test-no-such-file.pcap");
    let Err(error) = CaptureFile::open(&path) else {
        panic!("{} was opened", path.display());
    };
    assert!(matches!(error, ReadError::Io { .. }));
    assert!(error.to_string().contains("flowtrack-test-no-such-file"));
}

#[test]
fn an_empty_file_is_called_empty() {
    assert!(matches!(read(&[]).1, Err(ReadError::Empty { .. })));
}

#[test]
fn what_is_no_capture_is_called_so() {
    for bytes in [
        &b"\n"[..],
        b"hello, world, this is a text of more than 24 bytes",
        &[0; 4096],
        &[0xff; 4096],
    ] {
        let (packets, result) = read(bytes);
        assert_eq!(packets, []);
        assert!(matches!(result, Err(ReadError::NotACapture { .. })));
    }
}

#[test]
fn reading_stops_when_nobody_wants_more_and_goes_on_from_there() {
    let frames: Vec<_> = (0..5)
        .map(|number| packet(&[number; 60], Timestamp::EPOCH))
        .collect();
    let file = TempFile::new(&classic::file(Order::Little, &frames));
    let mut capture = CaptureFile::open(file.path()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        capture
            .read(|frame| {
                seen.push(frame.bytes[0]);
                if seen.len() == 2 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}
