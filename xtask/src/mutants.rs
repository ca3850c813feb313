//! `cargo xtask mutants`: changes the parsers, the table and the tracker in one place at a time, and
//! says which changes no unit test notices.

mod survivors;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};

use self::survivors::{Outcome, compare};
use crate::{
    build_ebpf,
    cargo::cargo,
    exec::{Cmd, word},
    repository, setup,
};

/// Where the survivors stand that were looked at, each with its reason.
const LISTED: &str = "tests/mutants.tsv";
/// The code whose every operator a unit test must notice.
const FILES: [&str; 3] = [
    "flowtrack-user/src/flow/**/*.rs",
    "flowtrack-user/src/table/**/*.rs",
    "flowtrack-user/src/wire/**/*.rs",
];

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: setup::Consent,
    /// Files to change, or patterns of them [default: all of flow, table and wire].
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Arguments for cargo-mutants, as `--shard 1/4`.
    #[arg(last = true)]
    args: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ready(&options.consent)?;
    if setup::program("cargo-mutants").is_none() {
        let why = "missing: cargo-mutants: changes the code to see whether a test notices";
        let install = Cmd::line("cargo install cargo-mutants --locked");
        setup::install(&options.consent, why, &[install])?;
    }
    let output = repository().join("target");
    let status = command(&output, options)?.status()?;
    // 2: some were missed; 3: some ran out of time. Everything else is a failure of the run itself.
    match status.code() {
        Some(0 | 2 | 3) => report(&output.join("mutants.out")),
        _ => bail!("cargo mutants could not run the tests: {status}"),
    }
}

/// cargo-mutants on a copy of the repository, as fast as the tests allow.
fn command(output: &Path, options: &Options) -> Result<Cmd> {
    let defaults = || FILES.map(String::from).to_vec();
    let files = Some(options.files.clone()).filter(|files| !files.is_empty());
    let command = cargo("mutants --package flowtrack")?
        .args(["--output".into(), word(output)?])
        .args(
            files
                .unwrap_or_else(defaults)
                .iter()
                .flat_map(|file| ["--file", file]),
        )
        .args(&options.args);
    // One target folder for all copies: the dependencies are compiled once and for all, and the XDP
    // programs not even that.
    let command = command
        .env("CARGO_TARGET_DIR", &word(&output.join("mutants"))?)
        .env("FLOWTRACK_EBPF_OBJECT", &word(&build_ebpf::object()?)?);
    // The same cases for each mutant and not many, and of a failure only that there is one.
    Ok(command
        .env("PROPTEST_CASES", "64")
        .env("PROPTEST_RNG_SEED", "1")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1"))
}

/// Says what came out; fails when a mutant survived that is not listed.
fn report(folder: &Path) -> Result<()> {
    let read = |name| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let outcome = Outcome {
        caught: read("caught.txt")? + &read("timeout.txt")?,
        missed: read("missed.txt")?,
    };
    let path = repository().join(LISTED);
    let listed = fs::read_to_string(&path);
    let listed = listed.with_context(|| format!("cannot read {}", path.display()))?;
    let found = compare(&outcome, &listed)?;
    print!("{found}");
    ensure!(
        found.unlisted.is_empty(),
        "no test notices the mutants above: write one, or list them with the reason in {LISTED}"
    );
    Ok(())
}
