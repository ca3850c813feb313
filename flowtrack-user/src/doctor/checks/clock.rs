//! What a time stamp costs, and how fast the cores run.

use super::{Finding, HostFacts, several};

/// Clock sources that are read without leaving the processor.
const FAST: [&str; 5] = [
    "tsc",
    "kvm-clock",
    "arch_sys_counter",
    "hyperv_clocksource_tsc_page",
    "timebase",
];

pub(super) fn findings(host: &HostFacts) -> Vec<Finding> {
    let clock = host
        .clock_source
        .as_deref()
        .map(|source| clock(source, host));
    clock.into_iter().chain(governor(host)).collect()
}

fn clock(source: &str, host: &HostFacts) -> Finding {
    const SUBJECT: &str = "clock";
    if FAST.contains(&source) {
        return Finding::ok(SUBJECT, format!("the kernel reads the time from {source}"));
    }
    let faster = host
        .clock_sources
        .iter()
        .find(|source| FAST.contains(&source.as_str()));
    Finding::warning(SUBJECT, format!("the kernel reads the time from {source}"))
        .why(
            "The XDP program reads it for each packet, and this source is slow to read: a microsecond or so. \
             `--timestamps burst` reads it once a burst.",
        )
        .fix_if(faster.map(|source| {
            format!("echo {source} > /sys/devices/system/clocksource/clocksource0/current_clocksource")
        }))
}

fn governor(host: &HostFacts) -> Option<Finding> {
    const SUBJECT: &str = "governor";
    let (slowest, cores) = host
        .governors
        .iter()
        .find(|(name, _)| *name != "performance")
        .or_else(|| host.governors.iter().next())?;
    let found = format!("{} with {slowest}", several(*cores, "core"));
    if slowest == "performance" {
        return Some(Finding::ok(SUBJECT, found));
    }
    Some(
        Finding::note(SUBJECT, found)
            .why("A core that slows down when there is little to do is late when packets come in a burst.")
            .fix("cpupower frequency-set -g performance"),
    )
}
