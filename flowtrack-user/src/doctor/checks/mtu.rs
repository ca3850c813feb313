//! Whether the largest packets fit.

use super::{Finding, InterfaceFacts};

const SUBJECT: &str = "MTU";
/// Ethernet header, two VLAN tags and a check sequence that some NICs leave on.
const AROUND: u32 = 14 + 8 + 4;
/// Bytes of a frame buffer that are left for the packet.
const BUFFER: u32 = 2048 - 256;
/// What fits into a page beside the room that XDP keeps: more than that a driver without packets in several
/// buffers refuses a native program for.
const PAGE: u32 = 4096 - 256 - 320;

pub(super) fn findings(interface: &InterfaceFacts) -> Vec<Finding> {
    let Some(mtu) = interface.mtu else {
        return Vec::new();
    };
    let largest = mtu.saturating_add(AROUND);
    let smaller = format!("ip link set {} mtu 1500", interface.name);
    let found = format!("{mtu}: packets of up to {largest} bytes");
    let (multi_buffer, zero_copy, buffers) = interface.xdp.map_or((true, false, None), |xdp| {
        (xdp.multi_buffer(), xdp.zero_copy(), xdp.zero_copy_buffers)
    });
    let finding = if largest <= BUFFER {
        Finding::ok(SUBJECT, found)
    } else if largest > PAGE && !multi_buffer {
        Finding::warning(SUBJECT, found)
            .why(
                "They do not fit into a page, and this driver has no XDP for packets in several buffers: it \
                 refuses a native program.",
            )
            .fix(smaller)
    } else if zero_copy && buffers.is_none_or(|buffers| buffers < 2) {
        Finding::warning(SUBJECT, found)
            .why(format!(
                "A frame buffer takes {BUFFER}, and in zero-copy mode this driver fills only one: it drops what \
                 is larger.",
            ))
            .fix(smaller)
    } else {
        Finding::note(SUBJECT, found).why(format!(
            "What is larger than {BUFFER} comes in several buffers, which takes Linux 6.6."
        ))
    };
    vec![finding]
}
