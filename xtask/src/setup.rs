//! `cargo xtask setup`: what is missing, why it is needed, and its installation.
//!
//! Nothing runs that was not shown before, and no Rust toolchain is ever installed or switched.

mod ebpf;
mod facts;
mod offers;
mod plan;
mod tools;

use std::{
    env,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
};

use anyhow::{Context as _, Result, bail, ensure};

pub(crate) use self::tools::program;
use self::{facts::Facts, plan::Plan};
use crate::exec::Cmd;

const ADVISED: &str = "this machine lacks what cannot be installed from here: do what is said above, \
                       then run `cargo xtask setup` again";

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
    /// Say what is missing and install nothing; fails when something is.
    #[arg(long)]
    check: bool,
}

/// Whether commands that install something may run.
#[derive(clap::Args)]
pub(crate) struct Consent {
    /// Install what is missing without asking, as with CI set in the environment.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        let plan = Plan::new(&Facts::gather());
        print!("{plan}");
        ensure!(plan.is_complete(), "the set-up is not complete");
        return Ok(());
    }
    ready(&options.consent)
}

/// Makes sure that everything is there, by installing it with the user's consent.
pub(crate) fn ready(consent: &Consent) -> Result<()> {
    let plan = Plan::new(&Facts::gather());
    print!("{plan}");
    if plan.is_complete() {
        return Ok(());
    }
    ensure!(plan.advice.is_empty(), ADVISED);
    obtain(consent)?;
    if let Some(update) = &plan.update {
        update.run()?;
        let updated = Plan::new(&Facts::gather_renewed());
        if updated.commands != plan.commands {
            print!("{updated}");
            ensure!(updated.advice.is_empty(), ADVISED);
            bail!("the new package lists change what is to be done: run `cargo xtask setup` again");
        }
    }
    run_all(&plan.commands)?;

    let plan = Plan::new(&Facts::gather());
    print!("{plan}");
    ensure!(plan.is_complete(), "the set-up is still not complete");
    Ok(())
}

/// Shows the commands that install one more program, and runs them with the user's consent.
pub(crate) fn install(consent: &Consent, why: &str, commands: &[Cmd]) -> Result<()> {
    println!("{why}; to be run:");
    for command in commands {
        println!("  {command}");
    }
    obtain(consent)?;
    run_all(commands)
}

fn run_all(commands: &[Cmd]) -> Result<()> {
    for command in commands {
        println!("running {command}");
        command.run()?;
    }
    Ok(())
}

/// Fails unless the commands shown may run.
fn obtain(consent: &Consent) -> Result<()> {
    let ci = env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false");
    if consent.yes || ci {
        return Ok(());
    }
    ensure!(
        io::stdin().is_terminal(),
        "nothing was installed, since there is no terminal to ask on: run the commands above, or \
         `cargo xtask setup --yes`"
    );
    print!("run them now? [Y/n] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.context("cannot read the answer from the terminal")?;
    let agreed = matches!(answer.to_lowercase().as_str(), "\n" | "y\n" | "yes\n");
    ensure!(agreed, "nothing was installed");
    Ok(())
}
