//! What identifies a flow: the keys that there are. A user's own extractor may have another.

mod five_tuple;
mod pairs;

pub use self::{
    five_tuple::FiveTuple,
    pairs::{IpPair, MacPair},
};

#[cfg(test)]
mod tests;
