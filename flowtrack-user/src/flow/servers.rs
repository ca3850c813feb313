//! Ports that servers use.

use flowtrack_common::L4Proto;

/// TCP ports of servers, as Zeek has them (`likely_server_ports`), in ascending order.
const TCP: [u16; 41] = [
    21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 443, 445, 502, 563, 585, 587, 614, 631, 636,
    989, 990, 992, 993, 995, 1080, 1883, 2811, 3128, 3389, 5222, 5223, 5269, 6666, 6667, 6668,
    6669, 8000, 8080, 8888, 20_000,
];
/// UDP ports of servers.
const UDP: [u16; 21] = [
    53, 67, 88, 123, 137, 161, 162, 443, 514, 1812, 2123, 2152, 3389, 3544, 4789, 5060, 5072, 5353,
    5355, 6081, 20_000,
];

/// Whether a port is one that servers use.
pub(super) fn is_server_port(l4: L4Proto, port: u16) -> bool {
    match l4 {
        L4Proto::Tcp => TCP.binary_search(&port).is_ok(),
        L4Proto::Udp => UDP.binary_search(&port).is_ok(),
        _ => false,
    }
}

/// Whether the answer to a packet between these ports was the first to be seen: it comes from the port
/// of a server, and goes to one that is less likely to be a server's. `syn` says that the packet has a
/// SYN: then both being a server's does not tell.
pub(super) fn is_answer(l4: L4Proto, src: u16, dst: u16, syn: bool) -> bool {
    let both = l4 == L4Proto::Tcp && !syn && src < dst;
    is_server_port(l4, src) && (!is_server_port(l4, dst) || both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_are_in_order() {
        assert!(TCP.is_sorted_by(|a, b| a < b));
        assert!(UDP.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn the_port_of_a_server_tells_who_answers() {
        use L4Proto::{Sctp, Tcp, Udp};
        for (l4, src, dst, syn, expected) in [
            (Tcp, 443, 50_000, false, true),
            (Tcp, 443, 50_000, true, true),
            (Tcp, 50_000, 443, false, false),
            (Tcp, 80, 8080, false, true),
            (Tcp, 80, 8080, true, false),
            (Tcp, 8080, 80, false, false),
            (Tcp, 80, 80, false, false),
            (Tcp, 50_000, 50_001, false, false),
            (Udp, 53, 50_000, false, true),
            (Udp, 53, 123, false, false),
            (Udp, 80, 50_000, false, false),
            (Sctp, 443, 50_000, false, false),
        ] {
            assert_eq!(
                is_answer(l4, src, dst, syn),
                expected,
                "{l4} {src} {dst} {syn}"
            );
        }
    }
}
