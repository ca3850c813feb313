//! `cargo xtask captures`: flowtrack against recorded captures and the tables of others, where a
//! folder `shared` with both stands beside the repository.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::{
    cargo,
    exec::{Cmd, word},
    repository,
};

/// The least share of connections, in percent, that must agree with those of Zeek, by column.
const BARS: [(&str, f64); 3] = [("found", 90.0), ("packets", 85.0), ("ip_bytes", 85.0)];
/// The tests on captures, apart from those on veth pairs.
pub(crate) const TESTS: &str = "captures";
const FAILED_RUNS: &str = "runs failed";
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

    /// Compares connections with those of Zeek by a script that shares nothing with the tests.
    pub(crate) fn compare(&self) -> Result<()> {
        let built = cargo::build("build --release -p flowtrack --bins")?;
        let flowtrack = built.executable("bin", "flowtrack")?;
        let command = Cmd::new(["python3".into(), word(&self.script)?])
            .args([word(&flowtrack)?, word(&self.captures)?])
            .env("FLOWTRACK_ARGS", PROFILE);
        // Its exit status tells about its own bars.
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}");
        let summary = text.lines().rfind(|line| line.contains(FAILED_RUNS));
        judge(summary.with_context(|| format!("`{command}` printed no summary"))?)
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

/// Fails when a share is below its bar or a capture could not be read.
fn judge(summary: &str) -> Result<()> {
    for (column, bar) in BARS {
        let share = share(summary, column)
            .with_context(|| format!("no share of `{column}` in the summary: {summary}"))?;
        ensure!(
            share >= bar,
            "{column}: {share:.1}% agree, at least {bar}% must"
        );
    }
    let failed = fields(summary).find_map(|field| field.strip_prefix(FAILED_RUNS));
    let failed = failed.map_or("?", str::trim);
    ensure!(failed == "0", "flowtrack failed on {failed} captures");
    Ok(())
}

/// The percentage in a field such as `found 4650/4665 = 99.7% (bar 100)`.
fn share(summary: &str, column: &str) -> Option<f64> {
    let mut words = fields(summary)
        .map(str::split_whitespace)
        .find(|words| words.clone().next() == Some(column))?;
    let (agree, all) = words.nth(1)?.split_once('/')?;
    let (agree, all): (f64, f64) = (agree.parse().ok()?, all.parse().ok()?);
    (all > 0.0).then(|| 100.0 * agree / all)
}

fn fields(summary: &str) -> impl Iterator<Item = &str> {
    summary.split(';').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::{judge, share};

    const SUMMARY: &str = "found 4665/4665 = 100.0% (bar 100); packets 4650/4665 = 99.7% (bar 100); \
        ip_bytes 4000/4665 = 85.7% (bar 100); rows 0/4665 = 0.0% (bar 95) ; runs failed 0";

    #[test]
    fn shares_come_from_the_counts() {
        assert_eq!(share(SUMMARY, "found"), Some(100.0));
        assert!(share(SUMMARY, "packets").unwrap() > 99.6);
        assert_eq!(share(SUMMARY, "history"), None);
        assert_eq!(share("found 0/0 = 0.0% (bar 100)", "found"), None);
    }

    #[test]
    fn a_summary_above_the_bars_passes() {
        judge(SUMMARY).unwrap();
    }

    #[test]
    fn a_low_share_a_failed_run_or_a_missing_column_fails() {
        for (from, to) in [
            ("ip_bytes 4000", "ip_bytes 3000"),
            ("runs failed 0", "runs failed 2"),
            ("packets ", "frames "),
        ] {
            assert!(judge(&SUMMARY.replace(from, to)).is_err(), "{to}");
        }
    }
}
