//! What was obtained on an interface, in words.

use flowtrack_common::abi::filter::MAX_INSTRUCTIONS;

use super::attachment::Attachment;
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

/// Says how `interface` is captured, and what is missing for what was asked for.
pub(super) fn announce(interface: &str, attachment: &Attachment) {
    let sockets = &attachment.sockets;
    log::info!("{}", report(interface, attachment.mode, sockets));
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

fn report(interface: &str, mode: AttachMode, sockets: &[SocketReport]) -> String {
    let mode = match mode {
        AttachMode::Native => "native",
        AttachMode::Generic => "generic",
    };
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
