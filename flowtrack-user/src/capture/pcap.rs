//! Capture files: pcap and pcapng, plain or compressed with gzip or zstd.
#![forbid(unsafe_code)]

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use flowtrack_common::{Frame, LinkType, Timestamp};
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader, traits::PcapReaderIterator};

/// Bytes read ahead, and the largest block at first.
const BUFFER_SIZE: usize = 1 << 20;
/// No sane block is larger: the snap length of capture tools is at most 256 KiB.
const MAX_BLOCK_SIZE: usize = 1 << 27;
/// Enough to tell the format by, whatever the first read of a pipe gives.
const FIRST_READ: usize = 512;

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a capture could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{path} is empty: it has not even the header of a capture")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{path} is neither pcap nor pcapng, plain or compressed with gzip or zstd")]
    NotACapture {
        /// The file.
        path: PathBuf,
    },
    /// It ends in the middle of a packet.
    #[error("{path} is cut off after packet {packets}: all packets before that were read")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Whole packets before the end.
        packets: u64,
    },
    /// It makes no sense from some point on.
    #[error("{path} is damaged after packet {packets}: all packets before that were read")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Packets before the damage.
        packets: u64,
    },
}

/// A capture file that is being read.
pub struct CaptureFile {
    path: PathBuf,
    reader: Box<dyn PcapReaderIterator + Send>,
    interfaces: Vec<Interface>,
    packets: u64,
    /// Of the latest packet: blocks without a time of their own have this one.
    ts: Timestamp,
}

/// What a capture says about where its packets were captured.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    /// Time units in a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
    snap_len: u32,
}

impl CaptureFile {
    /// Opens `path`, or standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let io_error = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        let input: Box<dyn Read + Send> = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).map_err(io_error)?)
        };
        let mut input = BufReader::new(FilledFirst {
            inner: input,
            first: true,
        });
        let start = input.fill_buf().map_err(io_error)?;
        if start.is_empty() {
            return Err(ReadError::Empty {
                path: path.to_owned(),
            });
        }
        let input: Box<dyn Read + Send> = if start.starts_with(&GZIP) {
            Box::new(flate2::bufread::MultiGzDecoder::new(input))
        } else if start.starts_with(&ZSTD) {
            let decoder = ruzstd::decoding::StreamingDecoder::new(input)
                .map_err(|error| io_error(io::Error::other(error)))?;
            Box::new(decoder)
        } else {
            Box::new(input)
        };
        let input = FilledFirst {
            inner: input,
            first: true,
        };
        match create_reader(BUFFER_SIZE, input) {
            Ok(reader) => Ok(Self {
                path: path.to_owned(),
                reader,
                interfaces: Vec::new(),
                packets: 0,
                ts: Timestamp::EPOCH,
            }),
            Err(PcapError::Eof) => Err(ReadError::Empty {
                path: path.to_owned(),
            }),
            Err(PcapError::ReadError) => Err(io_error(io::ErrorKind::InvalidData.into())),
            Err(_) => Err(ReadError::NotACapture {
                path: path.to_owned(),
            }),
        }
    }

    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Lends the frames to `each`, in their order, to the end of the file or until `each` is done.
    pub fn read(
        &mut self,
        mut each: impl FnMut(&Frame<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        loop {
            let Self {
                reader,
                interfaces,
                packets,
                ts,
                ..
            } = self;
            let error = match reader.next() {
                Ok((len, block)) => {
                    let frame = frame(&block, interfaces, *ts);
                    let flow = frame.map_or(ControlFlow::Continue(()), |frame| {
                        *packets += 1;
                        *ts = frame.ts;
                        each(&frame)
                    });
                    reader.consume(len);
                    if flow.is_break() {
                        return Ok(());
                    }
                    continue;
                }
                Err(error) => error.to_owned_vec(),
            };
            match error {
                PcapError::Eof => return Ok(()),
                PcapError::Incomplete(_) => self.refill()?,
                PcapError::BufferTooSmall => self.grow()?,
                PcapError::UnexpectedEof => {
                    return Err(ReadError::Truncated {
                        path: self.path.clone(),
                        packets: self.packets,
                    });
                }
                _ => return Err(self.damaged()),
            }
        }
    }

    fn refill(&mut self) -> Result<(), ReadError> {
        match self.reader.refill() {
            Ok(()) => Ok(()),
            // The parser keeps no more of the reason; a decompressor's error is one about the data.
            Err(_) => Err(self.damaged()),
        }
    }

    fn grow(&mut self) -> Result<(), ReadError> {
        let len = self.reader.data().len().max(BUFFER_SIZE / 2);
        if len >= MAX_BLOCK_SIZE || !self.reader.grow(len * 4) {
            return Err(self.damaged());
        }
        self.refill()
    }

    fn damaged(&self) -> ReadError {
        ReadError::Damaged {
            path: self.path.clone(),
            packets: self.packets,
        }
    }
}

