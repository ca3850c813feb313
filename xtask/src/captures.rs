//! `cargo xtask captures`: flowtrack against recorded captures and the tables of others, where a
//! folder `shared` with both stands beside the repository.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{
    cargo,
    exec::{Cmd, word},
    repository,
};

/// The tests on captures, apart from those on veth pairs.
pub(crate) const TESTS: &str = "captures";
/// Connections as Zeek has them.
const PROFILE: &str = "--profile zeek";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the lists of known differences anew; what differs in a new way has no reason yet.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let shared = Shared::find();
    let shared = shared.with_context(|| format!("there is no {}", Shared::path().display()))?;
    if options.list {
        return tests(true);
    }
    tests(false)?;
    shared.compare()
}

/// What lies beside the repository.
pub(crate) struct Shared {
    script: PathBuf,
    captures: PathBuf,
}

impl Shared {
    /// None if there are no captures.
    pub(crate) fn find() -> Option<Self> {
        let shared = Self {
            script: Self::path().join("tools/compare.py"),
            captures: Self::path().join("captures/open"),
        };
        (shared.script.is_file() && shared.captures.is_dir()).then_some(shared)
    }

    /// Where it is looked for.
    pub(crate) fn path() -> PathBuf {
        repository().join("../shared")
    }

    /// Compares connections with those of Zeek by a script that shares nothing with the tests, and
    /// says itself how many must agree.
    pub(crate) fn compare(&self) -> Result<()> {
        let built = cargo::build("build --release -p flowtrack --bins")?;
        let flowtrack = built.executable("bin", "flowtrack")?;
        Cmd::new(["python3".into(), word(&self.script)?])
            .args([word(&flowtrack)?, word(&self.captures)?])
            .env("FLOWTRACK_ARGS", PROFILE)
            .run()
    }
}

/// Runs the tests on captures, or lets them write their lists of differences.
pub(crate) fn tests(list: bool) -> Result<()> {
    // They start the binary that lies beside them.
    cargo::build("build --release -p flowtrack --bins")?;
    let built = cargo::build("test --release -p flowtrack-tests --test captures --no-run")?;
    let command = Cmd::new([word(&built.executable("test", TESTS)?)?]);
    if list {
        // What checks the lists themselves would see them half written.
        let command = command.args(["--skip", "differences::"]);
        return command.env("FLOWTRACK_DIFFERENCES", "write").run();
    }
    command.run()
}
