//! Values in files of /proc and /sys.

use std::{fs, io, path::Path};

/// Cores and nodes beyond this number are taken for a mistake.
const MAX_CORE: u32 = 1 << 16;

/// A file of one value.
pub(super) fn read(path: impl AsRef<Path>) -> io::Result<String> {
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

/// A file of one number.
pub(super) fn number<T: std::str::FromStr>(path: impl AsRef<Path>) -> io::Result<T> {
    let text = read(path)?;
    text.parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, text))
}

/// Names of the entries of a folder; none if there is no such folder.
pub(super) fn entries(path: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The last part of what a symbolic link points at.
pub(super) fn link_name(path: impl AsRef<Path>) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// Numbers as the kernel lists them: `0-3,8`.
pub(super) fn list(text: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let ranges = text.trim().split(',').filter_map(range);
    ranges
        .filter(|&(_, last)| last < MAX_CORE)
        .flat_map(|(first, last)| first..=last)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_numbers_and_ranges() {
        let cases: [(&str, &[u32]); 6] = [
            ("0-3,8\n", &[0, 1, 2, 3, 8]),
            ("5", &[5]),
            ("", &[]),
            ("0,2-2", &[0, 2]),
            ("3-1", &[]),
            ("0-4294967295", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(list(text), expected, "{text:?}");
        }
    }
}
