//! Huge pages.

use super::{Finding, HostFacts, several};

const SUBJECT: &str = "huge pages";

pub(super) fn findings(host: &HostFacts) -> Vec<Finding> {
    let Some(pages) = host.huge_pages else {
        return vec![Finding::note(
            SUBJECT,
            "this kernel has no huge pages of 2 MiB",
        )];
    };
    // The packet memory of a queue and a table of the default size.
    let wanted = host.cores.len().saturating_mul(4 + 18);
    let free = usize::try_from(pages.free).unwrap_or(usize::MAX);
    let finding = if free >= 4 {
        Finding::ok(SUBJECT, format!("{} of 2 MiB free", several(free, "page")))
    } else {
        Finding::note(SUBJECT, format!("{free} of {} reserved ones are free", pages.total))
            .why(
                "Packets and flows lie in ordinary pages then, which the processor looks up more often. \
                 flowtrack works without.",
            )
            .fix(format!("sysctl -w vm.nr_hugepages={wanted}"))
    };
    vec![finding]
}
