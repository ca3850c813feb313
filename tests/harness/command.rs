//! Programs that must succeed.

use std::process::Command;

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
