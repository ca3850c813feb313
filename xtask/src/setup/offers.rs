//! Which of the packages that flowtrack may need apt's lists offer.

use super::{
    plan::{COMPILER_PACKAGES, RUSTC_PACKAGE},
    tools,
};
use crate::exec::Cmd;

/// rustc-web compiles flowtrack's XDP programs from this version on.
const OLDEST_RUSTC: &str = env!("CARGO_PKG_RUST_VERSION");

/// Name and version of what can be installed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Offers(Vec<(String, String)>);

impl Offers {
    /// Asks apt-cache; nothing is offered if it fails.
    pub(super) fn ask() -> Self {
        let policy = Cmd::line("apt-cache policy")
            .args(COMPILER_PACKAGES)
            .args(tools::packages())
            .env("LC_ALL", "C")
            .read();
        policy.map_or_else(|_| Self::default(), |text| Self::parse(&text))
    }

    /// From the output of `apt-cache policy`, which is silent about names that it does not know.
    pub(super) fn parse(policy: &str) -> Self {
        let mut offers = Vec::new();
        let mut package = "";
        for line in policy.lines() {
            if let Some(version) = line.trim().strip_prefix("Candidate: ") {
                if version != "(none)" {
                    offers.push((package.into(), version.into()));
                }
            } else if !line.starts_with(' ') {
                package = line.trim_end_matches(':');
            }
        }
        Self(offers)
    }

    /// Whether the package can be installed, in a version that flowtrack can use.
    pub(super) fn has(&self, package: &str) -> bool {
        let mut candidates = self.0.iter().filter(|(name, _)| name == package);
        candidates.any(|(name, version)| {
            name != RUSTC_PACKAGE || major_minor(version) >= major_minor(OLDEST_RUSTC)
        })
    }
}

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::Offers;

    fn policy(package: &str, version: &str) -> String {
        format!(
            "{package}:\n  Installed: (none)\n  Candidate: {version}\n  Version table:\n     \
             {version} 500\n        500 http://deb.debian.org/debian bookworm/main Packages\n"
        )
    }

    #[test]
    fn a_package_is_offered_when_it_has_a_candidate() {
        let text = policy("m4", "1.4.19-3") + &policy("make", "(none)") + &policy("clang", "1:14");
        let offers = Offers::parse(&text);
        assert!(offers.has("m4") && offers.has("clang"));
        assert!(!offers.has("make") && !offers.has("iproute2"));
        assert_eq!(Offers::parse(""), Offers::default());
    }

    #[test]
    fn a_compiler_that_is_too_old_is_not_offered() {
        let offered = |version| Offers::parse(&policy("rustc-web", version)).has("rustc-web");
        assert!(offered("1.96.0+dfsg1-1~deb12u2"));
        assert!(offered("1.100.0"));
        assert!(!offered("1.85.0+dfsg3-1~deb12u3"));
        assert!(!offered("(none)"));
    }
}
