//! Values as people type them.

use std::{str::FromStr, time::Duration};

use crate::flow::TimeoutClass;

/// `PROTO=DURATION`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout {
    /// Whose timeout.
    pub class: TimeoutClass,
    /// How long.
    pub timeout: Duration,
}

/// What is wrong with a timeout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdleTimeoutError {
    /// No `=`.
    #[error("write PROTO=DURATION, for example udp=30s")]
    Form,
    /// No such protocol.
    #[error("'{0}' has no timeout of its own; there are {1}")]
    UnknownClass(String, String),
    /// No duration.
    #[error("'{0}' is no duration; write for example 30s, 5m or 1h30m")]
    Duration(String),
}

impl FromStr for IdleTimeout {
    type Err = IdleTimeoutError;

    fn from_str(text: &str) -> Result<Self, IdleTimeoutError> {
        let (name, duration) = text.split_once('=').ok_or(IdleTimeoutError::Form)?;
        let class = TimeoutClass::ALL
            .into_iter()
            .find(|class| class.name() == name);
        let class = class.ok_or_else(|| {
            let names = TimeoutClass::ALL.map(TimeoutClass::name).join(", ");
            IdleTimeoutError::UnknownClass(name.to_owned(), names)
        })?;
        let timeout = humantime::parse_duration(duration)
            .map_err(|_| IdleTimeoutError::Duration(duration.to_owned()))?;
        Ok(Self { class, timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_names_its_class() {
        let timeout: IdleTimeout = "udp=1m30s".parse().unwrap();
        assert_eq!(timeout.class, TimeoutClass::Udp);
        assert_eq!(timeout.timeout, Duration::from_secs(90));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| text.parse::<IdleTimeout>().unwrap_err().to_string();
        assert!(error("udp").contains("PROTO=DURATION"));
        assert!(error("quic=1s").contains("tcp-opening"));
        assert!(error("udp=soon").contains("'soon'"));
    }
}
