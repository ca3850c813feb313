//! Capabilities of the process.
#![forbid(unsafe_code)]

use std::{fs, io};

/// A capability, by its number in linux/capability.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// As the kernel's documentation calls it.
    pub name: &'static str,
    /// What it is needed for.
    pub why: &'static str,
    bit: u32,
    /// One that contains it, if there is one.
    or: Option<u32>,
}

const SYS_ADMIN: u32 = 21;

/// What live capture needs.
pub const CAPTURE: [Capability; 4] = [
    Capability {
        name: "CAP_NET_ADMIN",
        why: "to attach the XDP program to the interface",
        bit: 12,
        or: None,
    },
    Capability {
        name: "CAP_NET_RAW",
        why: "to open AF_XDP sockets",
        bit: 13,
        or: None,
    },
    Capability {
        name: "CAP_BPF",
        why: "to load the XDP program",
        bit: 39,
        or: Some(SYS_ADMIN),
    },
    Capability {
        name: "CAP_IPC_LOCK",
        why: "to lock the memory of the packets",
        bit: 14,
        or: None,
    },
];

/// Those of `needed` that the process does not have.
pub fn missing(needed: &[Capability]) -> io::Result<Vec<Capability>> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(not_effective(needed, effective(&status).unwrap_or(0)))
}

fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn not_effective(needed: &[Capability], effective: u64) -> Vec<Capability> {
    let has = |bit: u32| effective >> bit & 1 == 1;
    needed
        .iter()
        .filter(|capability| !has(capability.bit) && !capability.or.is_some_and(has))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_set_is_read_from_the_status_of_the_process() {
        assert_eq!(
            effective("CapPrm:\t00\nCapEff:\t000001fffeffffff\n"),
            Some(0x1ff_feff_ffff)
        );
        assert_eq!(effective("nothing"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let names = |effective| -> Vec<_> {
            not_effective(&CAPTURE, effective)
                .iter()
                .map(|capability| capability.name)
                .collect()
        };
        assert_eq!(
            names(0),
            ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_BPF", "CAP_IPC_LOCK"]
        );
        assert_eq!(
            names(1 << 12 | 1 << SYS_ADMIN),
            ["CAP_NET_RAW", "CAP_IPC_LOCK"]
        );
        assert!(names(u64::MAX).is_empty());
    }
}
