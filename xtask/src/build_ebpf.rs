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
    let (path, bytes, sections) = build("build")?;
    println!("{}: {bytes} bytes", path.display());
    for Section { name, bytes } in sections {
        println!("  {name}: {} instructions", bytes / INSTRUCTION_BYTES);
    }
    if options.disasm {
        disassemble(&path)?;
    }
    Ok(())
}

/// The path of the eBPF object, made without the rest of flowtrack.
pub(crate) fn object() -> Result<PathBuf> {
    build("check").map(|(path, ..)| path)
}

/// Has flowtrack's build script compile the programs.
fn build(verb: &str) -> Result<(PathBuf, usize, Vec<Section>)> {
    let built = cargo::build(&format!("{verb} -p flowtrack --lib"))?;
    find(&built)
        .context("no eBPF object in the output of a build script: see flowtrack-user/build.rs")
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
