//! `FORMAT:TARGET` as typed on the command line.

use std::{fmt, str::FromStr};

use super::{Output, Target, events::EventsOutput, json::JsonOutput, zeek::ZeekOutput};

/// An output as the user names it: `json:PATH`, `events:PATH` or `zeek:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSpec {
    /// What is written.
    pub format: OutputFormat,
    /// Where to.
    pub target: Target,
}

/// What an output writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// One JSON object a record.
    Json,
    /// One JSON object an event.
    Events,
    /// Zeek's conn.log.
    Zeek,
}

/// What is wrong with an output as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputSpecError {
    /// No such format.
    #[error("'{0}' is no output format; there are json:PATH, events:PATH and zeek:PATH")]
    UnknownFormat(String),
    /// No path.
    #[error("'{0}' does not say where to; write {0}:PATH, or {0}:- for standard output")]
    NoTarget(String),
}

impl FromStr for OutputSpec {
    type Err = OutputSpecError;

    fn from_str(text: &str) -> Result<Self, OutputSpecError> {
        let (format, target) = text.split_once(':').unwrap_or((text, ""));
        let format = match format {
            "json" => OutputFormat::Json,
            "events" => OutputFormat::Events,
            "zeek" => OutputFormat::Zeek,
            _ => return Err(OutputSpecError::UnknownFormat(format.to_owned())),
        };
        if target.is_empty() {
            return Err(OutputSpecError::NoTarget(format.to_string()));
        }
        Ok(Self {
            format,
            target: Target::from(target),
        })
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Json => "json",
            Self::Events => "events",
            Self::Zeek => "zeek",
        })
    }
}

impl fmt::Display for OutputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.format, self.target)
    }
}

impl OutputFormat {
    /// What writes it.
    pub(super) fn output(self) -> Box<dyn Output> {
        match self {
            Self::Json => Box::new(JsonOutput),
            Self::Events => Box::new(EventsOutput),
            Self::Zeek => Box::new(ZeekOutput),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_as_typed_and_named_alike() {
        for text in ["json:-", "events:/tmp/e.json", "zeek:conn.log", "json:a:b"] {
            assert_eq!(text.parse::<OutputSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| text.parse::<OutputSpec>().unwrap_err().to_string();
        assert!(error("xml:-").contains("'xml'"));
        assert!(error("json").contains("json:PATH"));
        assert!(error("zeek:").contains("zeek:PATH"));
    }
}
