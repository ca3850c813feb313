//! When a silent flow is over.

use std::time::Duration;

use flowtrack_common::{FlowState, L4Proto};

/// Ports that can have a timeout of their own.
const PORTS: usize = 12;
/// Different timeouts that they can have.
const PORT_TIMEOUTS: usize = 4;

/// Time without a packet after which a flow is over: by protocol and state, and for flows to some ports
/// by port.
///
/// The defaults are those of Zeek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    slots: [Duration; TimeoutSlot::COUNT],
    ports: [Option<Port>; PORTS],
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
#[error(
    "no more than {PORTS} ports can have a timeout of their own, and no more than {PORT_TIMEOUTS} \
     different ones, those of the profile among them"
)]
pub struct TooManyPorts;

/// One of the timeouts of a tracker: that of a class, or one that some ports have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSlot(u8);

/// A port, and where its timeout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Port {
    l4: L4Proto,
    number: u16,
    slot: TimeoutSlot,
}

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
        for port in patient.into_iter().chain(brief) {
            let set = timeouts.set_port(port);
            debug_assert!(set.is_ok(), "there is room for them");
        }
        timeouts
    }

    /// The timeout of a class.
    pub fn get(&self, class: TimeoutClass) -> Duration {
        self.slots[class.index()]
    }

    /// Sets the timeout of a class.
    pub fn set(&mut self, class: TimeoutClass, timeout: Duration) {
        self.slots[class.index()] = timeout;
    }

    /// Sets the timeout of all classes; no port has one of its own any more.
    pub fn set_all(&mut self, timeout: Duration) {
        *self = Self {
            slots: [timeout; TimeoutSlot::COUNT],
            ports: [None; PORTS],
        };
    }

    /// Gives a port a timeout of its own.
    pub fn set_port(&mut self, timeout: PortTimeout) -> Result<(), TooManyPorts> {
        let PortTimeout { l4, port, timeout } = timeout;
        let mut ports = self.ports;
        let is_it = |old: &Port| (old.l4, old.number) == (l4, port);
        let place = ports
            .iter_mut()
            .find(|old| old.as_ref().is_none_or(is_it))
            .ok_or(TooManyPorts)?;
        *place = None;
        let others = self.ports.iter().flatten().filter(|old| !is_it(old));
        let is_free = |slot: &TimeoutSlot| others.clone().all(|port| port.slot != *slot);
        let slot = TimeoutSlot::of_ports()
            .find(|slot| self.at(*slot) == timeout)
            .or_else(|| TimeoutSlot::of_ports().find(is_free))
            .ok_or(TooManyPorts)?;
        *place = Some(Port {
            l4,
            number: port,
            slot,
        });
        self.ports = ports;
        if let Some(place) = self.slots.get_mut(slot.index()) {
            *place = timeout;
        }
        Ok(())
    }

    /// Whether any port has a timeout of its own.
    #[inline]
    pub(super) fn has_ports(&self) -> bool {
        let [first, ..] = &self.ports;
        first.is_some()
    }

    /// Whether the same ports have a timeout of their own, at the same slots.
    pub(super) fn has_ports_of(&self, other: &Self) -> bool {
        self.ports == other.ports
    }

    /// The timeout of its own that a port has.
    pub fn port(&self, l4: L4Proto, port: u16) -> Option<TimeoutSlot> {
        let mut ports = self.ports.iter().map_while(Option::as_ref);
        let port = ports.find(|old| (old.l4, old.number) == (l4, port));
        port.map(|port| port.slot)
    }

    /// The timeout at a slot.
    #[inline]
    pub fn at(&self, slot: TimeoutSlot) -> Duration {
        self.slots.get(slot.index()).copied().unwrap_or_default()
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let mut timeouts = Self {
            slots: [Duration::ZERO; TimeoutSlot::COUNT],
            ports: [None; PORTS],
        };
        for class in TimeoutClass::ALL {
            let secs = match class {
                TimeoutClass::TcpOpening | TimeoutClass::TcpLinger => 5,
                TimeoutClass::TcpOpen | TimeoutClass::TcpClosing => 300,
                TimeoutClass::Udp | TimeoutClass::Icmp | TimeoutClass::Other => 60,
            };
            timeouts.set(class, Duration::from_secs(secs));
        }
        timeouts
    }
}

