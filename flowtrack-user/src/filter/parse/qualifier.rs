//! What stands in front of a value and says what it is the value of.

use winnow::{Parser, combinator::opt};

use super::{
    Input, Parsed, address,
    failure::{complain, complain_at, expected},
    port, token, words,
};
use crate::filter::tree::{Direction, Junction, Protocol, Test};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Net,
    Port,
    PortRange,
    Proto,
}

/// Protocol, direction and kind of a value. It goes on to hold for values behind it that have none of
/// their own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Qualifier {
    pub(super) protocol: Option<Protocol>,
    pub(super) direction: Option<Direction>,
    pub(super) kind: Kind,
}

/// `src`, `dst`, or both of them with "or" or "and".
pub(super) fn direction(input: &mut Input<'_>) -> Parsed<Direction> {
    let first = token::one_of(words::DIRECTIONS).parse_next(input)?;
    let other = opt((token::junction, token::one_of(words::DIRECTIONS)))
        .verify(|other| other.is_none_or(|(_, direction)| direction != first));
    Ok(match opt(other).parse_next(input)?.flatten() {
        None => first,
        Some((Junction::Or, _)) => Direction::Either,
        Some((Junction::And, _)) => Direction::Both,
    })
}

impl Qualifier {
    /// Complains of words that do not go together; `start` is where they begin.
    pub(super) fn check(self, input: &mut Input<'_>, start: usize, end: usize) -> Parsed<()> {
        let Self {
            protocol,
            direction,
            kind,
        } = self;
        let fits = match kind {
            Kind::Host => matches!(
                protocol,
                None | Some(
                    Protocol::Link | Protocol::Ip | Protocol::Ip6 | Protocol::Arp | Protocol::Rarp
                )
            ),
            Kind::Net => matches!(
                protocol,
                None | Some(Protocol::Ip | Protocol::Ip6 | Protocol::Arp | Protocol::Rarp)
            ),
            Kind::Port | Kind::PortRange => matches!(
                protocol,
                None | Some(Protocol::Tcp | Protocol::Udp | Protocol::Sctp)
            ),
            Kind::Proto => {
                direction.is_none()
                    && matches!(
                        protocol,
                        None | Some(Protocol::Link | Protocol::Ip | Protocol::Ip6)
                    )
            }
        };
        if fits {
            return Ok(());
        }
        Err(complain_at(
            input,
            start..end,
            "these words do not go together",
        ))
    }

    /// Reads a value.
    pub(super) fn value(self, input: &mut Input<'_>) -> Parsed<Test> {
        let direction = self.direction.unwrap_or(Direction::Either);
        match self.kind {
            Kind::Host if self.protocol == Some(Protocol::Link) => {
                Ok(Test::Mac(direction, address::mac(input)?))
            }
            Kind::Host => {
                let net = address::host(input, self.protocol)?;
                Ok(Test::Net(self.protocol, direction, vec![net]))
            }
            Kind::Net => {
                let net = address::net(input, self.protocol)?;
                Ok(Test::Net(self.protocol, direction, vec![net]))
            }
            Kind::Port => {
                let (protocol, ports) = port::single(input, self.protocol)?;
                Ok(Test::Port(protocol, direction, vec![ports]))
            }
            Kind::PortRange => {
                let (protocol, ports) = port::range(input, self.protocol)?;
                Ok(Test::Port(protocol, direction, vec![ports]))
            }
            Kind::Proto => Ok(Test::Number(self.protocol, self.number(input)?)),
        }
    }

    /// A protocol by its number or its name, which may have a backslash in front of it.
    fn number(self, input: &mut Input<'_>) -> Parsed<u32> {
        let (names, max, thing) = if self.protocol == Some(Protocol::Link) {
            (
                words::ETHER_NUMBERS,
                0xffff,
                "an EtherType or a name such as ip6",
            )
        } else {
            (
                words::IP_NUMBERS,
                0xff,
                "a protocol number or a name such as tcp",
            )
        };
        let word = token::value(input, thing)?;
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return token::number(input, max, thing);
        }
        let name = word.strip_prefix('\\').unwrap_or(word);
        let Some((_, number)) = names.iter().find(|(known, _)| *known == name) else {
            if name.is_empty() {
                return Err(expected(input, thing));
            }
            let message = format!("no protocol is called {name} here: write its number");
            return Err(complain(input, word.len(), message));
        };
        token::take(input, word)?;
        Ok(*number)
    }
}
