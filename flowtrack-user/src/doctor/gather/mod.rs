//! Finding facts out. Nothing is changed, and it takes no privileges: what only root may see is unknown
//! otherwise.

mod files;
mod host;
mod interface;
mod interrupts;
mod programs;

pub(super) use self::{
    host::gather as host,
    interface::{gather as interface, tappable},
};

/// What could not be found out, in words.
#[derive(Debug, Default)]
struct Unknown(Vec<String>);

impl Unknown {
    /// The answer, or `None` and a note.
    fn answer<T, E: std::fmt::Display>(&mut self, what: &str, answer: Result<T, E>) -> Option<T> {
        answer
            .inspect_err(|error| self.0.push(format!("{what}: {error}")))
            .ok()
    }
}
