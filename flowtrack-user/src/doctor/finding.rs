//! What the doctor says about one thing.

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Good to know; nothing to do, or it could not be found out.
    Note,
    /// Capture works, but packets may be lost, changed or slow.
    Warning,
    /// Capture does not work.
    Problem,
}

impl Severity {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was looked at, in a word or two.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// Why it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// A command that changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Ok, subject, found)
    }

    pub(super) fn note(subject: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Note, subject, found)
    }

    pub(super) fn warning(subject: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Warning, subject, found)
    }

    pub(super) fn problem(subject: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Problem, subject, found)
    }

    fn new(severity: Severity, subject: &'static str, found: impl Into<String>) -> Self {
        Self {
            severity,
            subject,
            found: found.into(),
            why: None,
            fix: None,
        }
    }

    pub(super) fn why(self, why: impl Into<String>) -> Self {
        Self {
            why: Some(why.into()),
            ..self
        }
    }

    pub(super) fn fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }

    pub(super) fn fix_if(self, fix: Option<String>) -> Self {
        Self { fix, ..self }
    }
}
