//! Frames with their times: from captures, to a capture, and onto a wire.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    slice, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use flowtrack::capture::pcap::CaptureFile;
use flowtrack_common::LinkType;

use crate::inject::Injector;

/// Start of a capture file with times in nanoseconds: version 2.4, no limit of the length, Ethernet.
const PCAP_HEADER: [u32; 6] = [0xa1b2_3c4d, 2 | 4 << 16, 0, 0, 0x4_0000, 1];
/// When a trace begins that is written to a file, in seconds since the epoch.
const BEGIN: u32 = 1_700_000_000;

/// Ethernet frames in the order of their times.
#[derive(Debug)]
pub struct Trace(Vec<TimedFrame>);

#[derive(Debug)]
struct TimedFrame {
    /// Since the trace began.
    at: Duration,
    bytes: Vec<u8>,
}

impl Trace {
    /// The frames of several captures, which all begin at the same time.
    pub fn of_captures(paths: &[PathBuf]) -> Result<Self> {
        let mut frames = Vec::new();
        for path in paths {
            read(path, &mut frames).with_context(|| path.display().to_string())?;
        }
        frames.sort_by_key(|frame| frame.at);
        Ok(Self(frames))
    }

    /// Frames a microsecond apart.
    pub fn of_frames(frames: Vec<Vec<u8>>) -> Self {
        let times = (0..).map(Duration::from_micros);
        let timed = times.zip(frames);
        Self(timed.map(|(at, bytes)| TimedFrame { at, bytes }).collect())
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.0.len()
    }

    /// Writes it as a capture file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut file: Vec<u8> = PCAP_HEADER
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        for TimedFrame { at, bytes } in &self.0 {
            let seconds = BEGIN + u32::try_from(at.as_secs())?;
            let length = u32::try_from(bytes.len())?;
            for word in [seconds, at.subsec_nanos(), length, length] {
                file.extend(word.to_le_bytes());
            }
            file.extend(bytes);
        }
        fs::write(path, file).with_context(|| path.display().to_string())
    }

    /// Sends each frame when it is due.
    pub fn play(&self, injector: &Injector) -> Result<()> {
        let begin = Instant::now();
        for TimedFrame { at, bytes } in &self.0 {
            thread::sleep(at.saturating_sub(begin.elapsed()));
            injector.send(0, slice::from_ref(bytes))?;
        }
        Ok(())
    }
}

fn read(path: &Path, frames: &mut Vec<TimedFrame>) -> Result<()> {
    let mut begin = None;
    let mut sound = true;
    CaptureFile::open(path)?.read(|frame| {
        let whole = frame.wire_len as usize == frame.bytes.len();
        sound &= whole && frame.link == LinkType::ETHERNET;
        let begin = *begin.get_or_insert(frame.ts);
        frames.push(TimedFrame {
            at: frame.ts.saturating_since(begin),
            bytes: frame.bytes.to_vec(),
        });
        ControlFlow::Continue(())
    })?;
    ensure!(sound, "not all frames are whole frames of Ethernet");
    Ok(())
}