/// The frame in `block`, if it has one; what it says about interfaces is noted.
fn frame<'a>(
    block: &'a PcapBlockOwned<'_>,
    interfaces: &mut Vec<Interface>,
    latest: Timestamp,
) -> Option<Frame<'a>> {
    let (interface, bytes, wire_len, ts) = match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let resolution = if header.is_nanosecond_precision() {
                1_000_000_000
            } else {
                1_000_000
            };
            *interfaces = vec![Interface {
                link: link_type(header.network.0),
                resolution,
                offset: 0,
                snap_len: u32::MAX,
            }];
            return None;
        }
        PcapBlockOwned::Legacy(packet) => {
            let interface = interfaces.first()?;
            let ts = interface.time(u64::from(packet.ts_sec), u64::from(packet.ts_usec));
            (interface, packet.data, packet.origlen, ts)
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            interfaces.clear();
            return None;
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(description)) => {
            interfaces.push(Interface {
                link: link_type(description.linktype.0),
                resolution: description.ts_resolution().unwrap_or(1_000_000).max(1),
                offset: description.ts_offset(),
                snap_len: match description.snaplen {
                    0 => u32::MAX,
                    len => len,
                },
            });
            return None;
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let interface = interfaces.get(packet.if_id as usize)?;
            let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            let ts = interface.time(units / interface.resolution, units % interface.resolution);
            let bytes = packet
                .data
                .get(..packet.caplen as usize)
                .unwrap_or(packet.data);
            (interface, bytes, packet.origlen, ts)
        }
        PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
            // It has no captured length: that is the smaller of the packet's and the snap length.
            let interface = interfaces.first()?;
            let len = packet.origlen.min(interface.snap_len) as usize;
            (
                interface,
                packet.data.get(..len).unwrap_or(packet.data),
                packet.origlen,
                latest,
            )
        }
        PcapBlockOwned::NG(_) => return None,
    };
    let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    Some(Frame {
        bytes,
        wire_len: wire_len.max(captured),
        link: interface.link,
        ts,
    })
}

impl Interface {
    /// Seconds and a fraction in units of the resolution.
    fn time(&self, secs: u64, fraction: u64) -> Timestamp {
        let nanos = u128::from(fraction) * 1_000_000_000 / u128::from(self.resolution);
        Timestamp::from_nanos(
            Timestamp::new(secs.saturating_add_signed(self.offset), 0)
                .as_nanos()
                .saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)),
        )
    }
}

/// Link types have 16 bits; what stands above them in a pcap header says how frames end.
fn link_type(number: i32) -> LinkType {
    LinkType((number & 0xffff).try_into().unwrap_or(u16::MAX))
}

/// A reader whose first read gives at least [`FIRST_READ`] bytes, unless the end comes before.
struct FilledFirst<R> {
    inner: R,
    first: bool,
}

impl<R: Read> Read for FilledFirst<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !std::mem::take(&mut self.first) {
            return self.inner.read(buffer);
        }
        let mut len = 0;
        while len < FIRST_READ.min(buffer.len()) {
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

#[cfg(test)]
mod tests;