impl TimeoutSlot {
    /// Number of slots.
    pub const COUNT: usize = TimeoutClass::ALL.len() + PORT_TIMEOUTS;

    /// All slots, in the order of [`TimeoutSlot::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self).take(Self::COUNT)
    }

    /// Those that are not of a class.
    fn of_ports() -> impl Iterator<Item = Self> {
        Self::all().skip(TimeoutClass::ALL.len())
    }

    /// The slot at a position in [`TimeoutSlot::all`], the last one where there is none.
    #[inline]
    pub(super) fn at(index: usize) -> Self {
        // There are fewer than 256.
        Self(u8::try_from(index.min(Self::COUNT - 1)).unwrap_or_default())
    }

    /// Position in [`TimeoutSlot::all`].
    #[inline]
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

    /// Whether it is of TCP flows in a state other than open.
    pub const fn is_of_tcp_state(self) -> bool {
        matches!(self, Self::TcpLinger | Self::TcpOpening | Self::TcpClosing)
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
        let last = TimeoutSlot::all().last();
        assert_eq!(last, Some(TimeoutSlot::at(TimeoutSlot::COUNT - 1)));
        assert_eq!(last, Some(TimeoutSlot::at(usize::MAX)), "the nearest");
    }

    #[test]
    fn each_class_has_a_name_of_its_own() {
        let names: Vec<_> = TimeoutClass::ALL.iter().map(|class| class.name()).collect();
        assert_eq!(
            names,
            [
                "tcp-linger",
                "tcp-opening",
                "tcp-closing",
                "icmp",
                "udp",
                "other",
                "tcp"
            ]
        );
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
    fn the_same_ports_have_timeouts_of_their_own_whatever_those_are() {
        let with = |port, secs| {
            let mut timeouts = Timeouts::default();
            timeouts.set_port(of(port, secs)).unwrap();
            timeouts
        };
        assert!(with(22, 10).has_ports_of(&with(22, 20)));
        assert!(!with(22, 10).has_ports_of(&with(23, 10)));
        assert!(!with(22, 10).has_ports_of(&Timeouts::default()));
        assert!(with(22, 10).has_ports() && !Timeouts::default().has_ports());
    }

    #[test]
    fn the_classes_of_tcp_but_that_of_open_connections_are_of_a_state() {
        let of_state = |class: &TimeoutClass| class.is_of_tcp_state();
        let found: Vec<_> = TimeoutClass::ALL.into_iter().filter(of_state).collect();
        let names: Vec<_> = found.iter().map(|class| class.name()).collect();
        assert_eq!(names, ["tcp-linger", "tcp-opening", "tcp-closing"]);
    }

    #[test]
    fn there_is_room_for_so_many_ports_and_no_more() {
        let mut timeouts = Timeouts::default();
        for port in 0..12 {
            timeouts.set_port(of(port, 1)).unwrap();
        }
        let before = timeouts;
        assert_eq!(timeouts.set_port(of(12, 1)), Err(TooManyPorts));
        assert_eq!(timeouts, before);
        assert_eq!(timeouts.set_port(of(11, 2)), Ok(()));
    }

    #[test]
    fn ports_share_timeouts_of_which_there_are_so_many_and_no_more() {
        let mut timeouts = Timeouts::default();
        for port in 0..8 {
            timeouts
                .set_port(of(port, 1 + u64::from(port % 4)))
                .unwrap();
        }
        let before = timeouts;
        assert_eq!(timeouts.set_port(of(9, 5)), Err(TooManyPorts));
        assert_eq!(timeouts, before);
        // The last port that has a timeout may change it.
        timeouts.set_port(of(0, 2)).unwrap();
        timeouts.set_port(of(4, 5)).unwrap();
        for (port, secs) in [
            (0, 2),
            (1, 2),
            (2, 3),
            (3, 4),
            (4, 5),
            (5, 2),
            (6, 3),
            (7, 4),
        ] {
            let slot = timeouts.port(L4Proto::Tcp, port).unwrap();
            assert_eq!(timeouts.at(slot), Duration::from_secs(secs), "{port}");
        }
    }
}
