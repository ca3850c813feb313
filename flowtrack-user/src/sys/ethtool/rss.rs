//! How the NIC spreads packets over its receive queues: hash function, key, indirection table and the
//! fields that are hashed, as `ethtool -x` and `ethtool -n IFACE rx-flow-hash` show them.

use std::io;

use super::if_known;
use crate::sys::ioctl;

const ETHTOOL_GRXFH: u32 = 0x29;
const ETHTOOL_GRSSH: u32 = 0x46;
const ETHTOOL_SRSSH: u32 = 0x47;
/// Leaves the indirection table as it is.
const ETH_RXFH_INDIR_NO_CHANGE: u32 = u32::MAX;
/// Words of `struct ethtool_rxfh` before the table: command, context, sizes of table and key, function and
/// input transformation in a byte each, reserved.
const HEADER: usize = 6;

/// What the NIC spreads packets by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rss {
    /// The hash function in use.
    pub function: HashFunction,
    /// Its key; empty if the driver does not show it.
    pub key: Vec<u8>,
    /// The receive queue of each hash, by its last bits; empty if the driver does not show it.
    pub table: Vec<u32>,
    /// Whether the driver makes both directions of a flow alike before it hashes them (Linux 6.8 and newer).
    pub symmetry: Symmetry,
}

/// `ETH_RSS_HASH_*`: a hash function of the NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFunction {
    /// Toeplitz, which a key of a repeated pattern makes symmetric.
    Toeplitz,
    /// Exclusive or.
    Xor,
    /// CRC32.
    Crc32,
    /// Another one, or none that the driver tells of (0).
    Other(u8),
}

/// `RXH_XFRM_*`: what is done to addresses and ports before they are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetry {
    /// Nothing.
    None,
    /// Source and destination are replaced by their exclusive or: both directions are alike.
    Xor,
    /// Source and destination are replaced by their or and their exclusive or: both directions are alike.
    OrXor,
    /// Something else.
    Other(u8),
}

impl Symmetry {
    /// Whether both directions of a flow give the same hash, whatever the key.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Xor | Self::OrXor)
    }
}

/// Reads it.
pub fn read(name: &str) -> io::Result<Option<Rss>> {
    // Without room for table and key the kernel tells only how large they are.
    let mut sizes = request(ETHTOOL_GRSSH, 0, 0);
    let Some(()) = if_known(ask(name, &mut sizes))? else {
        return Ok(None);
    };
    let [_, _, table, key, ..] = sizes[..] else {
        return Ok(None);
    };
    let mut command = request(ETHTOOL_GRSSH, table, key);
    if_known(ask(name, &mut command).map(|()| decode(&command)))
}

/// Sets it. An empty key or table leaves what there is, as does the hash function `Other(0)`. A driver
/// that cannot do it answers `EOPNOTSUPP`; it may also ask that table and key have the lengths they have.
pub fn set(name: &str, rss: &Rss) -> io::Result<()> {
    ask(name, &mut encode(rss))
}

/// A command with room for a table of `table` words and a key of `key` bytes.
fn request(command: u32, table: u32, key: u32) -> Vec<u32> {
    let mut words = vec![command, 0, table, key, 0, 0];
    words.resize(HEADER + table as usize + key.div_ceil(4) as usize, 0);
    words
}

fn encode(rss: &Rss) -> Vec<u32> {
    let len = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    let table = match len(rss.table.len()) {
        0 => ETH_RXFH_INDIR_NO_CHANGE,
        len => len,
    };
    let choices = [rss.function.bits(), rss.symmetry.bits(), 0, 0];
    let header = [
        ETHTOOL_SRSSH,
        0,
        table,
        len(rss.key.len()),
        u32::from_ne_bytes(choices),
        0,
    ];
    let key = rss.key.chunks(4).map(|bytes| {
        let mut word = [0; 4];
        word.iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        u32::from_ne_bytes(word)
    });
    let table = rss.table.iter().copied();
    header.into_iter().chain(table).chain(key).collect()
}

fn decode(command: &[u32]) -> Rss {
    let word = |number: usize| command.get(number).copied().unwrap_or(0);
    let [function, symmetry, ..] = word(4).to_ne_bytes();
    let words = command.iter().skip(HEADER);
    let table = word(2) as usize;
    Rss {
        function: HashFunction::from_bits(function),
        key: words
            .clone()
            .skip(table)
            .flat_map(|word| word.to_ne_bytes())
            .take(word(3) as usize)
            .collect(),
        table: words.take(table).copied().collect(),
        symmetry: Symmetry::from_bits(symmetry),
    }
}

/// Hands a `struct ethtool_rxfh` to the driver, as words.
fn ask(name: &str, command: &mut [u32]) -> io::Result<()> {
    // SAFETY: both commands read and write the header, a table and a key of the sizes that the header
    // has, or answer EINVAL if these are not those of the NIC. `request` and `encode` make room for them,
    // and a table size that says "no change" has no table.
    unsafe { ioctl::ethtool(name, command.as_mut_ptr()) }
}

