//! What the tests and the demo build on: network namespaces, veth pairs, a software SPAN port, and
//! traffic, from real kernel sockets down to single frames and recorded captures.
//!
//! Namespaces and links need root. Each namespace goes away with the value that made it, also on
//! panic.

pub mod captures;
pub mod collection;
pub mod command;
pub mod expressions;
pub mod frames;
pub mod generator;
pub mod inject;
pub mod link;
pub mod netns;
pub mod span;
pub mod stall;
pub mod system_calls;
pub mod trace;
pub mod traffic;
pub mod wait;
