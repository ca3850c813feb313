//! The bytes of a capture file, uncompressed.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Type of a pcapng section header block, the same in either byte order.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Byte-order magic of a section in little endian.
const LITTLE_ENDIAN: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];
/// Length of a pcap header, and enough to tell the length of a pcapng section header.
const HEADER_LEN: usize = 24;

/// Opens `path`, or standard input for `-`; `None` if there is nothing in it.
pub(super) fn open(path: &Path) -> io::Result<Option<Box<dyn Read + Send>>> {
    let input: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    let mut input = BufReader::new(HeaderFirst::new(input));
    let start = input.fill_buf()?;
    if start.is_empty() {
        return Ok(None);
    }
    let input: Box<dyn Read + Send> = if start.starts_with(&GZIP) {
        Box::new(flate2::bufread::MultiGzDecoder::new(input))
    } else if start.starts_with(&ZSTD) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(input).map_err(io::Error::other)?;
        Box::new(decoder)
    } else {
        Box::new(input)
    };
    Ok(Some(Box::new(HeaderFirst::new(input))))
}

/// A reader whose first read gives the whole header of a capture, unless the end comes before or
/// there is no room: a pipe gives less, and a parser wants all of it.
struct HeaderFirst<R> {
    inner: R,
    first: bool,
}

impl<R> HeaderFirst<R> {
    fn new(inner: R) -> Self {
        Self { inner, first: true }
    }
}

impl<R: Read> Read for HeaderFirst<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !std::mem::take(&mut self.first) {
            return self.inner.read(buffer);
        }
        let mut len = 0;
        while len < header_len(buffer.get(..len).unwrap_or_default()).min(buffer.len()) {
            match self.inner.read(buffer.get_mut(len..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    }
}

/// Bytes of the header that begins with `start`.
fn header_len(start: &[u8]) -> usize {
    let Some([kind @ .., l0, l1, l2, l3, m0, m1, m2, m3]) = start.first_chunk::<12>() else {
        return HEADER_LEN;
    };
    if *kind != SECTION_HEADER {
        return HEADER_LEN;
    }
    let len = [*l0, *l1, *l2, *l3];
    let len = if [*m0, *m1, *m2, *m3] == LITTLE_ENDIAN {
        u32::from_le_bytes(len)
    } else {
        u32::from_be_bytes(len)
    };
    usize::try_from(len).unwrap_or(usize::MAX).max(HEADER_LEN)
}
