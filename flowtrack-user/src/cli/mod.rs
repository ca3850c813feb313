//! What can be typed, checked once and turned into what is meant.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod choices;
mod doctor;
mod shared;
mod values;

pub use self::{
    args::{Cli, Command, Filtered, ReadArgs, RunArgs, Timestamps},
    bench::{
        BenchArgs, BenchCommand, ExpiryArgs, FloodArgs, LimitArgs, TrackArgs, VethArgs, XdpArgs,
    },
    choices::{
        FragmentsArg, IcmpArg, KeyPart, ModeArg, Profile, StalledArg, SteeringArg, TunnelsArg,
    },
    doctor::DoctorArgs,
    shared::SharedArgs,
    values::{DurationError, IdleTimeout, IdleTimeoutError, TimeoutScope},
};

#[cfg(test)]
mod tests;
