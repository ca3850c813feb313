//! The driver: how fast packets can be had from it, and what is known to go wrong.

use super::{Finding, HostFacts, InterfaceFacts};

const DRIVER: &str = "driver";
const INLINE: &str = "inline mode";
const HINTS: &str = "hints";

pub(super) fn findings(interface: &InterfaceFacts, host: &HostFacts) -> Vec<Finding> {
    let mut findings = vec![ability(interface)];
    findings.extend(redirect_target(interface));
    findings.extend(zero_copy(interface));
    findings.extend(hints(interface));
    findings.extend(unsafe_zero_copy(interface, host));
    findings.extend(gro_of_virtio(interface));
    findings.extend(too_many_channels(interface));
    findings.extend(separate_channels(interface));
    findings
}

/// The name and, if it is one of its own, the version.
fn title(interface: &InterfaceFacts) -> String {
    let Some(driver) = interface
        .driver
        .as_ref()
        .filter(|driver| !driver.name.is_empty())
    else {
        return interface
            .kind
            .clone()
            .unwrap_or_else(|| "a driver without a name".to_owned());
    };
    match driver.version.as_str() {
        "" => driver.name.clone(),
        version => format!("{} {version}", driver.name),
    }
}

fn ability(interface: &InterfaceFacts) -> Finding {
    let title = title(interface);
    let Some(xdp) = interface.xdp else {
        return Finding::note(
            DRIVER,
            format!("{title}; this kernel cannot tell what it does with XDP"),
        )
        .why("`flowtrack run` finds out by trying, and says what it got.");
    };
    if !xdp.native() {
        return Finding::warning(DRIVER, format!("{title} runs no XDP program: generic mode"))
            .why(
                "The program runs in the network stack, behind the allocation of a buffer for each packet and \
                 behind GRO: slower, and packets may be merged.",
            );
    }
    if !xdp.redirect() {
        return Finding::warning(
            DRIVER,
            format!("{title} has native XDP, but cannot redirect"),
        )
        .why(
            "Packets do not get to AF_XDP sockets in native mode: tap mode will not work with it.",
        );
    }
    let buffers = if xdp.multi_buffer() {
        "also for packets in several buffers"
    } else {
        "but not for packets in several buffers"
    };
    Finding::ok(DRIVER, format!("{title} has native XDP, {buffers}"))
}

/// Whether packets can be sent out of it by redirection, as inline mode does.
fn redirect_target(interface: &InterfaceFacts) -> Option<Finding> {
    let xdp = interface.xdp.filter(|xdp| xdp.native())?;
    if xdp.redirect_target() {
        return Some(Finding::ok(INLINE, "packets can be forwarded to it"));
    }
    let why = match interface.driver_name() {
        "veth" => {
            "veth takes redirected packets only while its other end has GRO on or an XDP program."
        }
        _ => "The driver takes no redirected packets, or not as it is set up now.",
    };
    Some(Finding::note(INLINE, "packets cannot be forwarded to it").why(why))
}

fn zero_copy(interface: &InterfaceFacts) -> Option<Finding> {
    const SUBJECT: &str = "zero-copy";
    let xdp = interface.xdp?;
    if !xdp.zero_copy() {
        return Some(
            Finding::note(SUBJECT, "not with this driver")
                .why("The kernel copies each packet into the memory of the socket."),
        );
    }
    Some(Finding::ok(SUBJECT, "packets need not be copied"))
}

fn hints(interface: &InterfaceFacts) -> Option<Finding> {
    let hints: Vec<_> = interface.xdp?.hints().collect();
    if hints.is_empty() {
        return None;
    }
    let found = format!("the NIC tells of a packet: {}", hints.join(", "));
    Some(
        Finding::note(HINTS, found)
            .why("flowtrack stamps packets in the XDP program and does not use these."),
    )
}

/// ice, before its zero-copy queues were made safe in Linux 6.11, and as Intel gives it out by itself
/// (intel/ethernet-linux-ice issues 23, 58, 59 and 61).
fn unsafe_zero_copy(interface: &InterfaceFacts, host: &HostFacts) -> Option<Finding> {
    let driver = interface
        .driver
        .as_ref()
        .filter(|driver| driver.name == "ice")?;
    if !interface.xdp?.zero_copy() {
        return None;
    }
    // A driver that comes with the kernel has its version.
    let found = if host.release.as_ref() != Some(&driver.version) {
        format!("ice {} does not come with this kernel", driver.version)
    } else if host.kernel()? < (6, 11) {
        "ice of a kernel before Linux 6.11".to_owned()
    } else {
        return None;
    };
    Some(Finding::warning(DRIVER, found).why(
        "Hosts became unreachable or crashed when zero-copy sockets were opened, closed or under load. Linux 6.11 \
         has the corrections.",
    ))
}

/// virtio_net refuses a native program as long as the hypervisor merges packets for it.
fn gro_of_virtio(interface: &InterfaceFacts) -> Option<Finding> {
    let gro = interface.feature("rx-gro-hw")?;
    if interface.driver_name() != "virtio_net" || !gro.active || gro.changeable {
        return None;
    }
    Some(
        Finding::warning(DRIVER, "the hypervisor merges packets for virtio_net, and cannot be asked not to")
            .why(
                "The driver refuses a native XDP program then, and the generic one sees merged packets. Switch \
                 guest_tso4, guest_tso6, guest_ecn and guest_ufo off in the hypervisor.",
            ),
    )
}

/// Drivers that keep as many queues for the transmissions of XDP as there are others.
fn too_many_channels(interface: &InterfaceFacts) -> Option<Finding> {
    const KEEP_HALF: [&str; 2] = ["ena", "gve"];
    let channels = interface.channels?;
    let name = interface.driver_name();
    let half = channels.max_receive() / 2;
    if !KEEP_HALF.contains(&name) || half == 0 || channels.receive() <= half {
        return None;
    }
    let kind = if channels.combined > 0 {
        "combined"
    } else {
        "rx"
    };
    Some(
        Finding::warning(
            DRIVER,
            format!(
                "{name} has {} of {} channels in use",
                channels.receive(),
                channels.max_receive()
            ),
        )
        .why("It takes a native XDP program only if half of its channels are free for sending.")
        .fix(format!("ethtool -L {} {kind} {half}", interface.name)),
    )
}

/// bnxt_en takes a program only where each channel both receives and sends.
fn separate_channels(interface: &InterfaceFacts) -> Option<Finding> {
    let channels = interface.channels?;
    if interface.driver_name() != "bnxt_en" || channels.rx == 0 {
        return None;
    }
    let count = channels.rx;
    Some(
        Finding::warning(
            DRIVER,
            "bnxt_en has separate channels for receiving and sending",
        )
        .why("It takes a native XDP program only with combined channels.")
        .fix(format!(
            "ethtool -L {} rx 0 tx 0 combined {count}",
            interface.name
        )),
    )
}
