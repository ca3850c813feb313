//! From what is missing to the commands that bring it.

use std::{collections::BTreeSet, fmt};

use super::{
    ebpf::Compiler,
    facts::{Apt, Facts},
};
use crate::exec::Cmd;

/// Where Debian keeps the LLVM of its rustc-web, which bpf-linker must be built with.
pub(crate) const LLVM_PREFIX: &str = "/usr/lib/llvm-22";
const LLVM_PACKAGE: &str = "llvm-22-dev";
pub(super) const RUSTC_PACKAGE: &str = "rustc-web";
const CORE_PACKAGE: &str = "libstd-rust-web-dev-bpf";
/// What apt is asked for besides the tools.
pub(super) const COMPILER_PACKAGES: [&str; 3] = [RUSTC_PACKAGE, CORE_PACKAGE, LLVM_PACKAGE];
const BPF_LINKER: &str = "cargo install bpf-linker --version 0.13.0 --locked \
                          --no-default-features --features llvm-22";

/// What is missing and how to get it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What compiles the XDP programs.
    compiler: String,
    /// One line an item: what it is and why it is needed.
    missing: Vec<String>,
    /// Renews apt's lists before `commands`.
    pub(crate) update: Option<Cmd>,
    /// Install what is missing.
    pub(crate) commands: Vec<Cmd>,
    /// What the user has to do instead.
    pub(crate) advice: Vec<String>,
}

impl Plan {
    pub(crate) fn new(facts: &Facts) -> Self {
        let mut plan = Self {
            compiler: facts.compiler.to_string(),
            ..Self::default()
        };
        let mut packages = BTreeSet::new();
        for tool in &facts.missing {
            plan.missing.push(format!("{}: {}", tool.name, tool.why));
            packages.insert(tool.package);
        }
        let mut linker = Vec::new();
        plan.add_compiler(facts, &mut packages);
        plan.add_linker(facts, &mut packages, &mut linker);
        plan.add_packages(facts.apt.as_ref(), packages);
        plan.commands.extend(linker);
        plan
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    fn add_compiler(&mut self, facts: &Facts, packages: &mut BTreeSet<&str>) {
        match facts.compiler {
            Compiler::Named(_) | Compiler::Nightly | Compiler::Debian => return,
            Compiler::Installable => packages.extend([RUSTC_PACKAGE, CORE_PACKAGE]),
            Compiler::Absent => self.advice.push(
                "a compiler for eBPF: `rustup toolchain install nightly --component rust-src`, or \
                 name a rustc that has core for bpfel-unknown-none in $FLOWTRACK_EBPF_RUSTC"
                    .into(),
            ),
        }
        let item = "rustc with a core library for BPF: compiles the XDP programs";
        self.missing.push(item.into());
    }

    fn add_linker(
        &mut self,
        facts: &Facts,
        packages: &mut BTreeSet<&str>,
        commands: &mut Vec<Cmd>,
    ) {
        if facts.bpf_linker {
            return;
        }
        self.missing
            .push("bpf-linker: links the XDP programs".into());
        match facts.compiler {
            Compiler::Debian | Compiler::Installable => {
                if !facts.llvm {
                    packages.insert(LLVM_PACKAGE);
                }
                let cmd = Cmd::line(BPF_LINKER).env("LLVM_PREFIX", LLVM_PREFIX);
                commands.push(cmd.env("LLVM_SYS_221_PREFIX", LLVM_PREFIX));
            }
            // A release has its LLVM inside, at least as new as that of nightly.
            Compiler::Named(_) | Compiler::Nightly => {
                if !facts.cargo_binstall {
                    commands.push(Cmd::line("cargo install cargo-binstall --locked"));
                }
                commands.push(Cmd::line("cargo binstall --no-confirm bpf-linker"));
            }
            Compiler::Absent => self.advice.push(
                "bpf-linker: `cargo xtask setup` installs it once there is a compiler".into(),
            ),
        }
    }

    fn add_packages(&mut self, apt: Option<&Apt>, packages: BTreeSet<&str>) {
        if packages.is_empty() {
            return;
        }
        let Some(apt) = apt else {
            let names: Vec<_> = packages.into_iter().collect();
            self.advice.push(format!(
                "install with this system's package manager what Debian calls {}",
                names.join(", ")
            ));
            return;
        };
        let must_update = apt.must_update(&packages);
        let install = Cmd::line("apt-get install -y --no-install-recommends --no-remove")
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive");
        let Some(runner) = &apt.runner else {
            let advice = format!("there is no sudo: as root, run `apt-get update` and `{install}`");
            self.advice.push(advice);
            return;
        };
        if must_update {
            self.update = Some(Cmd::line("apt-get update").through(runner));
        }
        self.commands.push(install.through(runner));
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            return writeln!(f, "set-up is complete; XDP programs: {}", self.compiler);
        }
        writeln!(f, "XDP programs are compiled by {}", self.compiler)?;
        let sections = [
            ("missing:", &self.missing),
            ("to be done by you:", &self.advice),
        ];
        for (title, lines) in sections.iter().filter(|(_, lines)| !lines.is_empty()) {
            writeln!(f, "{title}\n  {}", lines.join("\n  "))?;
        }
        let mut commands = self.update.iter().chain(&self.commands).peekable();
        if commands.peek().is_some() {
            writeln!(f, "to be run:")?;
        }
        commands.try_for_each(|command| writeln!(f, "  {command}"))
    }
}

#[cfg(test)]
mod tests;
