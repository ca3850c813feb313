//! Values as people type them.

use std::{fmt, str::FromStr, time::Duration};

use flowtrack_common::L4Proto;

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
    /// That of the flows to a port.
    Port(L4Proto, u16),
}

/// What is wrong with a timeout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdleTimeoutError {
    /// No `=`.
    #[error("write PROTO=DURATION, for example udp=30s")]
    Form,
    /// No such protocol.
    #[error("'{0}' has no timeout of its own; there are {1}, all, and ports as tcp/22")]
    UnknownClass(String, String),
    /// No such port.
    #[error("'{0}' is no port; write tcp/, udp/ or sctp/ and a number from 0 to 65535")]
    Port(String),
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
        if let Some((protocol, port)) = name.split_once('/') {
            let port = port.parse().ok();
            return l4(protocol)
                .zip(port)
                .map(|(l4, port)| Self::Port(l4, port))
                .ok_or_else(|| IdleTimeoutError::Port(name.to_owned()));
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

impl fmt::Display for TimeoutScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Class(class) => f.write_str(class.name()),
            Self::Port(l4, port) => write!(f, "{l4}/{port}"),
        }
    }
}

/// A protocol that has ports.
fn l4(name: &str) -> Option<L4Proto> {
    [L4Proto::Tcp, L4Proto::Udp, L4Proto::Sctp]
        .into_iter()
        .find(|l4| l4.to_string() == name)
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
            ("tcp/22=1h", TimeoutScope::Port(L4Proto::Tcp, 22), 3600),
            (
                "sctp/65535=9s",
                TimeoutScope::Port(L4Proto::Sctp, 65_535),
                9,
            ),
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
        for text in ["tcp/65536=1s", "tcp/=1s", "icmp/8=1s", "tcp/ssh=1s"] {
            assert!(error(text).contains("from 0 to 65535"), "{text}");
        }
    }

    #[test]
    fn a_duration_of_zero_is_no_active_timeout() {
        assert_eq!(positive_duration("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(positive_duration("0s"), Err(DurationError::Zero));
        assert!(positive_duration("1").is_err(), "a unit is needed");
    }
}
