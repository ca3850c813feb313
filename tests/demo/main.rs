//! `flowtrack-demo`: shows flowtrack at work on traffic that it makes itself, on any Linux machine,
//! without touching an interface of it.

mod activity;
mod flows;

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus},
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use clap::Parser;
use flowtrack_tests::{
    command,
    span::{Span, Steering},
    traffic::Done,
    wait::wait_until,
};
use nix::{
    libc::c_int,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction},
    unistd::Pid,
};

use tempfile::TempDir;

use crate::activity::Made;

/// Receive queues of the tapped interface.
const QUEUES: u32 = 2;
/// The last part of the run is quiet, so that flowtrack sees the end of each connection.
const QUIET: Duration = Duration::from_secs(2);
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The last signal that came and was not looked at yet; 0 for none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Runs flowtrack on a software mirror port with real traffic on it.
#[derive(Debug, Parser)]
struct Arguments {
    /// The flowtrack program.
    #[arg(long, value_name = "PATH")]
    flowtrack: PathBuf,
    /// How long flowtrack runs.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Further arguments of `flowtrack run`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    run: Vec<String>,
}

fn main() -> ExitCode {
    match demo(&Arguments::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo(arguments: &Arguments) -> Result<ExitCode> {
    catch_signals()?;
    let path = &arguments.flowtrack;
    let flowtrack = path
        .canonicalize()
        .with_context(|| format!("cannot find {}", path.display()))?;

    println!("demo: building two hosts joined by a cable, with IPv4 and IPv6");
    let span = Span::new(QUEUES, Steering::Symmetric)?;
    println!(
        "demo: mirroring the cable to {}, {QUEUES} queues, in namespace {}",
        span.tap.name(),
        span.probe.name()
    );
    let folder = TempDir::new().context("cannot make a temporary folder")?;
    let records = folder.path().join("flows.json");
    let mut command = flowtrack_command(&span, &flowtrack, arguments);
    command.arg("-o").arg(format!("json:{}", records.display()));
    println!("demo: running {}", shown(&command));
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;

    let stop = AtomicBool::new(false);
    let (status, made) = thread::scope(|scope| {
        let traffic = scope.spawn(|| make_traffic(&span, arguments.duration, &stop));
        let status = attend(&mut child, &stop);
        stop.store(true, Ordering::Relaxed);
        (status, traffic.join())
    });
    let made = made.map_err(|_| anyhow!("the traffic thread panicked"))?;
    let status = status?;
    if records.exists() {
        flows::print(&records)?;
    }
    match made.context("cannot make traffic")? {
        Some(made) => report(&made),
        None => println!("demo: flowtrack ended before there was any traffic"),
    }
    Ok(exit_code(status))
}

/// Keeps signals that ask for an end from ending this program before it has cleaned up. Handlers,
/// unlike a mask, are not handed down to the programs that it starts.
fn catch_signals() -> Result<()> {
    extern "C" fn note(signal: c_int) {
        SIGNAL.store(signal, Ordering::Relaxed);
    }
    let handler = SigHandler::Handler(note);
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler only stores into an atomic, which is safe at any moment.
        unsafe { sigaction(signal, &action) }.with_context(|| format!("cannot catch {signal}"))?;
    }
    Ok(())
}

fn flowtrack_command(span: &Span, flowtrack: &Path, arguments: &Arguments) -> Command {
    let duration = humantime::format_duration(arguments.duration).to_string();
    let mut command = span.probe.command(flowtrack);
    command.args(["run", span.tap.name(), "--duration"]);
    command.arg(duration.replace(' ', ""));
    command.args(&arguments.run);
    command
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Waits for flowtrack to attach, and then makes traffic for as long as it will listen; none if it
/// ended before.
fn make_traffic(span: &Span, duration: Duration, stop: &AtomicBool) -> Result<Option<Made>> {
    wait_until("flowtrack to attach", ATTACH_TIMEOUT, || {
        Ok(stop.load(Ordering::Relaxed) || has_xdp_program(span)?)
    })?;
    if stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    activity::make(span, duration.saturating_sub(QUIET), stop).map(Some)
}

fn has_xdp_program(span: &Span) -> Result<bool> {
    let mut ip = span.probe.ip();
    let shown = command::run(ip.args(["-details", "link", "show", span.tap.name()]))?;
    Ok(shown.contains("prog/xdp"))
}

/// Waits for the end of flowtrack, and sees to it that signals end it in good order.
fn attend(child: &mut Child, stop: &AtomicBool) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for flowtrack")? {
            return Ok(status);
        }
        let caught = SIGNAL.swap(0, Ordering::Relaxed);
        if caught != 0 {
            stop.store(true, Ordering::Relaxed);
            // A terminal has already sent SIGINT to flowtrack as well; twice could mean "at once".
            if caught != Signal::SIGINT as i32 {
                let process = Pid::from_raw(child.id().try_into()?);
                kill(process, Signal::try_from(caught)?).context("cannot signal flowtrack")?;
            }
        }
        thread::sleep(PAUSE);
    }
}

fn report(made: &Made) {
    println!("demo: flowtrack has ended; this is what was there to be seen:");
    if made.cut_short {
        println!("demo: (it was stopped early: the last of this came after its end)");
    }
    for (what, done) in [
        ("TCP connections", made.tcp),
        ("UDP sockets", made.udp),
        ("ICMP echo sockets", made.echo),
    ] {
        let Done {
            flows,
            sent,
            received,
        } = done;
        println!("demo: {flows:>9} {what}, {sent} bytes to the server and {received} back");
    }
    println!(
        "demo: {:>9} generated UDP packets of {} flows, 60 bytes each",
        made.generated.packets, made.generated.flows
    );
    println!(
        "demo: {:>9} packets in all left the mirror port",
        made.mirrored
    );
}

/// That of flowtrack; as a shell has it when a signal ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
