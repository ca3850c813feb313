//! Huge pages.

use super::{Finding, HostFacts};

const SUBJECT: &str = "huge pages";
/// Pages that the packet memory of a queue takes, as it is without options.
const QUEUE: usize = 4;
/// Pages that a flow table takes, as it is without options.
const TABLE: usize = 18;

pub(super) fn findings(host: &HostFacts) -> Vec<Finding> {
    let Some(pages) = host.huge_pages else {
        return vec![Finding::note(
            SUBJECT,
            "this kernel has no huge pages of 2 MiB",
        )];
    };
    let wanted = host.cores.len().saturating_mul(QUEUE + TABLE);
    let free = usize::try_from(pages.free).unwrap_or(usize::MAX);
    let found = match pages.total {
        0 => "none are reserved".to_owned(),
        total => format!("{free} of {total} reserved ones are free"),
    };
    let finding = if free >= QUEUE {
        Finding::ok(SUBJECT, found)
    } else {
        Finding::note(SUBJECT, found)
            .why(
                "Packets and flows lie in ordinary pages then, which the processor looks up more often. \
                 flowtrack works without.",
            )
            .fix(format!("sysctl -w vm.nr_hugepages={wanted}"))
    };
    vec![finding]
}
