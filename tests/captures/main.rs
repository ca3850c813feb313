//! flowtrack against recorded captures and against what others have counted in them.
//!
//! The captures and their tables lie beside the repository, in `../shared/captures`; without them
//! these tests say so and pass. Each difference from a table is listed in `differences/` with its
//! reason: one that is not listed fails its test, and so does a listed one that is gone.
/// What is compared: two values at a time, and what differs is kept.
mod comparison;
/// The differences that are known, and why there are any.
mod differences;
/// The captures.
mod folder;
/// Work on all captures at once.
mod parallel;
/// `flowtrack read`, and what it leaves.
mod reading;
/// Tables separated by tabs.
mod table;
/// What names a flow, whoever recorded it.
mod tuple;

/// Which packets a filter takes, and which ones tcpdump takes.
mod filter;
/// Exit status and ledger, on whatever is in the captures.
mod ledger;
/// What other meters have published.
mod published;
/// Packets and bytes, counted from the bytes of the captures.
mod raw;
/// The same records from one shard and from several.
mod shards;
/// Records that active and idle timeouts cut, as nfstream cuts them.
mod timeout;
/// Connections as Zeek sees them.
mod zeek;
