//! What can be typed, checked once and turned into what is meant.
#![forbid(unsafe_code)]

mod args;
mod choices;
mod shared;
mod values;

pub use self::{
    args::{Cli, Command, Mode, ReadArgs, RunArgs, Timestamps},
    choices::{FragmentsArg, IcmpArg, KeyPart, Profile, TunnelsArg},
    shared::SharedArgs,
    values::{DurationError, IdleTimeout, IdleTimeoutError, TimeoutScope},
};

#[cfg(test)]
mod tests;
