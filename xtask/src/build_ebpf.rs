//! `cargo xtask build-ebpf`: the XDP programs, and what the compiler made of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    cargo::{self, Messages},
    elf::{self, Section},
    exec::{Cmd, word},
    setup,
};

const INSTRUCTION_BYTES: u64 = 8;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Show the instructions too, with the source lines they come from; takes llvm-objdump.
    #[arg(long)]
    disasm: bool,
    #[command(flatten)]
    consent: setup::Consent,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ready(&options.consent)?;
    // flowtrack's build script compiles the programs.
    let built = cargo::build("build -p flowtrack --lib")?;
    let (path, bytes, sections) = find(&built)
        .context("no eBPF object in the output of a build script: see flowtrack-user/build.rs")?;
    println!("{}: {bytes} bytes", path.display());
    for Section { name, bytes } in sections {
        println!("  {name}: {} instructions", bytes / INSTRUCTION_BYTES);
    }
    if options.disasm {
        disassemble(&path)?;
    }
    Ok(())
}

/// The eBPF object among the files that build scripts made: path, size and program sections.
fn find(built: &Messages) -> Option<(PathBuf, usize, Vec<Section>)> {
    let folders = built
        .out_dirs()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let mut files = folders.flatten().flatten().map(|entry| entry.path());
    files.find_map(|path| {
        let object = fs::read(&path).ok()?;
        let sections = elf::programs(&object)?;
        Some((path, object.len(), sections))
    })
}

fn disassemble(object: &Path) -> Result<()> {
    let names = ["llvm-objdump", "llvm-objdump-22"];
    let program = names.into_iter().find_map(setup::program);
    let program = program.context("llvm-objdump is not on PATH: install llvm")?;
    Cmd::new([word(&program)?])
        .args(["--disassemble", "--source", "--no-show-raw-insn"])
        .args([word(object)?])
        .run()
}
