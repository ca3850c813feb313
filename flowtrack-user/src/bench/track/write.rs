//! Synthetic packets as a capture, for other programs.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use crate::bench::{
    BenchError,
    traffic::{MAX_FRAME, Made, Synthetic, Traffic},
};

/// Writes the packets that open the flows of `spec`, and so many more.
pub(super) fn write(spec: Synthetic, packets: u64, path: &Path) -> Result<(), BenchError> {
    let written = File::create(path).and_then(|file| frames(spec, packets, BufWriter::new(file)));
    written.map_err(|source| BenchError::System {
        what: format!("cannot write {}", path.display()),
        source,
    })
}

fn frames(spec: Synthetic, packets: u64, mut file: impl Write) -> io::Result<()> {
    // Stamps in nanoseconds, version 2.4, and Ethernet.
    let words: [u32; 6] = [0xa1b2_3c4d, 4 << 16 | 2, 0, 0, 65_535, 1];
    file.write_all(words.map(u32::to_le_bytes).as_flattened())?;
    let mut traffic = Traffic::new(spec);
    let mut frame = [0; MAX_FRAME];
    let mut rest = 0..packets;
    while let Some(Made { len, ts }) = traffic
        .open(&mut frame)
        .or_else(|| rest.next().map(|_| traffic.next(&mut frame)))
    {
        let secs = u32::try_from(ts.secs()).unwrap_or(u32::MAX);
        let len32 = u32::try_from(len).unwrap_or(u32::MAX);
        let words = [secs, ts.subsec_nanos(), len32, len32];
        file.write_all(words.map(u32::to_le_bytes).as_flattened())?;
        file.write_all(frame.get(..len).unwrap_or_default())?;
    }
    file.flush()
}
