//! Ports, by number or by the name of a service.

use super::{
    Input, Parsed,
    failure::{complain, expected},
    token,
};
use crate::filter::{
    services::{self, Service},
    tree::{Ports, Protocol},
};

const PORT: &str = "a port number or the name of a service";
const RANGE: &str = "two ports with a hyphen between them";

/// The protocol that a port is of, if only one, and the port.
pub(super) fn single(
    input: &mut Input<'_>,
    protocol: Option<Protocol>,
) -> Parsed<(Option<Protocol>, Ports)> {
    let word = token::value(input, PORT)?;
    let (protocol, port) = port(input, word, protocol, word.len())?;
    token::take(input, word)?;
    let ports = Ports {
        first: port,
        last: port,
    };
    Ok((protocol, ports))
}

/// The same for a range, in whatever order its ends are; a single port is one too.
pub(super) fn range(
    input: &mut Input<'_>,
    protocol: Option<Protocol>,
) -> Parsed<(Option<Protocol>, Ports)> {
    let word = token::value(input, RANGE)?;
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    if first.is_empty() || last.is_empty() {
        return Err(expected(input, RANGE));
    }
    let (of_first, first) = port(input, first, protocol, word.len())?;
    let (of_last, last) = port(input, last, protocol, word.len())?;
    if of_first != of_last {
        let message = "the two services have different protocols";
        return Err(complain(input, word.len(), message));
    }
    token::take(input, word)?;
    let ports = Ports {
        first: first.min(last),
        last: first.max(last),
    };
    Ok((of_first, ports))
}

/// The port that `word` means; `len` bytes are wrong if it means none.
fn port(
    input: &mut Input<'_>,
    word: &str,
    protocol: Option<Protocol>,
    len: usize,
) -> Parsed<(Option<Protocol>, u16)> {
    if let Some(number) = token::parse_number(word) {
        return match u16::try_from(number) {
            Ok(port) => Ok((protocol, port)),
            Err(_) => Err(complain(input, len, format!("{word} is more than 65535"))),
        };
    }
    let service = match services::look_up(word) {
        Ok(Some(service)) => service,
        Ok(None) => {
            let message = format!("no service is called {word}: write the number of the port");
            return Err(complain(input, len, message));
        }
        Err(error) => {
            let message = format!("cannot look up the service {word}: {error}");
            return Err(complain(input, len, message));
        }
    };
    match protocol_of(service, protocol) {
        Ok(protocol) => Ok((protocol, service.port)),
        Err(only) => Err(complain(
            input,
            len,
            format!("the service {word} is {only}"),
        )),
    }
}

/// The protocols that are meant by a service, or the one that it has instead of the one that is meant.
fn protocol_of(
    service: Service,
    wanted: Option<Protocol>,
) -> Result<Option<Protocol>, &'static str> {
    match (wanted, service.tcp, service.udp) {
        (None, true, false) => Ok(Some(Protocol::Tcp)),
        (None, false, true) => Ok(Some(Protocol::Udp)),
        (Some(Protocol::Udp | Protocol::Sctp), true, false) => Err("TCP"),
        (Some(Protocol::Tcp | Protocol::Sctp), false, true) => Err("UDP"),
        _ => Ok(wanted),
    }
}
