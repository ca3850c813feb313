//! Facts about the host.

use std::collections::BTreeMap;

use super::{Unknown, files};
use crate::{
    doctor::facts::{HostFacts, HugePages},
    sys::capability,
};

const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0";
const HUGE_PAGES: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB";

/// Finds them out.
pub(in crate::doctor) fn gather() -> HostFacts {
    let mut unknown = Unknown::default();
    let release = files::read("/proc/sys/kernel/osrelease");
    let missing = capability::missing(&capability::CAPTURE);
    let clock_source = files::read(format!("{CLOCK}/current_clocksource"));
    HostFacts {
        release: unknown.answer("the version of the kernel", release),
        // Only root may read it, and only outside of network namespaces.
        jit: files::number("/proc/sys/net/core/bpf_jit_enable").ok(),
        missing: unknown.answer("the capabilities of this process", missing),
        memlock: files::read("/proc/self/limits")
            .ok()
            .and_then(|limits| memlock(&limits)),
        huge_pages: huge_pages(),
        clock_source: unknown.answer("the clock source", clock_source),
        clock_sources: files::read(format!("{CLOCK}/available_clocksource"))
            .map(|text| text.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default(),
        governors: governors(),
        cores: cores(),
        nodes: nodes(),
        irqbalance: is_running("irqbalance"),
        unknown: unknown.0,
    }
}

/// The soft limit, from the text of /proc/self/limits.
fn memlock(limits: &str) -> Option<u64> {
    let row = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max locked memory"))?;
    match row.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        bytes => bytes.parse().ok(),
    }
}

fn huge_pages() -> Option<HugePages> {
    Some(HugePages {
        total: files::number(format!("{HUGE_PAGES}/nr_hugepages")).ok()?,
        free: files::number(format!("{HUGE_PAGES}/free_hugepages")).ok()?,
    })
}

fn governors() -> BTreeMap<String, usize> {
    let mut governors = BTreeMap::new();
    for core in cores() {
        let file = format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
        if let Ok(governor) = files::read(file) {
            *governors.entry(governor).or_default() += 1;
        }
    }
    governors
}

/// Workers are pinned to these in turn.
fn cores() -> Vec<u32> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let cores = cores.iter().filter_map(|core| u32::try_from(core.id).ok());
    cores.collect()
}

fn nodes() -> BTreeMap<u32, Vec<u32>> {
    const NODES: &str = "/sys/devices/system/node";
    let node = |entry: &String| {
        let number = entry.strip_prefix("node")?.parse().ok()?;
        let cores = files::read(format!("{NODES}/{entry}/cpulist")).ok()?;
        Some((number, files::list(&cores)))
    };
    files::entries(NODES).iter().filter_map(node).collect()
}

fn is_running(program: &str) -> bool {
    files::entries("/proc")
        .iter()
        .filter(|entry| entry.bytes().all(|byte| byte.is_ascii_digit()))
        .any(|process| {
            files::read(format!("/proc/{process}/comm")).is_ok_and(|name| name == program)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_locked_memory_is_the_soft_one() {
        let limits =
            |value| format!("Max processes 1 2 processes\nMax locked memory {value} 9 bytes\n");
        assert_eq!(memlock(&limits("8388608")), Some(8 << 20));
        assert_eq!(memlock(&limits("unlimited")), Some(u64::MAX));
        assert_eq!(memlock("nothing"), None);
    }

    #[test]
    fn what_every_host_has_is_found() {
        let facts = gather();
        assert!(
            facts.kernel().is_some_and(|version| version > (3, 0)),
            "{facts:?}"
        );
        assert!(!facts.cores.is_empty(), "{facts:?}");
        assert!(facts.missing.is_some(), "{facts:?}");
    }
}
