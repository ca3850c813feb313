//! `cargo xtask`: set-up, build, run and test of flowtrack, one verb a module.
//!
//! cargo runs as the user who types the command; only a finished binary is ever elevated.

mod asan;
mod bench;
mod build_ebpf;
mod captures;
mod cargo;
mod deny;
mod elf;
mod exec;
mod instructions;
mod mutants;
mod privilege;
mod run;
mod setup;
mod test;

use std::{path::Path, process::ExitCode};

use clap::{Parser, Subcommand};

/// Set-up, build, run and test of flowtrack.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Find out what is missing to build, test and demonstrate flowtrack, and install it.
    Setup(setup::Options),
    /// Build flowtrack and run it on an interface, or the demo when no interface is named.
    Run(run::Options),
    /// Build the XDP programs and show what is in the object.
    BuildEbpf(build_ebpf::Options),
    /// Check format, lints and documentation, and run all tests.
    Test(test::Options),
    /// Run the tests on captures, or list what differs from the tables beside them.
    Captures(captures::Options),
    /// Count the instructions that a packet takes, and compare them with those of before.
    Instructions(instructions::Options),
    /// Measure what a packet costs, or other trackers beside flowtrack.
    Bench(bench::Options),
    /// Check licences and sources of all dependencies.
    Deny(deny::Options),
    /// Change the code in one place at a time and see whether a unit test notices.
    Mutants(mutants::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Setup(options) => setup::run(&options),
        Verb::Run(options) => run::run(&options),
        Verb::BuildEbpf(options) => build_ebpf::run(&options),
        Verb::Test(options) => return test::run(&options),
        Verb::Captures(options) => captures::run(&options),
        Verb::Instructions(options) => instructions::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Deny(options) => deny::run(&options),
        Verb::Mutants(options) => mutants::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn repository() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}
