//! The command `flowtrack`.

mod ledger_file;

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use flowtrack::{
    capture::headers::DEFAULT_SNAP,
    cli::{
        BenchArgs, Cli, Command, DoctorArgs, Filtered, ReadArgs, RunArgs, SharedArgs, Timestamps,
    },
    control::{self, Ledger, ReadConfig, RunConfig},
    doctor,
    sys::{
        alloc::CountingAllocator,
        stderr::{self, Stderr},
    },
};

use self::ledger_file::LedgerFile;

/// It ended, but records were lost or the ledger did not close.
const INCOMPLETE: u8 = 3;
/// Wrong usage.
const USAGE: u8 = 2;
/// Whoever reads standard error is not waited for any longer.
const STDERR_TIMEOUT: Duration = Duration::from_secs(1);

/// `flowtrack bench` tells how often it allocates.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let result = match &cli.command {
        Command::Run(args) => run(args),
        Command::Read(args) => read(args),
        Command::Doctor(args) => doctor(args),
        Command::Bench(args) => bench(args),
    };
    let status = result.unwrap_or_else(|error| {
        complain(format_args!("{error:#}"));
        ExitCode::FAILURE
    });
    stderr::flush(STDERR_TIMEOUT);
    status
}

fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    if args.shared.shares_stdout() {
        return Ok(shared_stdout());
    }
    if let Some(interface) = args.named_twice() {
        return Ok(wrong_usage(format_args!(
            "{interface} is named twice: one program takes all of its packets"
        )));
    }
    if let Some(conflict) = args.conflict() {
        return Ok(wrong_usage(conflict));
    }
    let tracker = match args.shared.tracker() {
        Ok(tracker) => tracker,
        Err(error) => return Ok(wrong_usage(error)),
    };
    warn(&args.shared);
    let ledger_file = LedgerFile::open(&args.shared)?;
    let ledger = control::run(&RunConfig {
        interfaces: args.interfaces.clone(),
        mode: args.mode.meant(),
        take_over: args.take_over,
        duration: args.duration,
        stamped: args.timestamps == Timestamps::Packet,
        require_zero_copy: args.require_zero_copy,
        busy_poll: args.busy_poll,
        ring_size: args.ring_size,
        snap: args.snap.map_or(DEFAULT_SNAP, u32::from),
        burst: args.burst.into(),
        metrics: args.metrics,
        quiet: args.quiet,
        outputs: args.shared.outputs.clone(),
        filter: args.shared.filter.clone(),
        pass_filtered: args.filtered == Filtered::Pass,
        extractor: args.shared.extractor(),
        tracker,
        sampling: args.sample,
        stalled: args.stalled.meant(),
        steering: args.steering.meant(),
    })?;
    say(&ledger);
    let status = status(&ledger);
    ledger_file.write(&ledger)?;
    Ok(status)
}

fn read(args: &ReadArgs) -> anyhow::Result<ExitCode> {
    if args.shared.shares_stdout() {
        return Ok(shared_stdout());
    }
    if let Some(path) = args.overwritten() {
        return Ok(wrong_usage(format_args!(
            "{} is to be read: writing to it would destroy it; name another file",
            path.display()
        )));
    }
    let tracker = match args.shared.tracker() {
        Ok(tracker) => tracker,
        Err(error) => return Ok(wrong_usage(error)),
    };
    warn(&args.shared);
    let ledger_file = LedgerFile::open(&args.shared)?;
    let outcome = control::read(&ReadConfig {
        files: args.files.clone(),
        outputs: args.shared.outputs.clone(),
        filter: args.shared.filter.clone(),
        shards: args.shards.into(),
        extractor: args.shared.extractor(),
        tracker,
        sample: args.sample,
    })?;
    let damaged = !outcome.errors.is_empty();
    for error in outcome.errors {
        complain(format_args!("{:#}", anyhow::Error::from(error)));
    }
    let Some(ledger) = outcome.ledger else {
        return Ok(ExitCode::FAILURE);
    };
    // Somebody who asked for no output wants to know what there is.
    if args.shared.outputs.is_empty() {
        say(&ledger);
    }
    // Whoever read a pipe and went away had enough: nothing is missing.
    let mut wanted = ledger.clone();
    wanted.outputs.retain(|output| !output.closed);
    let status = status(&wanted);
    ledger_file.write(&ledger)?;
    Ok(if damaged { ExitCode::FAILURE } else { status })
}

fn doctor(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let report = doctor::examine(&args.interfaces)?;
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", report.json()?)?;
    } else {
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into());
        write!(stdout, "{}", report.text(width))?;
    }
    Ok(if report.can_capture {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn bench(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    if let Some(report) = args.command.run()? {
        let mut stdout = io::stdout().lock();
        if args.json {
            writeln!(stdout, "{}", report.json()?)?;
        } else {
            write!(stdout, "{report}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells of options that do nothing: whoever gave them expects something.
fn warn(args: &SharedArgs) {
    for sentence in args.without_effect() {
        log::warn!("{sentence}");
    }
}

/// What there is to say goes to standard error: warnings, and what flowtrack itself does. `RUST_LOG`
/// changes that.
fn log_to_stderr() {
    env_logger::Builder::from_env(
        env_logger::Env::default().default_filter_or("warn,flowtrack=info"),
    )
    .target(env_logger::Target::Pipe(Box::new(Stderr)))
    .format(|line, record| writeln!(line, "flowtrack: {}", record.args()))
    .init();
}

fn status(ledger: &Ledger) -> ExitCode {
    if !ledger.closes() {
        complain("the ledger does not close: packets are unexplained");
    }
    if ledger.lost_records() {
        complain("records or events were lost");
    }
    for output in &ledger.outputs {
        if let Some(error) = &output.error {
            complain(format_args!("cannot write to {}: {error}", output.output));
        }
    }
    if ledger.closes() && !ledger.lost_records() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(INCOMPLETE)
    }
}

fn shared_stdout() -> ExitCode {
    wrong_usage("only one output, or the ledger, can go to standard output")
}

fn wrong_usage(message: impl Display) -> ExitCode {
    complain(message);
    ExitCode::from(USAGE)
}

/// A message of one line on standard error.
fn complain(message: impl Display) {
    say(format_args!("flowtrack: {message}\n"));
}

/// Prints to standard error, behind all that was printed before.
fn say(text: impl Display) {
    stderr::print(text.to_string());
    stderr::flush(STDERR_TIMEOUT);
}
