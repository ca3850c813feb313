//! The TCP state machine, through the tracker.

mod cases;
mod conversations;
mod history;
mod reuse;
mod sequence;

pub(super) use crate::flow::tests::script;
