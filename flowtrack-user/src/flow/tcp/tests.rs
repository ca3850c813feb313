//! The TCP state machine, through the tracker and part by part.

mod cases;
mod conversations;
mod endpoints;
mod gaps;
mod history;
mod reuse;
mod sequence;
mod stream;

pub(super) use crate::flow::tests::script;
