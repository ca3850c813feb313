//! What was obtained on an interface, in words.

use flowtrack_common::abi::filter::MAX_INSTRUCTIONS;

use super::{
    Mode,
    attachment::{AttachConfig, Attachment},
};
use crate::{
    capture::xdp::{AttachMode, SocketReport},
    filter::Filter,
    sys::interface::{self, Deferral},
};

/// Polls that may find nothing, and nanoseconds without a poll, after which the driver goes back to
/// interrupts: as Documentation/networking/napi.rst has it for busy polling.
const ADVISED: Deferral = Deferral {
    hard_irqs: 2,
    flush_timeout: 200_000,
};

/// Says how the interfaces are captured, and what is missing for what was asked for.
pub(super) fn announce(config: &AttachConfig, attachment: &Attachment) {
    let modes: Vec<_> = attachment.ends.iter().map(|end| end.mode).collect();
    if config.mode.copies() {
        log::info!("{}", copying(config, &modes));
        return;
    }
    for (interface, mode) in config.interfaces.iter().zip(modes) {
        announce_sockets(interface, mode, &attachment.sockets);
    }
}

fn announce_sockets(interface: &str, mode: AttachMode, sockets: &[SocketReport]) {
    log::info!("{}", report(interface, mode, sockets));
    if sockets.iter().any(|socket| socket.busy_poll)
        && let Some(advice) = advice(interface, interface::deferral(interface))
    {
        log::warn!("{advice}");
    }
}

/// Says who decides what is wanted.
pub(super) fn announce_filter(filter: Option<&Filter>) {
    if let Some(filter) = filter {
        log::info!("{}", filter_report(filter));
    }
}

fn filter_report(filter: &Filter) -> String {
    let steps = filter.steps();
    if filter.kernel().is_some() {
        format!("the XDP program filters, in {steps} steps: {filter}")
    } else {
        format!(
            "the workers filter: the filter has {steps} steps, and the XDP program takes \
             {MAX_INSTRUCTIONS}"
        )
    }
}

/// What becomes of packets whose headers are copied.
fn copying(config: &AttachConfig, modes: &[AttachMode]) -> String {
    let modes: Vec<_> = modes.iter().map(|mode| name(*mode)).collect();
    let packets = match config.mode {
        Mode::Inline => "packets are forwarded, until flowtrack ends",
        _ => "packets go on to the host",
    };
    format!(
        "capturing on {}: {packets}; {} XDP, {} bytes of headers, {} CPUs with room for {} packets each",
        config.name(),
        modes.join(" and "),
        config.snap,
        config.lanes.len(),
        config.ring_size,
    )
}

fn name(mode: AttachMode) -> &'static str {
    match mode {
        AttachMode::Native => "native",
        AttachMode::Generic => "generic",
    }
}

fn report(interface: &str, mode: AttachMode, sockets: &[SocketReport]) -> String {
    let mode = name(mode);
    let count =
        |has: fn(&SocketReport) -> bool| sockets.iter().filter(|socket| has(socket)).count();
    let polled = match count(|socket| socket.busy_poll) {
        0 => String::new(),
        polled => format!(", {polled} busy polled"),
    };
    format!(
        "capturing on {interface}: {} queues, {mode} XDP, {} zero-copy, {} multi-buffer, {} in huge \
         pages{polled}",
        sockets.len(),
        count(|socket| socket.zero_copy),
        count(|socket| socket.multi_buffer),
        count(|socket| socket.huge_pages),
    )
}

/// What to set so that busy polling takes the place of interrupts; `None` if it is set.
fn advice(interface: &str, found: Deferral) -> Option<String> {
    let settings = [
        ("napi_defer_hard_irqs", found.hard_irqs, ADVISED.hard_irqs),
        (
            "gro_flush_timeout",
            found.flush_timeout,
            ADVISED.flush_timeout,
        ),
    ];
    let missing: Vec<_> = settings
        .iter()
        .filter(|(_, found, _)| *found == 0)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let names: Vec<_> = missing
        .iter()
        .map(|(name, ..)| format!("{name} is 0"))
        .collect();
    let commands: Vec<_> = missing
        .iter()
        .map(|(name, _, advised)| format!("`echo {advised} > /sys/class/net/{interface}/{name}`"))
        .collect();
    Some(format!(
        "busy polling of {interface} competes with its interrupts: {}; to leave its packets to flowtrack: {}",
        names.join(", "),
        commands.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use flowtrack_common::abi;

    use super::*;

    #[test]
    fn the_settings_that_are_missing_are_named_with_the_commands_that_set_them() {
        let found = |hard_irqs, flush_timeout| Deferral {
            hard_irqs,
            flush_timeout,
        };
        assert_eq!(advice("eth0", found(1, 1)), None);
        let one = advice("eth0", found(2, 0)).unwrap();
        assert!(one.contains("gro_flush_timeout is 0; "), "{one}");
        assert!(
            one.contains("`echo 200000 > /sys/class/net/eth0/gro_flush_timeout`"),
            "{one}"
        );
        assert!(!one.contains("napi_defer_hard_irqs"), "{one}");
        let both = advice("eth0", found(0, 0)).unwrap();
        assert!(
            both.contains("napi_defer_hard_irqs is 0, gro_flush_timeout is 0; "),
            "{both}"
        );
    }

    #[test]
    fn a_filter_is_said_to_be_where_it_fits() {
        let short: Filter = "tcp port 80".parse().unwrap();
        let ports: Vec<_> = (1..200).map(|port| port.to_string()).collect();
        let long: Filter = format!("port {}", ports.join(" or ")).parse().unwrap();
        let said = filter_report(&short);
        assert!(said.starts_with("the XDP program filters, in "), "{said}");
        assert!(said.ends_with(" steps: tcp port 80"), "{said}");
        let said = filter_report(&long);
        assert!(said.starts_with("the workers filter: "), "{said}");
    }

    #[test]
    fn what_becomes_of_the_packets_is_said_first() {
        let config = |mode, names: &[&str]| AttachConfig {
            interfaces: names.iter().map(ToString::to_string).collect(),
            mode,
            lanes: vec![0, 1],
            snap: 256,
            stamped: true,
            ring_size: 2048,
            burst: 64,
            require_zero_copy: false,
            busy_poll: None,
            settings: abi::CaptureSettings::default(),
            filter: None,
        };
        assert_eq!(
            copying(&config(Mode::Observe, &["eth0"]), &[AttachMode::Generic]),
            "capturing on eth0: packets go on to the host; generic XDP, 256 bytes of headers, 2 CPUs \
             with room for 2048 packets each"
        );
        let both = [AttachMode::Native, AttachMode::Generic];
        let said = copying(&config(Mode::Inline, &["eth0", "eth1"]), &both);
        assert!(
            said.starts_with(
                "capturing on eth0+eth1: packets are forwarded, until flowtrack ends; native and \
                 generic XDP, "
            ),
            "{said}"
        );
    }

    #[test]
    fn busy_polling_is_claimed_for_the_sockets_that_have_it() {
        let socket = SocketReport {
            zero_copy: true,
            multi_buffer: false,
            huge_pages: true,
            busy_poll: false,
        };
        let without = report("eth0", AttachMode::Native, &[socket]);
        assert_eq!(
            without,
            "capturing on eth0: 1 queues, native XDP, 1 zero-copy, 0 multi-buffer, 1 in huge pages"
        );
        let polled = SocketReport {
            busy_poll: true,
            ..socket
        };
        let with = report("eth0", AttachMode::Native, &[polled, polled]);
        assert!(with.ends_with("2 in huge pages, 2 busy polled"), "{with}");
    }
}
