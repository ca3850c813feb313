//! The frames of all recorded captures, by link layer.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write as _},
    ops::ControlFlow,
    path::Path,
};

use anyhow::{Context as _, Result};
use flowtrack::capture::pcap::CaptureFile;
use flowtrack_common::{Frame, LinkType, Timestamp};

use crate::captures;

/// Folders of captures, below the folder of all captures.
const FOLDERS: [&str; 3] = ["open", "malformed", "malformed/own"];
/// Start of a capture file: version 2.4, no limit of the length. The link layer follows.
const PCAP_HEADER: [u32; 5] = [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 0x4_0000];
/// Bytes of what stands before the frames, and before each of them.
const FILE_HEADER_LEN: usize = 24;
const FRAME_HEADER_LEN: usize = 16;

/// Frames of one link layer, as they were captured.
#[derive(Debug)]
pub struct Collection {
    /// What they begin with.
    pub link: LinkType,
    frames: Vec<(Vec<u8>, u32)>,
}

impl Collection {
    /// Reads all captures, as far as they can be read.
    pub fn all() -> Result<Vec<Self>> {
        let mut found: BTreeMap<u16, Self> = BTreeMap::new();
        for folder in FOLDERS {
            let folder = captures::folder().join(folder);
            let mut paths = Vec::new();
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                paths.push(entry?.path());
            }
            paths.retain(|path| path.extension().is_some_and(|extension| extension != "tsv"));
            paths.sort();
            for path in paths.iter().filter(|path| path.is_file()) {
                // Some of the broken ones break off, or are no captures at all.
                let _ = CaptureFile::open(path).and_then(|mut file| {
                    file.read(|frame| {
                        let link = frame.link;
                        let collection = found.entry(link.0).or_insert_with(|| Self {
                            link,
                            frames: Vec::new(),
                        });
                        let frame = (frame.bytes.to_vec(), frame.wire_len);
                        collection.frames.push(frame);
                        ControlFlow::Continue(())
                    })
                });
            }
        }
        Ok(found.into_values().collect())
    }

    /// Its frames, in their order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = Frame<'_>> {
        self.frames.iter().map(|(bytes, wire_len)| Frame {
            bytes,
            wire_len: *wire_len,
            link: self.link,
            ts: Timestamp::EPOCH,
        })
    }

    /// Writes it as a capture file, in which the time of each frame is its number.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let link = u32::from(self.link.0);
        let mut words = |words: &[u32], bytes: &[u8]| {
            for word in words {
                file.write_all(&word.to_le_bytes())?;
            }
            file.write_all(bytes)
        };
        words(&PCAP_HEADER, &link.to_le_bytes())?;
        for (number, (bytes, wire_len)) in self.frames.iter().enumerate() {
            let header = [
                u32::try_from(number)?,
                0,
                u32::try_from(bytes.len())?,
                *wire_len,
            ];
            words(&header, bytes)?;
        }
        file.flush()?;
        Ok(())
    }
}

/// The numbers of the frames that are in a capture file which was made from such a one.
pub fn numbers(file: &[u8]) -> Result<Vec<usize>> {
    let mut numbers = Vec::new();
    let mut rest = file
        .get(FILE_HEADER_LEN..)
        .context("no header of a capture")?;
    while !rest.is_empty() {
        let word = |at: usize| -> Result<usize> {
            let bytes = rest.get(at..at + 4).context("cut off")?;
            Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
        };
        numbers.push(word(0)?);
        let len = word(8)?;
        rest = rest.get(FRAME_HEADER_LEN + len..).context("cut off")?;
    }
    Ok(numbers)
}
