//! From an expression to a program for one link layer.
//!
//! A test leaves two lists of jumps that have no target yet: those taken when it holds and those taken
//! when it does not. Whatever comes next gives them one.

mod address;
mod link;
mod port;
mod protocol;
mod relation;

use flowtrack_common::abi::filter::{Instruction, op};

pub(super) use self::link::Link;
use super::tree::{Chain, Expr, Junction, Protocol, Size, Test};

/// The program that decides `expr` for frames of a link layer; `None` if it would be too long for its
/// jumps.
pub(super) fn compile(expr: &Expr, link: Link) -> Option<Box<[Instruction]>> {
    let mut compiler = Compiler {
        link,
        tags: 0,
        code: Vec::new(),
        registers: Registers::default(),
    };
    let exits = compiler.expr(expr);
    for (jumps, op) in [(exits.yes, op::ACCEPT), (exits.no, op::REJECT)] {
        if !jumps.is_empty() {
            compiler.arrive(&jumps);
            compiler.push(op, 0);
        }
    }
    let fits = u16::try_from(compiler.code.len()).is_ok();
    fits.then(|| compiler.code.into_boxed_slice())
}

struct Compiler {
    link: Link,
    /// Bytes of the VLAN tags that the expression has asked for so far.
    tags: u32,
    code: Vec<Instruction>,
    registers: Registers,
}

/// What the registers are known to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Registers {
    a: Option<Load>,
    /// The length of the IPv4 header that begins there.
    x: Option<u32>,
}

/// Bytes of a packet: at a place, or so far behind the length of the IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Load {
    size: Size,
    at: u32,
    by_index: bool,
}

/// Jumps that have no target yet.
#[derive(Default)]
struct Exits {
    yes: Vec<Jump>,
    no: Vec<Jump>,
}

struct Jump {
    /// The instruction that jumps.
    from: usize,
    /// When its test holds, or when it does not.
    when: bool,
    registers: Registers,
}

impl Load {
    fn at(size: Size, at: u32) -> Self {
        Self {
            size,
            at,
            by_index: false,
        }
    }
}

impl Compiler {
    fn expr(&mut self, expr: &Expr) -> Exits {
        match expr {
            Expr::Test(test) => self.test(test),
            Expr::Not(inner) => {
                let Exits { yes, no } = self.expr(inner);
                Exits { yes: no, no: yes }
            }
            Expr::Chain(Chain { first, rest }) => {
                let mut exits = self.expr(first);
                for (junction, term) in rest {
                    exits = match junction {
                        Junction::And => self.and(exits, |compiler| compiler.expr(term)),
                        Junction::Or => self.or(exits, |compiler| compiler.expr(term)),
                    };
                }
                exits
            }
        }
    }

    fn test(&mut self, test: &Test) -> Exits {
        match test {
            Test::Protocol(protocol) => self.protocol(*protocol),
            Test::Number(within, number) => self.number(*within, *number),
            Test::Net(within, direction, nets) => self.nets(*within, *direction, nets),
            Test::Port(protocol, direction, ports) => self.ports(*protocol, *direction, ports),
            Test::Mac(direction, address) => self.mac(*direction, *address),
            Test::Vlan(id) => self.vlan(*id),
            Test::Multicast(Protocol::Ip) => self.ip_multicast(),
            Test::Multicast(Protocol::Ip6) => self.ip6_multicast(),
            Test::Multicast(_) => self.mac_multicast(),
            Test::Broadcast(Protocol::Ip) => self.ip_broadcast(),
            Test::Broadcast(_) => self.mac_broadcast(),
            Test::Relation(relation) => self.relation(relation),
        }
    }

    /// What `then` tests, if the test before it holds.
    fn and(&mut self, before: Exits, then: impl FnOnce(&mut Self) -> Exits) -> Exits {
        let mut exits = self.behind(&before.yes, then);
        exits.no.extend(before.no);
        exits
    }

    /// What `then` tests, if the test before it does not hold.
    fn or(&mut self, before: Exits, then: impl FnOnce(&mut Self) -> Exits) -> Exits {
        let mut exits = self.behind(&before.no, then);
        exits.yes.extend(before.yes);
        exits
    }

    /// One of two tests, depending on another one.
    fn choose(
        &mut self,
        before: &Exits,
        then: impl FnOnce(&mut Self) -> Exits,
        otherwise: impl FnOnce(&mut Self) -> Exits,
    ) -> Exits {
        let mut exits = self.behind(&before.yes, then);
        let Exits { yes, no } = self.behind(&before.no, otherwise);
        exits.yes.extend(yes);
        exits.no.extend(no);
        exits
    }

