//! The flow table: bounded memory for flows, found by key and by the order of their last use.
//!
//! [`RecordTable`] holds flows as records of a fixed size, which its own [`Index`] finds by the hash
//! of their key, each in mapped memory. What a look-up needs can be prefetched, so a caller that has
//! many at once does not wait for memory one by one.
//!
//! All memory is taken when a table is made. The order within a list is what expiry and eviction go
//! by: the least recently used flow of a list is found in constant time.

mod index;
mod lists;
mod memory;
mod prefetch;
mod records;
mod simd;

pub use index::Index;
pub use lists::{Links, Record};
pub use memory::{Pages, Paging, Region};
pub(crate) use prefetch::{prefetch, prefetch_head};
pub use records::{Full, RecordTable};

/// No slot.
const NIL: u32 = u32::MAX;

/// Where a flow lies. Valid until the flow is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(u32);
