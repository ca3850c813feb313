//! Connections and what becomes of them.

mod closing;
mod opening;
mod over;

use flowtrack_common::{
    EndReason,
    FlowState::{self, Aborted, Closed, ClosingTcp, Established, FinWait, Reset, SynReceived},
};

use super::script::Segment;

/// A connection and what becomes of it.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) segments: Vec<Segment>,
    pub(super) history: &'static str,
    /// The states after the first one.
    pub(super) path: &'static [FlowState],
    /// Its end at shutdown.
    pub(super) reason: EndReason,
}

const OPEN: EndReason = EndReason::Shutdown;
const FIN: EndReason = EndReason::Fin;
const RST: EndReason = EndReason::Rst;

/// The states of a connection that goes the way of the textbook.
const CLOSE: &[FlowState] = &[SynReceived, Established, FinWait, ClosingTcp, Closed];

fn case(
    name: &'static str,
    segments: &[Segment],
    history: &'static str,
    path: &'static [FlowState],
    reason: EndReason,
) -> Case {
    Case {
        name,
        segments: segments.to_vec(),
        history,
        path,
        reason,
    }
}

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let mut cases = opening::cases();
    cases.extend(opening::refusals());
    cases.extend(closing::cases());
    cases.extend(closing::odd_cases());
    cases.extend(over::resets());
    cases.extend(over::stragglers());
    cases
}
