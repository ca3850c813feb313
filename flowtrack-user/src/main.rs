//! The command `flowtrack`.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use flowtrack::{
    cli::{Cli, Command, ReadArgs, SharedArgs},
    control::{self, Ledger, ReadConfig},
    export::Target,
};

/// It ended, but records were lost or the ledger did not close.
const INCOMPLETE: u8 = 3;
/// Wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Run(_) => Ok(ExitCode::FAILURE),
        Command::Read(args) => read(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("flowtrack: {error:#}");
        ExitCode::FAILURE
    })
}

fn read(args: &ReadArgs) -> anyhow::Result<ExitCode> {
    if args.shared.crowded_stdout() {
        return Ok(crowded_stdout());
    }
    let outcome = control::read(&ReadConfig {
        files: args.files.clone(),
        outputs: args.shared.outputs.clone(),
        shards: args.shards.into(),
        tracker: args.shared.tracker(),
    })?;
    if outcome.closed {
        return Ok(ExitCode::SUCCESS);
    }
    report(&args.shared, &outcome.ledger)?;
    for error in &outcome.errors {
        eprintln!("flowtrack: {:#}", anyhow::Error::msg(error.to_string()));
    }
    Ok(match outcome.errors.len() {
        0 => status(&outcome.ledger),
        _ => ExitCode::FAILURE,
    })
}

/// Writes the ledger to where it is wanted, and for a person if nothing else is written for one.
fn report(args: &SharedArgs, ledger: &Ledger) -> anyhow::Result<()> {
    if let Some(path) = &args.ledger {
        let target = Target::from(path.as_path());
        let mut writer = target.open()?;
        serde_json::to_writer_pretty(&mut writer, ledger)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(writer))
            .and_then(|()| writer.flush())
            .with_context(|| format!("cannot write the ledger to {target}"))?;
    }
    if args.outputs.is_empty() || io::stderr().is_terminal() {
        eprint!("{ledger}");
    }
    Ok(())
}

fn status(ledger: &Ledger) -> ExitCode {
    if ledger.closes() && !ledger.lost_records() {
        return ExitCode::SUCCESS;
    }
    eprintln!("flowtrack: records were lost, or packets are unexplained; see the ledger:\n{ledger}");
    ExitCode::from(INCOMPLETE)
}

fn crowded_stdout() -> ExitCode {
    eprintln!("flowtrack: only one output, or the ledger, can go to standard output");
    ExitCode::from(USAGE)
}
