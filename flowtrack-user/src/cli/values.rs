//! Values as people type them.

use std::{str::FromStr, time::Duration};

use flowtrack_common::L4Proto;

use crate::flow::{PortTimeout, TimeoutClass, Timeouts, TooManyPorts};

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
    #[error("'{0}' has no timeout of its own; there are {1} and all")]
    UnknownClass(String, String),
    /// No port.
    #[error("'{0}' is no port; write for example tcp/22, udp/53 or sctp/2905")]
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

impl IdleTimeout {
    /// Sets it.
    pub(super) fn apply(&self, timeouts: &mut Timeouts) -> Result<(), TooManyPorts> {
        let timeout = self.timeout;
        match self.scope {
            TimeoutScope::All => timeouts.set_all(timeout),
            TimeoutScope::Class(class) => timeouts.set(class, timeout),
            TimeoutScope::Port(l4, port) => timeouts.set_port(PortTimeout { l4, port, timeout })?,
        }
        Ok(())
    }
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
        if let Some((l4, port)) = name.split_once('/') {
            return port_of(l4, port).ok_or_else(|| IdleTimeoutError::Port(name.to_owned()));
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

fn port_of(l4: &str, port: &str) -> Option<TimeoutScope> {
    let l4 = match l4 {
        "tcp" => L4Proto::Tcp,
        "udp" => L4Proto::Udp,
        "sctp" => L4Proto::Sctp,
        _ => return None,
    };
    Some(TimeoutScope::Port(l4, port.parse().ok()?))
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
            ("udp/53=10s", TimeoutScope::Port(L4Proto::Udp, 53), 10),
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
        for text in ["icmp/8=1s", "tcp/65536=1s", "tcp/=1s"] {
            assert!(error(text).contains("tcp/22"), "{text}");
        }
        assert!(error("udp=soon").contains("'soon'"));
    }

    #[test]
    fn a_duration_of_zero_is_no_active_timeout() {
        assert_eq!(positive_duration("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(positive_duration("0s"), Err(DurationError::Zero));
        assert!(positive_duration("1").is_err(), "a unit is needed");
    }
}