impl HashFunction {
    pub(crate) fn from_bits(bits: u8) -> Self {
        match bits {
            1 => Self::Toeplitz,
            2 => Self::Xor,
            4 => Self::Crc32,
            other => Self::Other(other),
        }
    }

    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::Toeplitz => 1,
            Self::Xor => 2,
            Self::Crc32 => 4,
            Self::Other(bits) => bits,
        }
    }
}

impl Symmetry {
    pub(crate) fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::None,
            1 => Self::Xor,
            2 => Self::OrXor,
            other => Self::Other(other),
        }
    }

    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Xor => 1,
            Self::OrXor => 2,
            Self::Other(bits) => bits,
        }
    }
}

/// A kind of packet that a NIC chooses hashed fields for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum FlowType {
    /// TCP over IPv4.
    TcpV4 = 0x01,
    /// UDP over IPv4.
    UdpV4 = 0x02,
    /// TCP over IPv6.
    TcpV6 = 0x05,
    /// UDP over IPv6.
    UdpV6 = 0x06,
    /// Other packets over IPv4, and fragments.
    Ipv4 = 0x10,
    /// Other packets over IPv6, and fragments.
    Ipv6 = 0x11,
}

/// `RXH_*`: what is hashed of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashFields(u64);

impl HashFields {
    const ADDRESSES: u64 = 1 << 4 | 1 << 5;
    const PORTS: u64 = 1 << 6 | 1 << 7;

    /// From `RXH_*`.
    pub(crate) fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// Source and destination address.
    pub fn addresses(self) -> bool {
        self.0 & Self::ADDRESSES == Self::ADDRESSES
    }

    /// Source and destination port.
    pub fn ports(self) -> bool {
        self.0 & Self::PORTS == Self::PORTS
    }

    /// Whether each field is hashed together with its counterpart of the other direction. Without that no
    /// key makes the hash symmetric.
    pub fn pairs(self) -> bool {
        let both_or_none = |pair: u64| matches!(self.0 & pair, 0) || self.0 & pair == pair;
        both_or_none(Self::ADDRESSES) && both_or_none(Self::PORTS)
    }
}

/// `struct ethtool_rxnfc`, as far as this question goes.
#[repr(C)]
struct FieldsOfFlow {
    command: u32,
    flow_type: u32,
    data: u64,
}

/// Reads what is hashed of packets of this kind.
pub fn hash_fields(name: &str, flow: FlowType) -> io::Result<Option<HashFields>> {
    let mut command = FieldsOfFlow {
        command: ETHTOOL_GRXFH,
        flow_type: flow as u32,
        data: 0,
    };
    // SAFETY: ETHTOOL_GRXFH reads and writes the first three fields of an `ethtool_rxnfc`, which is what
    // `command` has.
    let answer = unsafe { ioctl::ethtool(name, &raw mut command) };
    if_known(answer.map(|()| HashFields::new(command.data)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_set_is_what_is_read(
            function: u8,
            symmetry: u8,
            key in prop::collection::vec(any::<u8>(), 0..60),
            table in prop::collection::vec(any::<u32>(), 1..300),
        ) {
            let rss = Rss {
                function: HashFunction::from_bits(function),
                key,
                table,
                symmetry: Symmetry::from_bits(symmetry),
            };
            let command = encode(&rss);
            let [_, _, table, key, ..] = command[..] else { panic!("a header") };
            prop_assert_eq!(command.len(), request(ETHTOOL_GRSSH, table, key).len());
            prop_assert_eq!(decode(&command), rss);
        }
    }

    #[test]
    fn an_empty_table_is_left_as_it_is() {
        let rss = Rss {
            function: HashFunction::Toeplitz,
            key: vec![0x6d, 0x5a],
            table: Vec::new(),
            symmetry: Symmetry::Xor,
        };
        let command = encode(&rss);
        let [
            ETHTOOL_SRSSH,
            0,
            ETH_RXFH_INDIR_NO_CHANGE,
            2,
            choices,
            0,
            key,
        ] = command[..]
        else {
            panic!("{command:x?}");
        };
        assert_eq!(choices.to_ne_bytes(), [1, 1, 0, 0]);
        assert_eq!(key.to_ne_bytes(), [0x6d, 0x5a, 0, 0]);
    }

    #[test]
    fn a_field_that_is_hashed_alone_is_no_pair() {
        for (fields, pairs) in [
            (0, true),
            (0x30, true),
            (0xf0, true),
            (0x10, false),
            (0x70, false),
        ] {
            assert_eq!(HashFields(fields).pairs(), pairs, "{fields:#x}");
        }
    }

    #[test]
    fn an_interface_without_rss_says_so() {
        assert_eq!(read("lo").unwrap(), None);
        assert_eq!(hash_fields("lo", FlowType::TcpV4).unwrap(), None);
    }
}
