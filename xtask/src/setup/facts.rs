//! What there is on this machine, as far as the plan depends on it.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    ebpf::Compiler,
    offers::Offers,
    plan::RUSTC_PACKAGE,
    program,
    tools::{self, Tool},
};
use crate::privilege;

const LISTS: &str = "/var/lib/apt/lists";
/// Older package lists name versions that the mirrors may have dropped.
const LISTS_AGE: Duration = Duration::from_hours(24);

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
    pub(crate) lists: Lists,
    /// Each package of flowtrack's that the lists offer, with its version.
    pub(crate) offers: Offers,
    /// What to put before a command to run it as root; `None` if nothing can.
    pub(crate) runner: Option<Vec<String>>,
}

/// How far apt's package lists can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lists {
    /// None, or more than a day old.
    Old,
    /// Of today; what they lack may be in a source that was added since.
    Today,
    /// Just renewed; what they lack cannot be installed.
    Renewed,
}

impl Facts {
    /// Looks around; starts at most a rustc and an apt-cache.
    pub(crate) fn gather() -> Self {
        Self::with(if fresh_lists().unwrap_or(false) {
            Lists::Today
        } else {
            Lists::Old
        })
    }

    /// Looks around again after an `apt-get update`.
    pub(crate) fn gather_renewed() -> Self {
        Self::with(Lists::Renewed)
    }

    fn with(lists: Lists) -> Self {
        let mut facts = Self {
            missing: tools::missing(),
            compiler: Compiler::find(),
            bpf_linker: program("bpf-linker").is_some(),
            cargo_binstall: program("cargo-binstall").is_some(),
            llvm: Path::new(super::plan::LLVM_PREFIX)
                .join("include/llvm-c")
                .is_dir(),
            apt: None,
        };
        // Asking apt takes a while, so not when nothing is to be installed.
        if !facts.is_complete() {
            facts.apt = program("apt-get").map(|_| Apt::gather(lists));
        }
        if facts.compiler == Compiler::Absent && facts.apt.as_ref().is_some_and(Apt::may_have_rustc)
        {
            facts.compiler = Compiler::Installable;
        }
        facts
    }

    fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.compiler != Compiler::Absent && self.bpf_linker
    }
}

impl Apt {
    fn gather(lists: Lists) -> Self {
        let runner = if privilege::is_root() {
            Some(Vec::new())
        } else {
            program("sudo").map(|_| vec!["sudo".into()])
        };
        Self {
            lists,
            offers: Offers::ask(),
            runner,
        }
    }

    /// Whether a recent enough rustc-web is there, or may be after an update of the lists.
    fn may_have_rustc(&self) -> bool {
        self.lists != Lists::Renewed || self.offers.has(RUSTC_PACKAGE)
    }

    /// Whether the lists must be renewed before these packages are installed.
    pub(crate) fn must_update(&self, packages: &BTreeSet<&str>) -> bool {
        match self.lists {
            Lists::Old => true,
            Lists::Today => !packages.iter().all(|name| self.offers.has(name)),
            Lists::Renewed => false,
        }
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

#[cfg(test)]
mod tests {
    use super::{Apt, Lists};
    use crate::setup::offers::Offers;

    #[test]
    fn a_compiler_is_given_up_only_when_renewed_lists_lack_it() {
        let may_have = |lists, policy| {
            let offers = Offers::parse(policy);
            let runner = None;
            Apt {
                lists,
                offers,
                runner,
            }
            .may_have_rustc()
        };
        let offered = "rustc-web:\n  Candidate: 1.96.0\n";
        assert!(may_have(Lists::Renewed, offered));
        assert!(!may_have(Lists::Renewed, ""));
        assert!(may_have(Lists::Today, ""));
        assert!(may_have(Lists::Old, ""));
    }
}
