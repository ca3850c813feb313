//! Comparisons of numbers.

use flowtrack_common::abi::filter::op;

use super::{
    Compiler, Exits, Load,
    link::{IPV4, IPV6},
    protocol::{ICMP6, IPV6_LEN, IPV6_NEXT},
};
use crate::filter::tree::{Arithmetic, Comparison, Operation, Protocol, Relation, Size};

impl Compiler {
    /// The packet must have all that is loaded; then the comparison is made.
    pub(super) fn relation(&mut self, relation: &Relation) -> Exits {
        let Relation {
            left,
            comparison,
            negated,
            right,
        } = relation;
        let mut loaded = Vec::new();
        left.protocols(&mut loaded);
        right.protocols(&mut loaded);
        let present = self.all(&loaded, |compiler, protocol| compiler.has_header(*protocol));
        self.and(present, |compiler| {
            let Exits { yes, no } = compiler.compare(left, *comparison, right);
            if *negated {
                Exits { yes: no, no: yes }
            } else {
                Exits { yes, no }
            }
        })
    }

    fn compare(&mut self, left: &Arithmetic, comparison: Comparison, right: &Arithmetic) -> Exits {
        let op = match comparison {
            Comparison::Equal => op::EQUAL,
            Comparison::Greater => op::GREATER,
            Comparison::AtLeast => op::AT_LEAST,
        };
        match (left, comparison, right) {
            (
                Arithmetic::Binary(Operation::And, left, mask),
                Comparison::Equal,
                Arithmetic::Number(number),
            ) if let Arithmetic::Number(mask) = **mask => {
                self.evaluate(left, 0);
                self.check(op, *number, mask)
            }
            (_, _, Arithmetic::Number(number)) => {
                self.evaluate(left, 0);
                self.check(op, *number, u32::MAX)
            }
            _ => {
                self.evaluate_both(left, right, 0);
                self.check(op | op::BY_INDEX, 0, u32::MAX)
            }
        }
    }

    /// Whether the packet has a header of this protocol, where it is looked for.
    fn has_header(&mut self, protocol: Protocol) -> Exits {
        match protocol {
            Protocol::Link => self.always(),
            Protocol::Ip | Protocol::Ip6 | Protocol::Arp | Protocol::Rarp => {
                self.protocol(protocol)
            }
            // Without any extension header, not even that of a fragment.
            Protocol::Icmp6 => {
                let ip6 = self.ethertype(IPV6);
                let next = self.payload().saturating_add(IPV6_NEXT);
                self.and(ip6, |compiler| compiler.is(Size::Byte, next, ICMP6))
            }
            _ => {
                let ip = self.ethertype(IPV4);
                let within = self.and(ip, |compiler| compiler.protocol(protocol));
                self.and(within, Self::is_first_fragment)
            }
        }
    }

    /// A = the number. Scratch cells below `cell` are in use.
    fn evaluate(&mut self, number: &Arithmetic, cell: u32) {
        match number {
            Arithmetic::Number(number) => self.set(op::CONSTANT, *number),
            Arithmetic::Length => self.set(op::LENGTH, 0),
            Arithmetic::Load(protocol, index, size) => self.bytes(*protocol, index, *size, cell),
            Arithmetic::Binary(operation, left, right) => {
                if let Arithmetic::Number(number) = **right {
                    self.evaluate(left, cell);
                    self.set(operation.code(), number);
                } else {
                    self.evaluate_both(left, right, cell);
                    self.set(operation.code() | op::BY_INDEX, 0);
                }
            }
        }
    }

    /// A = `left`, X = `right`.
    fn evaluate_both(&mut self, left: &Arithmetic, right: &Arithmetic, cell: u32) {
        self.evaluate(left, cell);
        self.push(op::STORE, cell);
        self.evaluate(right, cell.saturating_add(1));
        self.set_index();
        self.set(op::RECALL, cell);
    }

    /// A = bytes behind the beginning of a header.
    fn bytes(&mut self, protocol: Protocol, index: &Arithmetic, size: Size, cell: u32) {
        let (base, behind_ip) = match protocol {
            Protocol::Link => (0, false),
            Protocol::Ip | Protocol::Ip6 | Protocol::Arp | Protocol::Rarp => {
                (self.payload(), false)
            }
            Protocol::Icmp6 => (self.payload().saturating_add(IPV6_LEN), false),
            _ => (self.payload(), true),
        };
        if let Arithmetic::Number(index) = index {
            if behind_ip {
                self.load_header_length();
            }
            // A place that no packet has stays one.
            let at = base.saturating_add(*index);
            self.load(Load {
                size,
                at,
                by_index: behind_ip,
            });
            return;
        }
        self.evaluate(index, cell);
        if behind_ip {
            self.load_header_length();
            self.set(op::ADD | op::BY_INDEX, 0);
        }
        self.set_index();
        self.registers.a = None;
        self.load(Load {
            size,
            at: base,
            by_index: true,
        });
        self.registers.a = None;
    }

    /// An instruction that changes A to what is not known here.
    fn set(&mut self, op: u32, k: u32) {
        self.push(op, k);
        self.registers.a = None;
    }

    fn set_index(&mut self) {
        self.push(op::TO_INDEX, 0);
        self.registers.x = None;
    }
}

impl Arithmetic {
    /// The protocols whose bytes are loaded. As for tcpdump, what stands to the right of an operation
    /// is loaded wherever it would be, and whatever lies there.
    fn protocols(&self, loaded: &mut Vec<Protocol>) {
        match self {
            Self::Number(_) | Self::Length => {}
            Self::Binary(_, left, _) => left.protocols(loaded),
            Self::Load(protocol, index, _) => {
                index.protocols(loaded);
                if *protocol != Protocol::Link && !loaded.contains(protocol) {
                    loaded.push(*protocol);
                }
            }
        }
    }
}
