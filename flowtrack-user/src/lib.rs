//! flowtrack: the flow probe that can prove what it did not see.

pub mod capture;
pub mod cli;
pub mod control;
pub mod export;
pub mod flow;
pub mod sys;
pub mod table;
pub mod wire;
pub mod worker;

pub use flowtrack_common as common;
