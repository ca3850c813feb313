//! What stands in the way of a capture that can be trusted: `flowtrack doctor`.
//!
//! [`examine`] finds facts out, changes nothing, and makes findings of them.
#![forbid(unsafe_code)]

mod checks;
mod facts;
mod finding;
mod gather;
mod text;

use std::io;

use serde::Serialize;

pub use self::finding::{Finding, Severity};

/// What was found out about the host and its interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Of the host.
    pub host: Vec<Finding>,
    /// Of each interface.
    pub interfaces: Vec<Examined>,
    /// Whether capture will work: there is no problem with the host, nor with the interfaces that were named.
    /// If none were, one without a problem is enough.
    pub can_capture: bool,
}

/// Findings of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// The interface.
    pub interface: String,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// An interface could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// There is none of that name.
    #[error("there is no interface {0}; `ip link` lists those that there are")]
    UnknownInterface(String),
    /// The kernel does not answer.
    #[error("cannot find out about {interface}")]
    Kernel {
        /// The interface.
        interface: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
}

/// Examines the host and these interfaces; without any, all that could be tapped.
pub fn examine(interfaces: &[String]) -> Result<Report, DoctorError> {
    let host = gather::host();
    let names = if interfaces.is_empty() {
        gather::tappable()
    } else {
        interfaces.to_vec()
    };
    let examine = |interface: String| {
        let facts = gather::interface(&interface).map_err(|source| DoctorError::Kernel {
            interface: interface.clone(),
            source,
        })?;
        let facts = facts.ok_or_else(|| DoctorError::UnknownInterface(interface.clone()))?;
        let findings = checks::interface(&facts, &host);
        Ok(Examined {
            interface,
            findings,
        })
    };
    let examined = names.into_iter().map(examine).collect::<Result<_, _>>()?;
    Ok(Report::new(
        checks::host(&host),
        examined,
        interfaces.is_empty(),
    ))
}

impl Report {
    /// `any` interface that can be captured on is enough if none was named; else it takes all of them.
    fn new(host: Vec<Finding>, interfaces: Vec<Examined>, any: bool) -> Self {
        let works = |findings: &[Finding]| {
            findings
                .iter()
                .all(|finding| finding.severity < Severity::Problem)
        };
        let mut usable = interfaces.iter().map(|examined| works(&examined.findings));
        let can_capture = works(&host)
            && if any {
                usable.any(|usable| usable)
            } else {
                usable.all(|usable| usable)
            };
        Self {
            host,
            interfaces,
            can_capture,
        }
    }

    /// All findings, those of the host first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let interfaces = self
            .interfaces
            .iter()
            .flat_map(|examined| &examined.findings);
        self.host.iter().chain(interfaces)
    }

    /// As JSON, over several lines.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

#[cfg(test)]
mod tests;
