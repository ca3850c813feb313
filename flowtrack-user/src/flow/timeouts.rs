//! When a silent flow is over.

use std::time::Duration;

use flowtrack_common::{FlowState, L4Proto};

/// Ports that can have a timeout of their own.
const PORTS: usize = 12;

/// Time without a packet after which a flow is over: by protocol and state, and for flows to some ports
/// by port.
///
/// The defaults are those of Zeek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    classes: [Duration; TimeoutClass::ALL.len()],
    ports: [Option<PortTimeout>; PORTS],
}

/// The idle timeout of the flows whose responder has a certain port. A flow that waits for the answer to
/// a SYN, or that is over, keeps the timeout of its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortTimeout {
    /// Transport protocol.
    pub l4: L4Proto,
    /// Port of the responder.
    pub port: u16,
    /// How long.
    pub timeout: Duration,
}

/// More ports have a timeout of their own than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no more than {PORTS} ports can have a timeout of their own")]
pub struct TooManyPorts;

/// One of the timeouts of a tracker: that of a class or that of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSlot(u8);

impl Timeouts {
    /// Those of Zeek, which is patient with FTP, SSH, Telnet and rlogin (`port_inactivity_timeouts`), and
    /// not with DNS and its relatives (`dns_session_timeout`).
    pub fn zeek() -> Self {
        let patient = [21, 22, 23, 513].map(|port| PortTimeout {
            l4: L4Proto::Tcp,
            port,
            timeout: Duration::from_hours(1),
        });
        let brief = [53, 137, 5353, 5355].map(|port| PortTimeout {
            l4: L4Proto::Udp,
            port,
            timeout: Duration::from_secs(10),
        });
        let mut timeouts = Self::default();
        let ports = patient.into_iter().chain(brief);
        for (place, port) in timeouts.ports.iter_mut().zip(ports) {
            *place = Some(port);
        }
        timeouts
    }

    /// The timeout of a class.
    pub fn get(&self, class: TimeoutClass) -> Duration {
        self.classes[class.index()]
    }

    /// Sets the timeout of a class.
    pub fn set(&mut self, class: TimeoutClass, timeout: Duration) {
        self.classes[class.index()] = timeout;
    }

    /// Gives a port a timeout of its own.
    pub fn set_port(&mut self, timeout: PortTimeout) -> Result<(), TooManyPorts> {
        let same = |old: &PortTimeout| (old.l4, old.port) == (timeout.l4, timeout.port);
        let place = self
            .ports
            .iter()
            .position(|old| old.as_ref().is_none_or(same));
        let place = place.and_then(|place| self.ports.get_mut(place));
        *place.ok_or(TooManyPorts)? = Some(timeout);
        Ok(())
    }

    /// Whether the same ports have a timeout of their own, at the same places.
    pub(super) fn has_ports_of(&self, other: &Self) -> bool {
        let port =
            |timeout: &Option<PortTimeout>| timeout.map(|timeout| (timeout.l4, timeout.port));
        self.ports.iter().map(port).eq(other.ports.iter().map(port))
    }

    /// The timeout of its own that a port has.
    pub fn port(&self, l4: L4Proto, port: u16) -> Option<TimeoutSlot> {
        let of_port = |timeout: &PortTimeout| (timeout.l4, timeout.port) == (l4, port);
        let place = self.ports.iter().flatten().position(of_port)?;
        u8::try_from(TimeoutClass::ALL.len() + place)
            .ok()
            .map(TimeoutSlot)
    }

    /// The timeout at a slot.
    pub fn at(&self, slot: TimeoutSlot) -> Duration {
        let index = slot.index();
        let of_port = |place: usize| Some(self.ports.get(place)?.as_ref()?.timeout);
        match index.checked_sub(TimeoutClass::ALL.len()) {
            None => self.classes.get(index).copied().unwrap_or_default(),
            Some(place) => of_port(place).unwrap_or_default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let classes = TimeoutClass::ALL.map(|class| {
            Duration::from_secs(match class {
                TimeoutClass::TcpOpening | TimeoutClass::TcpLinger => 5,
                TimeoutClass::TcpOpen | TimeoutClass::TcpClosing => 300,
                TimeoutClass::Udp | TimeoutClass::Icmp | TimeoutClass::Other => 60,
            })
        });
        Self {
            classes,
            ports: [None; PORTS],
        }
    }
}

impl TimeoutSlot {
    /// Number of slots.
    pub const COUNT: usize = TimeoutClass::ALL.len() + PORTS;

