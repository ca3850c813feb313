//! What synthetic traffic is like, as people type it.

use std::{fmt, str::FromStr};

/// Most flows that can be asked for: what a table holds at most.
const MAX_FLOWS: usize = 1 << 28;
/// New connections for each packet: each takes six packets, with the end of an old one.
const MAX_NEW_TCP: f64 = 0.16;

/// What synthetic traffic is like: `flows=1M,dist=uniform,size=64,proto=tcp,new=0%`, each part optional.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Synthetic {
    /// Flows that are alive at a time.
    pub flows: usize,
    /// Which flow a packet belongs to.
    pub dist: Dist,
    /// How long frames are.
    pub size: Size,
    /// Which protocols.
    pub proto: Proto,
    /// Share of the packets that are the first of a flow.
    pub new: f64,
    /// What the random numbers start with.
    pub seed: u64,
}

/// Which flow a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dist {
    /// Each one with the same probability.
    Uniform,
    /// The n-th one with a probability of 1/n of that of the first.
    Zipf,
}

/// How long frames are, with the four bytes of their check sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 64 bytes.
    Small,
    /// 7 frames of 64 bytes, 4 of 594 and 1 of 1518, in random order.
    Imix,
}

/// Which protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proto {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// Every other flow is TCP, the others UDP.
    Mix,
}

/// What is wrong with a description of traffic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No such part.
    #[error("'{0}' is no part; there are flows=N, dist=, size=, proto= and new=P%")]
    Part(String),
    /// No such value.
    #[error("'{value}' is no {part}; write {expected}")]
    Value {
        /// The part.
        part: &'static str,
        /// What it cannot be.
        value: String,
        /// What it can be.
        expected: &'static str,
    },
    /// More new flows than packets to open and close them.
    #[error(
        "with TCP, new= is at most 16%: a new connection and the end of an old one take six packets"
    )]
    TooManyNew,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            flows: 1_000_000,
            dist: Dist::Uniform,
            size: Size::Small,
            proto: Proto::Tcp,
            new: 0.0,
            seed: 1,
        }
    }
}

impl fmt::Display for Synthetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dist = match self.dist {
            Dist::Uniform => "uniform",
            Dist::Zipf => "zipf",
        };
        let size = match self.size {
            Size::Small => "64",
            Size::Imix => "imix",
        };
        let proto = match self.proto {
            Proto::Udp => "udp",
            Proto::Tcp => "tcp",
            Proto::Mix => "mix",
        };
        let (flows, new) = (self.flows, self.new * 100.0);
        write!(
            f,
            "flows={flows},dist={dist},size={size},proto={proto},new={new}%"
        )
    }
}

impl FromStr for Synthetic {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut spec = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(SpecError::Part(part.to_owned()));
            };
            spec.set(name, value)?;
        }
        if spec.proto != Proto::Udp && spec.new > MAX_NEW_TCP {
            return Err(SpecError::TooManyNew);
        }
        Ok(spec)
    }
}

impl Synthetic {
    fn set(&mut self, name: &str, value: &str) -> Result<(), SpecError> {
        let wrong = |part, expected| SpecError::Value {
            part,
            value: value.to_owned(),
            expected,
        };
        match name {
            "flows" => {
                let flows = count(value)
                    .ok()
                    .and_then(|flows| usize::try_from(flows).ok());
                let flows = flows.filter(|flows| (1..=MAX_FLOWS).contains(flows));
                self.flows =
                    flows.ok_or_else(|| wrong("flows", "a number up to 268M, as 64K or 1M"))?;
            }
            "dist" => {
                self.dist = match value {
                    "uniform" => Dist::Uniform,
                    "zipf" => Dist::Zipf,
                    _ => return Err(wrong("dist", "uniform or zipf")),
                }
            }
            "size" => {
                self.size = match value {
                    "64" => Size::Small,
                    "imix" => Size::Imix,
                    _ => return Err(wrong("size", "64 or imix")),
                }
            }
            "proto" => {
                self.proto = match value {
                    "udp" => Proto::Udp,
                    "tcp" => Proto::Tcp,
                    "mix" => Proto::Mix,
                    _ => return Err(wrong("proto", "udp, tcp or mix")),
                }
            }
            "new" => {
                let percent: Option<f64> = value.strip_suffix('%').and_then(|p| p.parse().ok());
                let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
                self.new = percent.ok_or_else(|| wrong("new", "a percentage, as 1%"))? / 100.0;
            }
            _ => return Err(SpecError::Part(format!("{name}={value}"))),
        }
        Ok(())
    }
}

/// A number, perhaps in thousands (`64K`) or millions (`1M`).
pub fn count(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match text.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 1_000_000),
            None => (text, 1),
        },
    };
    let number: Option<u64> = digits.parse().ok();
    let number = number.and_then(|number| number.checked_mul(factor));
    let number = number.filter(|&number| number > 0);
    number.ok_or_else(|| "write a number above 0, for example 64K or 1M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_may_be_left_out() {
        assert_eq!("".parse(), Ok(Synthetic::default()));
        let zipf = "dist=zipf,flows=64K".parse::<Synthetic>().unwrap();
        assert_eq!(
            (zipf.dist, zipf.flows, zipf.proto),
            (Dist::Zipf, 64_000, Proto::Tcp)
        );
        let all = "flows=10,dist=uniform,size=imix,proto=mix,new=0.5%"
            .parse::<Synthetic>()
            .unwrap();
        assert_eq!(
            (all.flows, all.size, all.proto, all.new),
            (10, Size::Imix, Proto::Mix, 0.005)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("flows", "'flows' is no part"),
            ("rate=3", "'rate=3' is no part"),
            ("flows=0", "'0' is no flows"),
            ("flows=1G", "64K or 1M"),
            ("flows=300M", "up to 268M"),
            ("dist=normal", "uniform or zipf"),
            ("size=128", "64 or imix"),
            ("proto=sctp", "udp, tcp or mix"),
            ("new=0.1", "a percentage"),
            ("new=101%", "a percentage"),
            ("new=17%", "six packets"),
        ] {
            let error = text.parse::<Synthetic>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!("new=100%,proto=udp".parse::<Synthetic>().is_ok());
    }

    #[test]
    fn a_number_may_be_in_thousands_or_millions() {
        for (text, number) in [
            ("1", 1),
            ("64k", 64_000),
            ("64K", 64_000),
            ("2M", 2_000_000),
        ] {
            assert_eq!(count(text), Ok(number));
        }
        for text in ["", "0", "K", "-1", "1.5M", "18446744073709551615K"] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}
