//! The command `flowtrack`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use flowtrack::{
    cli::{Cli, Command, ReadArgs, RunArgs, SharedArgs, Timestamps},
    control::{self, Ledger, ReadConfig, RunConfig},
    export::Target,
};

/// It ended, but records were lost or the ledger did not close.
const INCOMPLETE: u8 = 3;
/// Wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let result = match &cli.command {
        Command::Run(args) => run(args),
        Command::Read(args) => read(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("flowtrack: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    if args.shared.crowded_stdout() {
        return Ok(crowded_stdout());
    }
    let ledger = control::run(&RunConfig {
        interface: args.interface.clone(),
        take_over: args.take_over,
        duration: args.duration,
        stamped: args.timestamps == Timestamps::Packet,
        require_zero_copy: args.require_zero_copy,
        ring_size: args.ring_size,
        quiet: args.quiet,
        outputs: args.shared.outputs.clone(),
        tracker: args.shared.tracker(),
    })?;
    report(&args.shared, &ledger)?;
    eprint!("{ledger}");
    Ok(status(&ledger))
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
    // Somebody who asked for no output wants to know what there is.
    if args.shared.outputs.is_empty() {
        eprint!("{}", outcome.ledger);
    }
    let status = status(&outcome.ledger);
    let damaged = !outcome.errors.is_empty();
    for error in outcome.errors {
        eprintln!("flowtrack: {:#}", anyhow::Error::from(error));
    }
    Ok(if damaged { ExitCode::FAILURE } else { status })
}

/// What there is to say goes to standard error: warnings, and what flowtrack itself does. `RUST_LOG`
/// changes that.
fn log_to_stderr() {
    env_logger::Builder::from_env(
        env_logger::Env::default().default_filter_or("warn,flowtrack=info"),
    )
    .format(|line, record| writeln!(line, "flowtrack: {}", record.args()))
    .init();
}

/// Writes the ledger to where it is wanted.
fn report(args: &SharedArgs, ledger: &Ledger) -> anyhow::Result<()> {
    let Some(path) = &args.ledger else {
        return Ok(());
    };
    let target = Target::from(path.as_path());
    let mut writer = target.open()?;
    serde_json::to_writer_pretty(&mut writer, ledger)
        .map_err(io::Error::from)
        .and_then(|()| writeln!(writer))
        .and_then(|()| writer.flush())
        .with_context(|| format!("cannot write the ledger to {target}"))
}

fn status(ledger: &Ledger) -> ExitCode {
    if !ledger.closes() {
        eprintln!("flowtrack: the ledger does not close: packets are unexplained");
    }
    if ledger.lost_records() {
        eprintln!("flowtrack: records or events were lost");
    }
    for output in &ledger.outputs {
        if let Some(error) = &output.error {
            eprintln!("flowtrack: cannot write to {}: {error}", output.output);
        }
    }
    if ledger.closes() && !ledger.lost_records() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(INCOMPLETE)
    }
}

fn crowded_stdout() -> ExitCode {
    eprintln!("flowtrack: only one output, or the ledger, can go to standard output");
    ExitCode::from(USAGE)
}
