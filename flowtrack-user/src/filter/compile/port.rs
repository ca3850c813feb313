//! Tests of ports.

use flowtrack_common::abi::filter::op;

use super::{
    Compiler, Exits, Load,
    link::{IPV4, IPV6},
    protocol::{IPV4_PROTOCOL, IPV6_LEN, IPV6_NEXT, SCTP, TCP, UDP},
};
use crate::filter::tree::{Direction, Ports, Protocol, Size};

impl Compiler {
    /// Whether a port is one of these.
    pub(super) fn ports(
        &mut self,
        protocol: Option<Protocol>,
        direction: Direction,
        ports: &[Ports],
    ) -> Exits {
        let protocols: &[u32] = match protocol {
            Some(Protocol::Tcp) => &[TCP],
            Some(Protocol::Udp) => &[UDP],
            Some(Protocol::Sctp) => &[SCTP],
            _ => &[SCTP, TCP, UDP],
        };
        let ip6 = self.ethertype(IPV6);
        self.choose(
            &ip6,
            |compiler| compiler.ip6_ports(protocols, direction, ports),
            |compiler| {
                let ip = compiler.ethertype(IPV4);
                compiler.and(ip, |compiler| {
                    compiler.ip_ports(protocols, direction, ports)
                })
            },
        )
    }

    fn ip_ports(&mut self, protocols: &[u32], direction: Direction, ports: &[Ports]) -> Exits {
        let header = self.payload();
        let protocol = self.any(protocols, |compiler, number| {
            compiler.is(Size::Byte, header.saturating_add(IPV4_PROTOCOL), *number)
        });
        let first = self.and(protocol, Self::is_first_fragment);
        self.and(first, |compiler| {
            compiler.load_header_length();
            compiler.either_port(direction, header, true, ports)
        })
    }

    fn ip6_ports(&mut self, protocols: &[u32], direction: Direction, ports: &[Ports]) -> Exits {
        let header = self.payload();
        let protocol = self.any(protocols, |compiler, number| {
            compiler.is(Size::Byte, header.saturating_add(IPV6_NEXT), *number)
        });
        self.and(protocol, |compiler| {
            compiler.either_port(direction, header.saturating_add(IPV6_LEN), false, ports)
        })
    }

    /// Ports of a header that begins `at`, or so far behind the length of the IPv4 header.
    fn either_port(
        &mut self,
        direction: Direction,
        at: u32,
        by_index: bool,
        ports: &[Ports],
    ) -> Exits {
        let load = |at| Load {
            size: Size::Half,
            at,
            by_index,
        };
        let (source, destination) = (load(at), load(at.saturating_add(2)));
        let test = |compiler: &mut Self, load| {
            compiler.any(ports, |compiler, ports| compiler.port(load, *ports))
        };
        match direction {
            Direction::Source => test(self, source),
            Direction::Destination => test(self, destination),
            Direction::Either => {
                let first = test(self, source);
                self.or(first, |compiler| test(compiler, destination))
            }
            Direction::Both => {
                let first = test(self, source);
                self.and(first, |compiler| test(compiler, destination))
            }
        }
    }

    fn port(&mut self, load: Load, Ports { first, last }: Ports) -> Exits {
        self.load(load);
        self.check(op::WITHIN, first.into(), last.into())
    }
}
