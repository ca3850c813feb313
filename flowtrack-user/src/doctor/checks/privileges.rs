//! What this process may do.

use super::{Finding, HostFacts};

const CAPABILITIES: &str = "privileges";
const MEMLOCK: &str = "memlock";
/// Bytes of the packet memory of a queue, as it is without options.
const QUEUE_MEMORY: u64 = 8 << 20;

pub(super) fn findings(host: &HostFacts) -> Vec<Finding> {
    let Some(missing) = &host.missing else {
        return Vec::new();
    };
    let mut findings = vec![capabilities(host)];
    let locks_at_will = !missing.iter().any(|missing| missing.name == "CAP_IPC_LOCK");
    findings.extend(host.memlock.map(|limit| memlock(limit, locks_at_will)));
    findings
}

fn capabilities(host: &HostFacts) -> Finding {
    let missing = host.missing.as_deref().unwrap_or_default();
    if missing.is_empty() {
        return Finding::ok(
            CAPABILITIES,
            "this process has all capabilities that capture needs",
        );
    }
    let names: Vec<_> = missing.iter().map(|missing| missing.name).collect();
    let reasons: Vec<_> = missing
        .iter()
        .map(|missing| format!("{} {}", missing.name, missing.why))
        .collect();
    let set = names.join(",").to_lowercase();
    Finding::problem(
        CAPABILITIES,
        format!("this process lacks {}", names.join(", ")),
    )
    .why(format!("Capture needs {}.", reasons.join(", ")))
    .fix(format!(
        "setcap {set}+ep $(command -v flowtrack)     # or run it as root"
    ))
}

fn memlock(limit: u64, locks_at_will: bool) -> Finding {
    let text = match limit {
        u64::MAX => "any amount of memory may be locked".to_owned(),
        limit => format!("{} MiB of memory may be locked", limit >> 20),
    };
    if limit == u64::MAX {
        return Finding::ok(MEMLOCK, text);
    }
    if locks_at_will {
        return Finding::ok(
            MEMLOCK,
            format!("{text}; CAP_IPC_LOCK is not bound by that"),
        );
    }
    let text = format!(
        "{text}: {}",
        super::several(
            usize::try_from(limit / QUEUE_MEMORY).unwrap_or(usize::MAX),
            "queue",
        )
    );
    Finding::warning(MEMLOCK, text)
        .why("The packet memory of a queue takes 8 MiB, and CAP_IPC_LOCK is missing.")
        .fix("ulimit -l unlimited")
}
