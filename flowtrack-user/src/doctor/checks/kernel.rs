//! The kernel: is all there that flowtrack uses?

use super::{Finding, HostFacts};

const SUBJECT: &str = "kernel";

/// What a kernel must have for flowtrack to work, and since when it does.
const REQUIRED: [((u32, u32), &str); 4] = [
    ((5, 8), "BPF ring buffers and CAP_BPF"),
    (
        (5, 9),
        "BPF links for XDP, and the statistics of AF_XDP sockets",
    ),
    ((5, 18), "XDP programs that take packets in several buffers"),
    ((6, 1), "the clock by which packets are stamped"),
];
/// What it can do without, and what is missed then.
const WANTED: [((u32, u32), &str); 2] = [
    ((6, 3), "drivers cannot say what they do with XDP"),
    (
        (6, 6),
        "AF_XDP sockets drop packets that are larger than a frame buffer (jumbo frames)",
    ),
];

pub(super) fn findings(host: &HostFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let (Some(release), Some(version)) = (&host.release, host.kernel()) {
        findings.push(features(release, version));
    }
    findings.push(jit(host.jit));
    findings
}

fn features(release: &str, version: (u32, u32)) -> Finding {
    let missing = |features: &[((u32, u32), &'static str)]| -> Vec<String> {
        let missing = features.iter().filter(|(since, _)| version < *since);
        missing
            .map(|((major, minor), what)| format!("{what} (Linux {major}.{minor})"))
            .collect()
    };
    let required = missing(&REQUIRED);
    if !required.is_empty() {
        return Finding::problem(SUBJECT, format!("Linux {release} is too old"))
            .why(format!("It lacks {}.", required.join(", ")));
    }
    let wanted = missing(&WANTED);
    if !wanted.is_empty() {
        return Finding::warning(
            SUBJECT,
            format!("Linux {release} does, a newer one does more"),
        )
        .why(format!("With this one {}.", wanted.join(", ")));
    }
    Finding::ok(
        SUBJECT,
        format!("Linux {release} has all that flowtrack uses"),
    )
}

fn jit(setting: Option<u32>) -> Finding {
    const SUBJECT: &str = "BPF JIT";
    match setting {
        Some(0) => Finding::warning(SUBJECT, "the compiler for BPF programs is off")
            .why("The XDP program is interpreted, which takes several times as long for each packet.")
            .fix("sysctl -w net.core.bpf_jit_enable=1"),
        Some(_) => Finding::ok(SUBJECT, "BPF programs are compiled"),
        None => Finding::note(SUBJECT, "cannot find out whether BPF programs are compiled").why(
            "Only root can read net.core.bpf_jit_enable, and not in another network namespace.",
        ),
    }
}
