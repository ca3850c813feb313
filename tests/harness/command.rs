//! Programs that must succeed, and the one under test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// Runs a program to its end and returns what it printed; an error names the program, its
/// arguments and what it complained about.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}; is it installed?"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed ({}): {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The binary under test: the one that `FLOWTRACK` names, else the one beside that which tests it.
pub fn flowtrack() -> Result<PathBuf> {
    let path = if let Some(path) = env::var_os("FLOWTRACK") {
        path.into()
    } else {
        let tests = env::current_exe()?;
        let target = tests.parent().and_then(Path::parent);
        target.context("no target folder")?.join("flowtrack")
    };
    ensure!(
        path.exists(),
        "{} is not there: build it, or run cargo xtask test",
        path.display()
    );
    Ok(path)
}
