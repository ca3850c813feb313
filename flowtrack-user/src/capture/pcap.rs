//! Capture files: pcap and pcapng, plain or compressed with gzip or zstd.
#![forbid(unsafe_code)]

mod format;
mod input;

use std::{
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use flowtrack_common::{Frame, Timestamp};
use pcap_parser::{PcapError, create_reader, traits::PcapReaderIterator};

use self::format::Format;

/// Bytes read ahead, and the largest block at first.
const BUFFER_SIZE: usize = 1 << 20;
/// No sane block is larger: the snap length of capture tools is at most 256 KiB.
const MAX_BLOCK_SIZE: usize = 1 << 24;

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
    format: Format,
    packets: u64,
    /// Of the latest packet: blocks without a time of their own have this one.
    ts: Timestamp,
}

impl CaptureFile {
    /// Opens `path`, or standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let io_error = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        let Some(input) = input::open(path).map_err(io_error)? else {
            return Err(ReadError::Empty {
                path: path.to_owned(),
            });
        };
        match create_reader(BUFFER_SIZE, input) {
            Ok(reader) => Ok(Self {
                path: path.to_owned(),
                reader,
                format: Format::default(),
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
                format,
                packets,
                ts,
                ..
            } = self;
            let error = match reader.next() {
                Ok((len, block)) => {
                    let frame = format.frame(&block, *ts);
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

    /// Makes room for the block that does not fit.
    fn grow(&mut self) -> Result<(), ReadError> {
        let block = self.format.block_len(self.reader.data());
        let wanted = block
            .filter(|len| *len <= MAX_BLOCK_SIZE)
            .map(|len| len + BUFFER_SIZE);
        if wanted.is_some_and(|len| self.reader.grow(len)) {
            self.refill()
        } else {
            Err(self.damaged())
        }
    }

    fn damaged(&self) -> ReadError {
        ReadError::Damaged {
            path: self.path.clone(),
            packets: self.packets,
        }
    }
}

#[cfg(test)]
mod tests;
