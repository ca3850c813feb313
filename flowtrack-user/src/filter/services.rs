//! Ports by the names of their services, as the system has them (services(5)).

use std::{fs, io};

const FILE: &str = "/etc/services";

/// A port that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) port: u16,
    pub(super) tcp: bool,
    pub(super) udp: bool,
}

/// The service that the system calls `name`.
pub(super) fn look_up(name: &str) -> io::Result<Option<Service>> {
    Ok(find(&fs::read_to_string(FILE)?, name))
}

/// Looks for a name in a list of services. The first line of each protocol counts; where TCP and UDP
/// have different ports by that name, the one of TCP.
fn find(list: &str, name: &str) -> Option<Service> {
    let port_of = |protocol: &str| list.lines().find_map(|line| port(line, protocol, name));
    let (tcp, udp) = (port_of("tcp"), port_of("udp"));
    Some(Service {
        port: tcp.or(udp)?,
        tcp: tcp.is_some(),
        udp: udp.is_some() && (tcp.is_none() || tcp == udp),
    })
}

/// The port of a line such as `domain 53/tcp nameserver # comment`, if it has the name.
fn port(line: &str, protocol: &str, name: &str) -> Option<u16> {
    let mut words = line.split('#').next()?.split_whitespace();
    let (first, port) = (words.next()?, words.next()?);
    let (number, of) = port.split_once('/')?;
    let named = first == name || words.any(|alias| alias == name);
    (named && of == protocol).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Service, find};

    const LIST: &str = "\
# a comment
ssh  22/tcp   # another
domain 53/tcp
domain 53/udp nameserver
syslog 514/udp
shell 514/tcp cmd syslog
broken
odd x/tcp
";

    #[test]
    fn a_service_is_found_by_its_name_or_an_alias_with_its_protocols() {
        let service = |port, tcp, udp| Some(Service { port, tcp, udp });
        let cases = [
            ("ssh", service(22, true, false)),
            ("domain", service(53, true, true)),
            ("nameserver", service(53, false, true)),
            ("cmd", service(514, true, false)),
            ("syslog", service(514, true, true)),
            ("comment", None),
            ("another", None),
            ("broken", None),
            ("odd", None),
            ("22/tcp", None),
        ];
        for (name, expected) in cases {
            assert_eq!(find(LIST, name), expected, "{name}");
        }
    }
}
