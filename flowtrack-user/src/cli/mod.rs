//! What can be typed, checked once and turned into what is meant.
#![forbid(unsafe_code)]

mod args;
mod values;

pub use self::{
    args::{Cli, Command, Mode, Profile, ReadArgs, RunArgs, SharedArgs, Timestamps},
    values::{IdleTimeout, IdleTimeoutError},
};