    /// All slots, in the order of [`TimeoutSlot::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..u8::MAX).map(Self).take(Self::COUNT)
    }

    /// Position in [`TimeoutSlot::all`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<TimeoutClass> for TimeoutSlot {
    fn from(class: TimeoutClass) -> Self {
        Self(class as u8)
    }
}

/// What decides how long a flow may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeoutClass {
    /// TCP, closed or reset: stragglers join it for a while.
    TcpLinger,
    /// TCP, a SYN without an answer.
    TcpOpening,
    /// TCP, closed by one side or not yet acknowledged.
    TcpClosing,
    /// ICMP and ICMPv6.
    Icmp,
    /// UDP.
    Udp,
    /// Any other protocol, SCTP included.
    Other,
    /// TCP, answered, or joined mid-stream.
    TcpOpen,
}

impl TimeoutClass {
    /// All classes, in the order of [`TimeoutClass::index`].
    pub const ALL: [Self; 7] = [
        Self::TcpLinger,
        Self::TcpOpening,
        Self::TcpClosing,
        Self::Icmp,
        Self::Udp,
        Self::Other,
        Self::TcpOpen,
    ];

    /// Position in [`TimeoutClass::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TcpLinger => "tcp-linger",
            Self::TcpOpening => "tcp-opening",
            Self::TcpClosing => "tcp-closing",
            Self::Icmp => "icmp",
            Self::Udp => "udp",
            Self::Other => "other",
            Self::TcpOpen => "tcp",
        }
    }

    /// The class of a flow.
    pub const fn of(l4: Option<L4Proto>, state: FlowState) -> Self {
        match (l4, state) {
            (Some(L4Proto::Tcp), FlowState::SynSent) => Self::TcpOpening,
            (Some(L4Proto::Tcp), FlowState::FinWait | FlowState::ClosingTcp) => Self::TcpClosing,
            (Some(L4Proto::Tcp), state) if state.is_terminal() => Self::TcpLinger,
            (Some(L4Proto::Tcp), _) => Self::TcpOpen,
            (Some(L4Proto::Udp), _) => Self::Udp,
            (Some(L4Proto::Icmp | L4Proto::IcmpV6), _) => Self::Icmp,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(port: u16, secs: u64) -> PortTimeout {
        PortTimeout {
            l4: L4Proto::Tcp,
            port,
            timeout: Duration::from_secs(secs),
        }
    }

    #[test]
    fn each_class_has_its_slot() {
        let mut timeouts = Timeouts::default();
        for (i, class) in TimeoutClass::ALL.into_iter().enumerate() {
            timeouts.set(class, Duration::from_millis(i as u64));
            let slot = TimeoutSlot::from(class);
            assert_eq!((slot.index(), class.index()), (i, i));
            assert_eq!(timeouts.at(slot), timeouts.get(class));
        }
        assert_eq!(TimeoutSlot::all().count(), TimeoutSlot::COUNT);
    }

    #[test]
    fn a_port_may_have_a_timeout_of_its_own() {
        let mut timeouts = Timeouts::default();
        assert_eq!(timeouts.port(L4Proto::Tcp, 22), None);
        timeouts.set_port(of(22, 10)).unwrap();
        timeouts.set_port(of(23, 20)).unwrap();
        timeouts.set_port(of(22, 30)).unwrap();
        let at = |port| {
            timeouts
                .port(L4Proto::Tcp, port)
                .map(|slot| timeouts.at(slot))
        };
        assert_eq!(at(22), Some(Duration::from_secs(30)));
        assert_eq!(at(23), Some(Duration::from_secs(20)));
        assert_eq!(timeouts.port(L4Proto::Udp, 22), None);
    }

    #[test]
    fn there_is_room_for_so_many_ports_and_no_more() {
        let mut timeouts = Timeouts::default();
        for port in 0..12 {
            timeouts.set_port(of(port, 1)).unwrap();
        }
        assert_eq!(timeouts.set_port(of(12, 1)), Err(TooManyPorts));
        assert_eq!(timeouts.set_port(of(11, 2)), Ok(()));
    }
}
