//! The tests of the flow table, the one place with raw memory, under AddressSanitizer.
//!
//! The table is built by itself, so that nothing else is built again with the sanitizer.

use std::{env, fs};

use anyhow::{Context as _, Result};

use crate::{
    exec::{Cmd, word},
    repository,
};

/// Part of the name of the sanitizer's library, which comes with the compiler where there is one.
const RUNTIME: &str = "rt.asan";

/// Whether the compiler has the sanitizer for this machine.
pub(crate) fn is_available() -> Result<bool> {
    let folder = Cmd::line("rustc --print target-libdir").read()?;
    let folder = folder.trim();
    let files = fs::read_dir(folder).with_context(|| format!("cannot read {folder}"))?;
    Ok(files
        .flatten()
        .any(|file| file.file_name().to_string_lossy().contains(RUNTIME)))
}

/// Builds the tests and runs them.
pub(crate) fn check() -> Result<()> {
    let manifest = word(&repository().join("xtask/table/Cargo.toml"))?;
    // This program is in TARGET/PROFILE. With a target that is named, only the table and what it uses are
    // built with the sanitizer, in a folder of their own.
    let this = env::current_exe().context("cannot find the target folder")?;
    let target_folder = this.ancestors().nth(2).context("no target folder")?;
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    Cmd::line("cargo test --locked --manifest-path")
        .args([manifest, "--target-dir".into(), word(target_folder)?])
        .args(["--target".into(), target])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .run()
}
