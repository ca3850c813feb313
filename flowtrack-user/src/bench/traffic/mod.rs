//! Synthetic traffic: the same packets for the same description, whoever asks for them.

mod spec;

pub use self::spec::{Dist, Proto, Size, SpecError, Synthetic, count};
