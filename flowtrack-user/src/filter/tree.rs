//! What a filter expression says, apart from how it is written and from how it is decided.

use flowtrack_common::abi::filter::op;

/// A protocol that the language has a word for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The link layer: `ether` or `link`.
    Link,
    Ip,
    Ip6,
    Arp,
    Rarp,
    Tcp,
    Udp,
    Sctp,
    Icmp,
    Icmp6,
    Igmp,
    Pim,
    Vrrp,
    Ah,
    Esp,
}

/// Which of the two addresses or ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    Either,
    Both,
}

/// Tests, joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Test(Test),
    Not(Box<Expr>),
    Chain(Chain),
}

/// Terms from left to right: "and" and "or" bind equally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) first: Box<Expr>,
    pub(super) rest: Vec<(Junction, Expr)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Junction {
    And,
    Or,
}

/// Something that a packet is or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Protocol(Protocol),
    /// A protocol number in [`Protocol::Link`] (EtherType or SAP), in IPv4, in IPv6, or in either of
    /// these.
    Number(Option<Protocol>, u32),
    /// Addresses, in IPv4, IPv6, ARP or RARP, or wherever they may be.
    Net(Option<Protocol>, Direction, Vec<Net>),
    /// Ports of TCP, UDP, SCTP, or of any of these.
    Port(Option<Protocol>, Direction, Vec<Ports>),
    Mac(Direction, [u8; 6]),
    /// A VLAN tag, of this VLAN if there is a number. What is tested behind it lies within the tag.
    Vlan(Option<u16>),
    /// Of [`Protocol::Link`], IPv4 or IPv6.
    Multicast(Protocol),
    /// Of [`Protocol::Link`] or IPv4.
    Broadcast(Protocol),
    Relation(Relation),
}

/// Addresses with a common prefix. Outside the mask there are zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Net {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

/// Ports from one to the other, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) first: u16,
    pub(super) last: u16,
}

/// Two numbers compared. It does not hold where a number cannot be had: no packet of that protocol, or
/// a later fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) left: Arithmetic,
    pub(super) comparison: Comparison,
    /// The comparison must not hold.
    pub(super) negated: bool,
    pub(super) right: Arithmetic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Greater,
    AtLeast,
}

/// A number of 32 bits that depends on the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Number(u32),
    /// Bytes of the packet on the wire.
    Length,
    /// Bytes of a header or of what follows it.
    Load(Protocol, Box<Arithmetic>, Size),
    Binary(Operation, Box<Arithmetic>, Box<Arithmetic>),
}

/// How many bytes make a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Byte,
    Half,
    Word,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

impl Expr {
    /// The opposite of it, if `negated`.
    pub(super) fn negated(self, negated: bool) -> Self {
        if negated {
            Self::Not(Box::new(self))
        } else {
            self
        }
    }
}

impl From<Test> for Expr {
    fn from(test: Test) -> Self {
        Self::Test(test)
    }
}

impl Chain {
    pub(super) fn new(first: Expr) -> Self {
        Self {
            first: Box::new(first),
            rest: Vec::new(),
        }
    }

    /// Adds a term at the end. Ports, and addresses, that only widen the choice join the ones before
    /// them: then each header is looked at once for all.
    pub(super) fn push(&mut self, junction: Junction, term: Expr) {
        let last = match self.rest.last_mut() {
            None => Some(&mut *self.first),
            Some((Junction::Or, last)) => Some(last),
            Some((Junction::And, _)) => None,
        };
        if junction == Junction::Or
            && let Some(Expr::Test(last)) = last
            && let Expr::Test(test) = &term
            && last.widen(test)
        {
            return;
        }
        self.rest.push((junction, term));
    }

    pub(super) fn into_expr(self) -> Expr {
        if self.rest.is_empty() {
            *self.first
        } else {
            Expr::Chain(self)
        }
    }
}

impl Test {
    /// Lets this test hold where `other` does, if the two are of one kind.
    fn widen(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Net(within, direction, nets), Self::Net(in_other, to, others))
                if (*within, *direction) == (*in_other, *to) && *to != Direction::Both =>
            {
                nets.extend(others);
                true
            }
            (Self::Port(within, direction, ports), Self::Port(in_other, to, others))
                if (*within, *direction) == (*in_other, *to) && *to != Direction::Both =>
            {
                ports.extend(others);
                true
            }
            _ => false,
        }
    }
}

impl Operation {
    /// Its number, of [`op`].
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Add => op::ADD,
            Self::Subtract => op::SUBTRACT,
            Self::Multiply => op::MULTIPLY,
            Self::Divide => op::DIVIDE,
            Self::Modulo => op::MODULO,
            Self::And => op::AND,
            Self::Or => op::OR,
            Self::Xor => op::XOR,
            Self::ShiftLeft => op::SHIFT_LEFT,
            Self::ShiftRight => op::SHIFT_RIGHT,
        }
    }
}
