//! What there is on this machine, as far as the plan depends on it.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    ebpf::Compiler,
    program,
    tools::{self, Tool},
};
use crate::{exec::Cmd, privilege};

const LISTS: &str = "/var/lib/apt/lists";
/// Older package lists name versions that the mirrors may have dropped.
const LISTS_AGE: Duration = Duration::from_hours(24);
/// rustc-web compiles flowtrack's XDP programs from this version on.
const OLDEST_RUSTC: &str = env!("CARGO_PKG_RUST_VERSION");

/// What the plan is made from.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) missing: Vec<&'static Tool>,
    pub(crate) compiler: Compiler,
    pub(crate) bpf_linker: bool,
    pub(crate) cargo_binstall: bool,
    /// Whether the LLVM that bpf-linker is built with is here, with its headers.
    pub(crate) llvm: bool,
    pub(crate) apt: Option<Apt>,
}

/// Debian's package manager.
#[derive(Debug)]
pub(crate) struct Apt {
    pub(crate) fresh_lists: bool,
    /// What to put before a command to run it as root; `None` if nothing can.
    pub(crate) runner: Option<Vec<String>>,
}

impl Facts {
    /// Looks around; starts at most a rustc and an apt-cache.
    pub(crate) fn gather() -> Self {
        let apt = program("apt-get").map(|_| Apt::gather());
        let installable = || apt.as_ref().is_some_and(Apt::has_rustc);
        Self {
            missing: tools::missing(),
            compiler: Compiler::find(installable),
            bpf_linker: program("bpf-linker").is_some(),
            cargo_binstall: program("cargo-binstall").is_some(),
            llvm: Path::new(super::plan::LLVM_PREFIX)
                .join("include/llvm-c")
                .is_dir(),
            apt,
        }
    }
}

impl Apt {
    fn gather() -> Self {
        let runner = if privilege::is_root() {
            Some(Vec::new())
        } else {
            program("sudo").map(|_| vec!["sudo".into()])
        };
        Self {
            fresh_lists: fresh_lists().unwrap_or(false),
            runner,
        }
    }

    /// Whether rustc-web can be installed; old lists get the benefit of the doubt.
    fn has_rustc(&self) -> bool {
        let policy = Cmd::line("apt-cache policy rustc-web")
            .env("LC_ALL", "C")
            .read();
        !self.fresh_lists || policy.is_ok_and(|text| new_enough(&text, OLDEST_RUSTC))
    }
}

/// Whether the lists are there and of today. apt touches `partial` at each update.
fn fresh_lists() -> Option<bool> {
    let mut entries = fs::read_dir(LISTS).ok()?.flatten();
    let listed = entries.any(|entry| entry.file_name().to_string_lossy().contains("_Packages"));
    let updated = [LISTS.into(), format!("{LISTS}/partial")]
        .iter()
        .filter_map(|folder| fs::metadata(folder).and_then(|meta| meta.modified()).ok())
        .max()?;
    let age = SystemTime::now()
        .duration_since(updated)
        .unwrap_or_default();
    Some(listed && age < LISTS_AGE)
}

/// Whether the candidate in the output of `apt-cache policy` is at least `oldest` (major.minor).
fn new_enough(policy: &str, oldest: &str) -> bool {
    let candidate = policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "));
    candidate.and_then(version) >= version(oldest)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::new_enough;

    #[test]
    fn a_candidate_is_compared_by_number() {
        let policy = |version| format!("rustc-web:\n  Installed: (none)\n  Candidate: {version}\n");
        assert!(new_enough(&policy("1.96.0+dfsg1-1~deb12u2"), "1.95"));
        assert!(new_enough(&policy("1.100.0"), "1.95"));
        assert!(!new_enough(&policy("1.85.0+dfsg3-1~deb12u3"), "1.95"));
        assert!(!new_enough(&policy("(none)"), "1.95"));
        assert!(!new_enough("", "1.95"));
    }
}
