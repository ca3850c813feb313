//! How a finished binary gets the rights that XDP, AF_XDP and network namespaces ask for.

use std::{fs, os::unix::fs::MetadataExt as _};

use anyhow::{Result, bail};

use crate::setup;

/// Whether this process runs as root: /proc/self belongs to the effective user.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// The words that start a privileged binary: what `--runner` says, else nothing for root and
/// `sudo -E` for others.
pub(crate) fn runner(option: Option<&str>) -> Result<Vec<String>> {
    choose(option, is_root(), setup::program("sudo").is_some())
}

fn choose(option: Option<&str>, root: bool, sudo: bool) -> Result<Vec<String>> {
    let words = match option {
        Some(words) => words,
        None if root => "",
        None if sudo => "sudo -E",
        None => bail!(
            "loading XDP programs and making network namespaces needs root, and there is no sudo: \
             run this command as root, or name another program with --runner, as `--runner doas`"
        ),
    };
    Ok(words.split_whitespace().map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn root_needs_no_runner_and_others_get_sudo() {
        assert!(choose(None, true, true).unwrap().is_empty());
        assert_eq!(choose(None, false, true).unwrap(), ["sudo", "-E"]);
        assert!(choose(None, false, false).is_err());
    }

    #[test]
    fn a_named_runner_wins() {
        assert_eq!(choose(Some("doas"), true, true).unwrap(), ["doas"]);
        assert!(choose(Some(""), false, false).unwrap().is_empty());
    }
}
