//! From the blocks of a capture to frames.

use flowtrack_common::{Frame, LinkType, Timestamp};
use pcap_parser::{
    Block, InterfaceDescriptionBlock, OptionCode, PcapBlockOwned, SectionHeaderBlock,
};

const MICROSECONDS: u64 = 1_000_000;
const NANOSECONDS: u64 = 1_000_000_000;

/// What a capture has said of itself so far.
#[derive(Debug, Default)]
pub(super) struct Format {
    pcapng: bool,
    big_endian: bool,
    interfaces: Vec<Interface>,
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

/// For packets of an interface that was not described: they are counted, as of no known link type.
const UNKNOWN: Interface = Interface {
    link: LinkType(u16::MAX),
    resolution: MICROSECONDS,
    offset: 0,
    snap_len: u32::MAX,
};

impl Format {
    /// The frame in `block`, if it has one; what the block says about the capture is noted. A frame
    /// without a time of its own gets that of the latest one.
    pub(super) fn frame<'a>(
        &mut self,
        block: &'a PcapBlockOwned<'_>,
        latest: Timestamp,
    ) -> Option<Frame<'a>> {
        let (interface, bytes, wire_len, ts) = match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.big_endian = header.is_bigendian();
                let nanos = header.is_nanosecond_precision();
                let resolution = if nanos { NANOSECONDS } else { MICROSECONDS };
                let link = link_type(header.network.0);
                self.interfaces = vec![Interface {
                    link,
                    resolution,
                    ..UNKNOWN
                }];
                return None;
            }
            PcapBlockOwned::Legacy(packet) => {
                let interface = self.interface(0);
                let ts = interface.time(packet.ts_sec.into(), packet.ts_usec.into());
                (interface, packet.data, packet.origlen, ts)
            }
            PcapBlockOwned::NG(Block::SectionHeader(section)) => {
                self.begin_section(section);
                return None;
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(description)) => {
                self.interfaces
                    .push(Interface::new(description, self.big_endian));
                return None;
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.interface(packet.if_id as usize);
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let ts = interface.time(units / interface.resolution, units % interface.resolution);
                (
                    interface,
                    cut(packet.data, packet.caplen),
                    packet.origlen,
                    ts,
                )
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                // It has no captured length: that is the smaller of its own and the snap length.
                let interface = self.interface(0);
                let len = packet.origlen.min(interface.snap_len);
                (interface, cut(packet.data, len), packet.origlen, latest)
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

    /// Bytes of the block that begins with `start`; `None` if that is not long enough to tell.
    pub(super) fn block_len(&self, start: &[u8]) -> Option<usize> {
        /// Of a pcap packet.
        const PACKET_HEADER_LEN: usize = 16;
        let number = |offset: usize| {
            let bytes: [u8; 4] = *start.get(offset..)?.first_chunk()?;
            let number = if self.big_endian {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            };
            usize::try_from(number).ok()
        };
        if self.pcapng {
            number(4)
        } else {
            number(8)?.checked_add(PACKET_HEADER_LEN)
        }
    }

    fn begin_section(&mut self, section: &SectionHeaderBlock<'_>) {
        self.pcapng = true;
        self.big_endian = section.big_endian();
        self.interfaces.clear();
    }

    fn interface(&self, number: usize) -> Interface {
        self.interfaces.get(number).copied().unwrap_or(UNKNOWN)
    }
}

impl Interface {
    fn new(description: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let option = |code| {
            description
                .options
                .iter()
                .find(|option| option.code == code)
        };
        let resolution = option(OptionCode::IfTsresol).and_then(|option| option.value.first());
        let offset = option(OptionCode::IfTsoffset).and_then(|option| option.value.first_chunk());
        Self {
            link: link_type(description.linktype.0),
            resolution: resolution.map_or(MICROSECONDS, |exponent| units(*exponent)),
            offset: offset.map_or(0, |bytes| {
                if big_endian {
                    i64::from_be_bytes(*bytes)
                } else {
                    i64::from_le_bytes(*bytes)
                }
            }),
            snap_len: if description.snaplen == 0 {
                u32::MAX
            } else {
                description.snaplen
            },
        }
    }

    /// Seconds and a fraction in units of the resolution.
    fn time(&self, secs: u64, fraction: u64) -> Timestamp {
        let nanos = u128::from(fraction) * u128::from(NANOSECONDS) / u128::from(self.resolution);
        Timestamp::from_nanos(
            Timestamp::new(secs.saturating_add_signed(self.offset), 0)
                .as_nanos()
                .saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)),
        )
    }
}

/// Time units in a second, by the option `if_tsresol`: a negative power of two if its highest bit is
/// set, else of ten. One that is too small for 64 bits is taken as the smallest.
fn units(exponent: u8) -> u64 {
    if exponent & 0x80 == 0 {
        10_u64.checked_pow(exponent.into()).unwrap_or(u64::MAX)
    } else {
        1_u64
            .checked_shl((exponent & 0x7f).into())
            .unwrap_or(u64::MAX)
    }
}

/// Without what pads it.
fn cut(bytes: &[u8], len: u32) -> &[u8] {
    bytes.get(..len as usize).unwrap_or(bytes)
}

/// Link types have 16 bits; what stands above them in a pcap header says how frames end.
fn link_type(number: i32) -> LinkType {
    LinkType((number & 0xffff).try_into().unwrap_or(u16::MAX))
}
