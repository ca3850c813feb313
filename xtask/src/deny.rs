//! `cargo xtask deny`: licences, duplicates and sources of all dependencies.

use anyhow::Result;

use crate::{cargo::cargo, exec::Cmd, setup};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: setup::Consent,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if setup::program("cargo-deny").is_none() {
        let why = "missing: cargo-deny: checks licences and sources of dependencies";
        let install = Cmd::line("cargo install cargo-deny --locked");
        setup::install(&options.consent, why, &[install])?;
    }
    cargo("deny")?
        .args(["check", "bans", "licenses", "sources"])
        .run()
}
