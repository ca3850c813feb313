//! `cargo xtask run`: build, then become flowtrack or its demo.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};

use crate::{
    cargo,
    exec::{Cmd, word},
    privilege, setup,
};

const DEMO_DURATION: &str = "20s";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Interface to watch. Its packets are taken from the kernel's network stack, so name one that
    /// gets a copy of the traffic. Without it, the demo runs: namespaces and traffic of its own.
    #[arg(value_name = "IFACE")]
    interface: Option<String>,
    /// End after this time, as `20s` or `5m`; the demo ends after 20s unless told otherwise.
    #[arg(long)]
    duration: Option<String>,
    /// Build without optimisation.
    #[arg(long)]
    debug: bool,
    /// Program that starts the binary with the rights it needs [default: none for root, else
    /// `sudo -E`].
    #[arg(long)]
    runner: Option<String>,
    #[command(flatten)]
    consent: setup::Consent,
    /// Arguments for flowtrack.
    #[arg(last = true)]
    args: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let runner = privilege::runner(options.runner.as_deref())?;
    setup::ready(&options.consent)?;
    let profile = if options.debug { "dev" } else { "release" };
    let packages = match options.interface {
        Some(_) => "-p flowtrack",
        None => "-p flowtrack -p flowtrack-tests",
    };
    let built = cargo::build(&format!("build --bins --profile {profile} {packages}"))?;
    let flowtrack = word(&built.executable("bin", "flowtrack")?)?;
    let command = if let Some(interface) = &options.interface {
        on_interface(options, &flowtrack, interface)
    } else {
        let demo = word(&built.executable("bin", "flowtrack-demo")?)?;
        in_demo(options, &demo, &flowtrack)
    };
    let command = command.through(&runner);
    println!("running {command}");
    // The binary takes the place of this process, so signals and exit status are its own.
    let error = command.command().exec();
    Err(error).with_context(|| command.cannot_start())
}

fn on_interface(options: &Options, flowtrack: &str, interface: &str) -> Cmd {
    let duration = options.duration.iter();
    Cmd::new([flowtrack, "run", interface])
        .args(duration.flat_map(|time| ["--duration", time]))
        .args(&options.args)
}

fn in_demo(options: &Options, demo: &str, flowtrack: &str) -> Cmd {
    let duration = options.duration.as_deref().unwrap_or(DEMO_DURATION);
    let separator = (!options.args.is_empty()).then_some("--");
    Cmd::new([demo, "--flowtrack", flowtrack, "--duration", duration])
        .args(separator)
        .args(&options.args)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Options, in_demo, on_interface};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn options(line: &str) -> Options {
        Cli::parse_from(format!("run {line}").split_whitespace()).options
    }

    #[test]
    fn arguments_after_the_dashes_go_to_flowtrack() {
        let shown = |line| on_interface(&options(line), "flowtrack", "eth0").to_string();
        assert_eq!(shown("eth0"), "flowtrack run eth0");
        assert_eq!(
            shown("eth0 --duration 5s -- -o json:-"),
            "flowtrack run eth0 --duration 5s -o json:-"
        );
    }

    #[test]
    fn the_demo_ends_by_itself() {
        let shown = |line| in_demo(&options(line), "demo", "flowtrack").to_string();
        assert_eq!(shown(""), "demo --flowtrack flowtrack --duration 20s");
        assert_eq!(
            shown("--duration 5s -- -o json:-"),
            "demo --flowtrack flowtrack --duration 5s -- -o json:-"
        );
    }
}
