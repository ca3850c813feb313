//! Why a text cannot be read.

use std::ops::Range;

use winnow::{
    error::{EmptyError, ErrMode},
    stream::Location,
};

use super::{Input, token};

/// The furthest place where reading stopped, and what was missing there. Whichever way to read the words
/// came furthest is the one that was meant.
#[derive(Clone, Debug, Default)]
pub(super) struct Failure {
    start: usize,
    problem: Problem,
}

#[derive(Clone, Debug)]
enum Problem {
    /// Nothing of this stood there.
    Expected(Vec<&'static str>),
    /// So many bytes are understood, and make no sense.
    Wrong(usize, String),
}

impl Default for Problem {
    fn default() -> Self {
        Self::Expected(Vec::new())
    }
}

impl Failure {
    /// The bytes of `text` that are wrong.
    pub(super) fn at(&self, text: &str) -> Range<usize> {
        let len = match self.problem {
            Problem::Wrong(len, _) => len,
            Problem::Expected(_) => token::word_len(text.get(self.start..).unwrap_or_default()),
        };
        self.start..self.start + len
    }

    pub(super) fn message(&self) -> String {
        match &self.problem {
            Problem::Wrong(_, message) => message.clone(),
            Problem::Expected(things) => match &things[..] {
                [] => "not understood".to_owned(),
                [thing] => format!("expected {thing}"),
                [things @ .., last] => format!("expected {} or {last}", things.join(", ")),
            },
        }
    }

    fn expected(&mut self, start: usize, thing: &'static str) {
        if start > self.start {
            *self = Self {
                start,
                problem: Problem::default(),
            };
        }
        if let Problem::Expected(things) = &mut self.problem
            && start == self.start
            && !things.contains(&thing)
        {
            things.push(thing);
        }
    }
}

/// `thing` could stand here.
pub(super) fn note(input: &mut Input<'_>, thing: &'static str) {
    let start = input.current_token_start();
    input.state.failure.expected(start, thing);
}

/// `thing` does not stand here; the words may be read in another way.
pub(super) fn expected(input: &mut Input<'_>, thing: &'static str) -> ErrMode<EmptyError> {
    note(input, thing);
    ErrMode::Backtrack(EmptyError)
}

/// What stands in the next `len` bytes makes no sense, however it is read.
pub(super) fn complain(
    input: &mut Input<'_>,
    len: usize,
    message: impl Into<String>,
) -> ErrMode<EmptyError> {
    let start = input.current_token_start();
    complain_at(input, start..start + len, message)
}

/// The same for what stands somewhere else.
pub(super) fn complain_at(
    input: &mut Input<'_>,
    at: Range<usize>,
    message: impl Into<String>,
) -> ErrMode<EmptyError> {
    input.state.failure = Failure {
        start: at.start,
        problem: Problem::Wrong(at.len(), message.into()),
    };
    ErrMode::Cut(EmptyError)
}
