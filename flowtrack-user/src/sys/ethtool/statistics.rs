//! Statistics of a driver, as `ethtool -S` shows them.

use std::io;

use super::{
    fenced::Fenced,
    if_known,
    strings::{self, StringSet},
};
use crate::sys::ioctl;

const ETHTOOL_GSTATS: u32 = 0x1d;
/// Bytes of `struct ethtool_stats` before the values: command and number of values.
const HEADER: usize = 8;

/// All statistics in the order and by the names of the driver. Names may come twice.
pub fn read(name: &str) -> io::Result<Option<Vec<(String, u64)>>> {
    let Some(names) = strings::read(name, StringSet::Statistics)? else {
        return Ok(None);
    };
    let mut answer = Fenced::new(HEADER.saturating_add(names.len().saturating_mul(8)))?;
    answer.write(&[ETHTOOL_GSTATS, u32::try_from(names.len()).unwrap_or(0)]);
    // SAFETY: ETHTOOL_GSTATS reads the header and writes it and the values. Should these be more than
    // there is room for, the fence makes it fail.
    let asked = unsafe { ioctl::ethtool(name, answer.start()) };
    if if_known(asked)?.is_none() {
        return Ok(None);
    }
    // Names and values belong together only if there are as many of each.
    if strings::len(name, StringSet::Statistics)? != Some(names.len()) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let (values, _) = answer.bytes().get(HEADER..).unwrap_or_default().as_chunks();
    let values = values.iter().map(|bytes| u64::from_ne_bytes(*bytes));
    Ok(Some(names.into_iter().zip(values).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_without_statistics_says_so() {
        assert_eq!(read("lo").unwrap(), None);
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        let error = read("no-such-if").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
