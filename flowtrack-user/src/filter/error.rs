//! What is wrong with an expression, and where.

use std::{fmt, ops::Range};

/// An expression that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The expression, on one line.
    text: String,
    /// The bytes of it that are wrong; empty where something is missing.
    at: Range<usize>,
    message: String,
}

impl FilterError {
    pub(super) fn new(text: &str, at: Range<usize>, message: String) -> Self {
        let wrong = text.get(at.clone()).unwrap_or_default().trim_end();
        Self {
            // A line break would tear the caret away from what it points at.
            text: text.replace(|c: char| c.is_ascii_control(), " "),
            at: at.start..at.start + wrong.len(),
            message,
        }
    }

    /// The bytes of the expression that are wrong; empty where something is missing.
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }
}

impl std::error::Error for FilterError {}

impl fmt::Display for FilterError {
    /// The message, the expression, and a caret under what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, at, message } = self;
        let chars = |range: Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
        let before = chars(0..at.start);
        let carets = "^".repeat(chars(at.clone()).max(1));
        write!(f, "{message}\n  {text}\n  {:before$}{carets}", "")
    }
}
