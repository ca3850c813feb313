//! Values as people type them.

use std::{str::FromStr, time::Duration};

use crate::flow::TimeoutClass;

/// `PROTO=DURATION`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout {
    /// Whose timeout.
    pub scope: TimeoutScope,
    /// How long.
    pub timeout: Duration,
}

/// Whose timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutScope {
    /// That of all flows.
    All,
    /// That of a class.
    Class(TimeoutClass),
}

/// What is wrong with a timeout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdleTimeoutError {
    /// No `=`.
    #[error("write PROTO=DURATION, for example udp=30s")]
    Form,
    /// No such protocol.
    #[error("'{0}' has no timeout of its own; there are {1} and all")]
    UnknownClass(String, String),
    /// No duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
}

/// What is wrong with a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It cannot be read.
    #[error("'{0}' is no duration; write for example 30s, 5m or 1h30m")]
    Form(String),
    /// It is 0.
    #[error("0 is too short; write for example 30s, 5m or 1h30m")]
    Zero,
}

impl FromStr for IdleTimeout {
    type Err = IdleTimeoutError;

    fn from_str(text: &str) -> Result<Self, IdleTimeoutError> {
        let (name, timeout) = text.split_once('=').ok_or(IdleTimeoutError::Form)?;
        Ok(Self {
            scope: name.parse()?,
            timeout: duration(timeout)?,
        })
    }
}

impl FromStr for TimeoutScope {
    type Err = IdleTimeoutError;

    fn from_str(name: &str) -> Result<Self, IdleTimeoutError> {
        if name == "all" {
            return Ok(Self::All);
        }
        let class = TimeoutClass::ALL
            .into_iter()
            .find(|class| class.name() == name);
        class.map(Self::Class).ok_or_else(|| {
            let names = TimeoutClass::ALL.map(TimeoutClass::name).join(", ");
            IdleTimeoutError::UnknownClass(name.to_owned(), names)
        })
    }
}

/// A duration longer than 0.
pub(super) fn positive_duration(text: &str) -> Result<Duration, DurationError> {
    match duration(text)? {
        Duration::ZERO => Err(DurationError::Zero),
        duration => Ok(duration),
    }
}

fn duration(text: &str) -> Result<Duration, DurationError> {
    humantime::parse_duration(text).map_err(|_| DurationError::Form(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_names_whose_it_is() {
        for (text, scope, secs) in [
            ("udp=1m30s", TimeoutScope::Class(TimeoutClass::Udp), 90),
            (
                "tcp-linger=0s",
                TimeoutScope::Class(TimeoutClass::TcpLinger),
                0,
            ),
            ("all=10s", TimeoutScope::All, 10),
        ] {
            let timeout = Duration::from_secs(secs);
            assert_eq!(text.parse(), Ok(IdleTimeout { scope, timeout }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| text.parse::<IdleTimeout>().unwrap_err().to_string();
        assert!(error("udp").contains("PROTO=DURATION"));
        assert!(error("quic=1s").contains("tcp-opening"));
        assert!(error("udp=soon").contains("'soon'"));
    }

    #[test]
    fn a_duration_of_zero_is_no_active_timeout() {
        assert_eq!(positive_duration("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(positive_duration("0s"), Err(DurationError::Zero));
        assert!(positive_duration("1").is_err(), "a unit is needed");
    }
}