    /// Whether the test holds for any of `items`.
    fn any<T>(&mut self, items: &[T], test: impl Fn(&mut Self, &T) -> Exits) -> Exits {
        let Some((first, others)) = items.split_first() else {
            return self.never();
        };
        let first = test(self, first);
        others.iter().fold(first, |exits, item| {
            self.or(exits, |compiler| test(compiler, item))
        })
    }

    /// Whether the test holds for all of `items`.
    fn all<T>(&mut self, items: &[T], test: impl Fn(&mut Self, &T) -> Exits) -> Exits {
        let Some((first, others)) = items.split_first() else {
            return self.always();
        };
        let first = test(self, first);
        others.iter().fold(first, |exits, item| {
            self.and(exits, |compiler| test(compiler, item))
        })
    }

    /// What `then` tests, where `jumps` end. If nothing gets there it leaves no code.
    fn behind(&mut self, jumps: &[Jump], then: impl FnOnce(&mut Self) -> Exits) -> Exits {
        let start = self.code.len();
        self.arrive(jumps);
        let exits = then(self);
        if jumps.is_empty() {
            self.code.truncate(start);
            return Exits::default();
        }
        exits
    }

    /// Lets the jumps end here. What they agree on about the registers is known from now on.
    fn arrive(&mut self, jumps: &[Jump]) {
        // A target that does not fit makes the program too long, which is found at the end.
        let target = u16::try_from(self.code.len()).unwrap_or(u16::MAX);
        for jump in jumps {
            if let Some(instruction) = self.code.get_mut(jump.from) {
                if jump.when {
                    instruction.yes = target;
                } else {
                    instruction.no = target;
                }
            }
        }
        let known = jumps.iter().map(|jump| jump.registers);
        self.registers = known
            .reduce(|one, other| Registers {
                a: one.a.filter(|_| one.a == other.a),
                x: one.x.filter(|_| one.x == other.x),
            })
            .unwrap_or_default();
    }

    fn push(&mut self, op: u32, k: u32) {
        self.code.push(Instruction {
            op,
            k,
            ..Instruction::default()
        });
    }

    /// A = the bytes; if it does not hold them yet.
    fn load(&mut self, load: Load) {
        if self.registers.a == Some(load) {
            return;
        }
        let op = match load.size {
            Size::Byte => op::LOAD_BYTE,
            Size::Half => op::LOAD_HALF,
            Size::Word => op::LOAD_WORD,
        };
        self.push(op | by_index(load.by_index), load.at);
        self.registers.a = Some(load);
    }

    /// X = the length of the IPv4 header, if it does not hold that yet.
    fn load_header_length(&mut self) {
        let at = self.payload();
        if self.registers.x != Some(at) {
            self.push(op::HEADER_LENGTH, at);
            self.registers.x = Some(at);
        }
    }

    /// Tests A.
    fn check(&mut self, op: u32, k: u32, mask: u32) -> Exits {
        let from = self.code.len();
        self.code.push(Instruction {
            op,
            k,
            mask,
            ..Instruction::default()
        });
        let registers = self.registers;
        let jump = |when| Jump {
            from,
            when,
            registers,
        };
        Exits {
            yes: vec![jump(true)],
            no: vec![jump(false)],
        }
    }

    /// Whether the bytes have this value.
    fn is(&mut self, size: Size, at: u32, value: u32) -> Exits {
        self.is_masked(size, at, value, u32::MAX)
    }

    /// Whether the bytes have this value where the mask has ones.
    fn is_masked(&mut self, size: Size, at: u32, value: u32, mask: u32) -> Exits {
        self.load(Load::at(size, at));
        self.check(op::EQUAL, value, mask)
    }

    /// A test that holds.
    fn always(&mut self) -> Exits {
        let Exits { yes, .. } = self.check(op::EQUAL, 0, 0);
        Exits {
            yes,
            no: Vec::new(),
        }
    }

    /// A test that does not hold.
    fn never(&mut self) -> Exits {
        let Exits { no, .. } = self.check(op::EQUAL, 1, 0);
        Exits {
            yes: Vec::new(),
            no,
        }
    }
}

fn by_index(by_index: bool) -> u32 {
    if by_index { op::BY_INDEX } else { 0 }
}
