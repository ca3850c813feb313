//! What compiles the XDP programs. The rule is that of flowtrack-user/build.rs.

use std::{env, fmt, path::Path};

use super::program;
use crate::exec::Cmd;

/// Names a rustc that comes with `core` for BPF.
const RUSTC_VARIABLE: &str = "FLOWTRACK_EBPF_RUSTC";
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
const SYSTEM_CORE: &str = "/usr/lib/rustlib/bpfel-unknown-none";

/// A compiler for the XDP programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// The one that the environment names.
    Named(String),
    /// rustup's nightly, which builds `core` from source.
    Nightly,
    /// Debian's rustc-web with its prebuilt `core` for BPF.
    Debian,
    /// None yet; apt has Debian's.
    Installable,
    /// None, and no way to install one from here.
    Absent,
}

/// What the choice depends on.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) named: Option<String>,
    pub(crate) nightly_with_source: bool,
    pub(crate) debian: bool,
}

impl Compiler {
    /// The compiler that is there; `Absent` if none is.
    pub(crate) fn find() -> Self {
        Self::choose(&Candidates {
            named: env::var(RUSTC_VARIABLE).ok(),
            nightly_with_source: nightly_with_source(),
            debian: Path::new(SYSTEM_RUSTC).is_file() && Path::new(SYSTEM_CORE).is_dir(),
        })
    }

    /// The first that there is, in the order of the variants.
    pub(crate) fn choose(candidates: &Candidates) -> Self {
        if let Some(rustc) = &candidates.named {
            Self::Named(rustc.clone())
        } else if candidates.nightly_with_source {
            Self::Nightly
        } else if candidates.debian {
            Self::Debian
        } else {
            Self::Absent
        }
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(rustc) => write!(f, "{rustc}, named by ${RUSTC_VARIABLE}"),
            Self::Nightly => f.write_str("rustup's nightly with rust-src"),
            Self::Debian => write!(f, "Debian's rustc-web ({SYSTEM_RUSTC})"),
            Self::Installable => f.write_str("Debian's rustc-web, to be installed"),
            Self::Absent => f.write_str("nothing that is here"),
        }
    }
}

fn nightly_with_source() -> bool {
    if program("rustup").is_none() {
        return false;
    }
    let query = Cmd::line("rustup run nightly rustc --print sysroot");
    let output = query.command().output();
    output.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout);
        let library = Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust/library");
        output.status.success() && library.is_dir()
    })
}

#[cfg(test)]
mod tests {
    use super::{Candidates, Compiler};

    #[test]
    fn a_named_compiler_comes_first_then_nightly_then_debian() {
        let mut candidates = Candidates {
            named: Some("/opt/rustc".into()),
            nightly_with_source: true,
            debian: true,
        };
        let named = Compiler::Named("/opt/rustc".into());
        assert_eq!(Compiler::choose(&candidates), named);
        candidates.named = None;
        assert_eq!(Compiler::choose(&candidates), Compiler::Nightly);
        candidates.nightly_with_source = false;
        assert_eq!(Compiler::choose(&candidates), Compiler::Debian);
        candidates.debian = false;
        assert_eq!(Compiler::choose(&candidates), Compiler::Absent);
    }
}
