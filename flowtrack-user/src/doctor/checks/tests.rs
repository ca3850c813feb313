//! What is said of which facts.

/// Of drivers, and of what they do to packets.
mod drivers;
/// Of the host.
mod hosts;
/// What the others change.
mod nic;
/// Of queues, steering and cores.
mod queues;
/// Of who uses an interface.
mod uses;

use crate::doctor::{Finding, Severity};

/// What a case expects: severity, subject, a part of what is said, a part of the command.
type Expected = (Severity, &'static str, &'static str, Option<&'static str>);

/// Asserts that there is such a finding, and that what is no matter has no severity.
fn assert_found(findings: &[Finding], (severity, subject, part, fix): Expected) {
    let text = |finding: &Finding| {
        let why = finding.why.as_deref().unwrap_or_default();
        format!("{} {why}", finding.found)
    };
    let matches = |finding: &Finding| {
        let same_fix = match (fix, &finding.fix) {
            (None, None) => true,
            (Some(part), Some(fix)) => fix.contains(part),
            _ => false,
        };
        (finding.severity, finding.subject) == (severity, subject)
            && text(finding).contains(part)
            && same_fix
    };
    assert!(
        findings.iter().any(matches),
        "no {severity:?} about {subject} with '{part}' and {fix:?} in {findings:#?}"
    );
}

/// Asserts that all is well.
fn assert_healthy(findings: &[Finding]) {
    let ill: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity != Severity::Ok)
        .collect();
    assert!(ill.is_empty() && !findings.is_empty(), "{ill:#?}");
}
