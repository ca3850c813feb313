//! Names that a driver gives to its features and statistics.

use std::io;

use super::{driver::text, fenced::Fenced, if_known};
use crate::sys::ioctl;

const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
/// Bytes of a name, padded with zeros (`ETH_GSTRING_LEN`).
const LEN: usize = 32;
/// Bytes of `struct ethtool_gstrings` before the names: command, set and number of names.
const HEADER: usize = 12;

/// A set of names: `ETH_SS_*`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum StringSet {
    Statistics = 1,
    Features = 4,
}

/// `struct ethtool_sset_info`, for one set.
#[repr(C)]
struct SetInfo {
    command: u32,
    reserved: u32,
    mask: u64,
    len: u32,
}

/// The names of the set, in order.
pub(super) fn read(name: &str, set: StringSet) -> io::Result<Option<Vec<String>>> {
    let Some(len) = len(name, set)? else {
        return Ok(None);
    };
    let mut answer = Fenced::new(HEADER.saturating_add(len.saturating_mul(LEN)))?;
    answer.write(&[ETHTOOL_GSTRINGS, set as u32]);
    // SAFETY: ETHTOOL_GSTRINGS reads the header and writes it and the names. Should these be more than
    // there is room for, the fence makes it fail.
    let asked = unsafe { ioctl::ethtool(name, answer.start()) };
    Ok(if_known(asked)?.map(|()| {
        let names = answer.bytes().get(HEADER..).unwrap_or_default();
        names.chunks_exact(LEN).take(len).map(text).collect()
    }))
}

/// Number of names in the set.
pub(super) fn len(name: &str, set: StringSet) -> io::Result<Option<usize>> {
    let mut info = SetInfo {
        command: ETHTOOL_GSSET_INFO,
        reserved: 0,
        mask: 1 << set as u32,
        len: 0,
    };
    // SAFETY: ETHTOOL_GSSET_INFO reads and writes an `ethtool_sset_info` with a number for each bit of the
    // mask; there is one, and `info` has it.
    let answer = unsafe { ioctl::ethtool(name, &raw mut info) };
    Ok(if_known(answer)?.and_then(|()| (info.mask != 0).then_some(info.len as usize)))
}
