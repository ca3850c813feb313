//! What can be set of a tracker.

use std::time::Duration;

use flowtrack_common::{FlowState, L4Proto};

use super::{
    FiveTuple,
    entry::{Flow, LISTS},
    recent::RecentFlows,
};
use crate::table::FlowTable;

/// Size and timeouts of a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerConfig {
    /// Flows that the table holds; it is allocated once.
    pub max_flows: usize,
    /// When a silent flow is over.
    pub timeouts: Timeouts,
    /// A flow that was active for so long gives a record, and goes on.
    pub active_timeout: Option<Duration>,
    /// Which side is the initiator.
    pub direction: Direction,
    /// TCP's FIN, RST and SYN end flows and start new ones. Else only timeouts do, as in NetFlow.
    pub tcp_ends_flows: bool,
    /// What established flows of both sides keep of the table, whatever else comes.
    pub established_share: Share,
    /// Make anomaly events.
    pub emit_anomalies: bool,
    /// Time in which a flow reports each kind of anomaly once for each side, and the tracker reports
    /// pressure on its table once.
    pub anomaly_interval: Duration,
    /// Half-open flows to one destination, beyond those completed, that are a SYN flood if they come
    /// in one such interval.
    pub syn_flood_threshold: u32,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// So many
    pub parts: u32,
    /// of so many.
    pub of: u32,
}

impl Share {
    /// The share of `whole`, rounded down; at most all of it.
    pub fn floor(self, whole: usize) -> usize {
        let parts = u128::from(self.parts) * whole as u128;
        let share = parts.checked_div(u128::from(self.of)).unwrap_or(0);
        usize::try_from(share).map_or(whole, |share| share.min(whole))
    }
}

/// Which side is the initiator, where no SYN tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The sender of the first packet, unless the flow is a part of one that was seen before.
    #[default]
    FirstPacket,
    /// As Zeek has it: the sender of the first packet, unless that comes from a port that servers use
    /// and goes to one that they do not.
    LikelyServer,
}

/// There is not enough memory for the flow tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{tables} tables for {flows} flows take {mebibytes} MiB, which cannot be had; a smaller \
     --max-flows takes less"
)]
pub struct NotEnoughMemory {
    /// Number of tables.
    pub tables: usize,
    /// Flows in each.
    pub flows: usize,
    /// What they take in all.
    pub mebibytes: usize,
}

impl TrackerConfig {
    /// Flows as Zeek has them: the rows of its `conn.log`.
    pub fn zeek() -> Self {
        Self {
            direction: Direction::LikelyServer,
            ..Self::default()
        }
    }

    /// Flows as `NetFlow` has them: only timeouts end them.
    pub fn netflow() -> Self {
        Self {
            tcp_ends_flows: false,
            ..Self::default()
        }
    }

    /// Finds out whether there is memory for the tables of so many trackers.
    pub fn check_memory(&self, trackers: usize) -> Result<(), NotEnoughMemory> {
        let table = FlowTable::<FiveTuple, Flow, LISTS>::memory(self.max_flows);
        let recent = RecentFlows::memory(self.max_flows);
        let bytes = table.saturating_add(recent).saturating_mul(trackers);
        // Reserved memory is not touched, so asking for it costs nothing.
        Vec::<u8>::new()
            .try_reserve_exact(bytes)
            .map_err(|_| NotEnoughMemory {
                tables: trackers,
                flows: self.max_flows,
                mebibytes: bytes >> 20,
            })
    }
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            max_flows: 1 << 18,
            timeouts: Timeouts::default(),
            active_timeout: None,
            direction: Direction::FirstPacket,
            tcp_ends_flows: true,
            established_share: Share { parts: 7, of: 8 },
            emit_anomalies: false,
            anomaly_interval: Duration::from_secs(1),
            syn_flood_threshold: 1000,
        }
    }
}

/// Time without a packet after which a flow is over, by protocol and state.
///
/// The defaults are those of Zeek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts([Duration; TimeoutClass::ALL.len()]);

impl Timeouts {
    /// The timeout of a class.
    pub fn get(&self, class: TimeoutClass) -> Duration {
        self.0[class.index()]
    }

    /// Sets the timeout of a class.
    pub fn set(&mut self, class: TimeoutClass, timeout: Duration) {
        self.0[class.index()] = timeout;
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self(TimeoutClass::ALL.map(|class| {
            Duration::from_secs(match class {
                TimeoutClass::TcpOpening | TimeoutClass::TcpLinger => 5,
                TimeoutClass::TcpOpen | TimeoutClass::TcpClosing => 300,
                TimeoutClass::Udp | TimeoutClass::Icmp | TimeoutClass::Other => 60,
            })
        }))
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
