//! Integration tests of flowtrack on veth pairs, each test in network namespaces of its own.
//!
//! They need root: `cargo xtask test` runs them.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails says where"
)]

/// flowtrack as a process: started, stopped, and what it left.
mod probe;

/// Which packets a filter in the XDP program takes.
mod filter;
/// The XDP programs as the kernel runs them, without flowtrack around them.
mod program;
/// The XDP program on single frames, by `BPF_PROG_TEST_RUN`.
mod test_run;

/// What stands in the records, protocol by protocol.
mod protocols;
/// Captures that are sent over the wire again.
mod replay;

/// Flows spread over queues, and real TCP through a mirror port.
mod queues;
/// The directions of a flow on different queues.
mod steering;

/// What the program copies of single frames, by `BPF_PROG_TEST_RUN`.
mod copies;
/// Headers are copied and packets are forwarded between two interfaces.
mod inline;
/// Several interfaces in one process.
mod interfaces;
/// The interface comes and goes, and so does flowtrack.
mod lifecycle;
/// The ledger as metrics, while it runs.
mod metrics;
/// Headers are copied and packets go on.
mod observe;
/// Busy polling in place of interrupts.
mod polling;
/// What a worker asks the kernel for.
mod system_calls;

/// What stands in the way of capture, and what the NIC counts.
mod doctor;
/// Faults that are made on purpose, and the causes that are named.
mod faults;
/// Packets that are lost on purpose, and where they are counted.
mod loss;
/// Shares of the flows.
mod sampling;
/// Wrong usage: what is said, and the exit status.
mod usage;
/// A worker that stands still.
mod watchdog;
