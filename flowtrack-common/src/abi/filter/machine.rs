//! Runs a filter: the same code in the XDP program and in user space.

use super::{Instruction, SCRATCH_CELLS, op};

/// A packet that a filter looks at. What lies beyond the captured bytes is `None`.
pub trait Packet {
    /// Bytes on the wire.
    fn wire_len(&self) -> u32;
    /// The byte at an offset from the first byte of the link layer.
    fn byte(&self, at: u32) -> Option<u8>;
    /// Two bytes, in network byte order.
    fn half(&self, at: u32) -> Option<u16>;
    /// Four bytes, in network byte order.
    fn word(&self, at: u32) -> Option<u32>;
}

/// Whether `program` wants `packet`. It takes no more steps than it has instructions; one that has
/// not decided by then does not want it.
pub fn run(program: &[Instruction], packet: &impl Packet) -> bool {
    let mut machine = Machine::default();
    let mut at = 0;
    for _ in 0..program.len() {
        let Some(instruction) = program.get(usize::from(at)) else {
            return false;
        };
        match machine.step(at, instruction, packet) {
            Some(Step::GoTo(next)) => at = next,
            Some(Step::Accept) => return true,
            None => return false,
        }
    }
    false
}

/// What an instruction leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// On to the instruction with this number.
    GoTo(u16),
    /// The packet is wanted.
    Accept,
}

/// The registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine {
    a: u32,
    x: u32,
    scratch: [u32; SCRATCH_CELLS],
}

impl Machine {
    /// Runs the instruction with the number `at`; `None` if it rejects the packet.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop around it is all there is")]
    pub fn step(
        &mut self,
        at: u16,
        instruction: &Instruction,
        packet: &impl Packet,
    ) -> Option<Step> {
        let Instruction {
            op,
            yes,
            no,
            k,
            mask,
        } = *instruction;
        let by_index = op & op::BY_INDEX != 0;
        let operand = if by_index { self.x } else { k };
        let place = if by_index { self.x.checked_add(k)? } else { k };
        let test = match op & !op::BY_INDEX {
            op::EQUAL => Some(self.a & mask == operand),
            op::GREATER => Some(self.a > operand),
            op::AT_LEAST => Some(self.a >= operand),
            op::WITHIN => Some(operand <= self.a && self.a <= mask),
            _ => None,
        };
        if let Some(holds) = test {
            return Some(Step::GoTo(if holds { yes } else { no }));
        }
        match op & !op::BY_INDEX {
            op::LOAD_BYTE => self.a = packet.byte(place)?.into(),
            op::LOAD_HALF => self.a = packet.half(place)?.into(),
            op::LOAD_WORD => self.a = packet.word(place)?,
            op::LENGTH => self.a = packet.wire_len(),
            op::CONSTANT => self.a = k,
            op::HEADER_LENGTH => self.x = u32::from(packet.byte(place)? & 0xf) * 4,
            op::TO_INDEX => self.x = self.a,
            op::STORE => *self.cell(k)? = self.a,
            op::RECALL => self.a = *self.cell(k)?,
            op::ACCEPT => return Some(Step::Accept),
            operation => self.a = calculate(operation, self.a, operand)?,
        }
        Some(Step::GoTo(at.wrapping_add(1)))
    }

    fn cell(&mut self, number: u32) -> Option<&mut u32> {
        self.scratch.get_mut(number as usize % SCRATCH_CELLS)
    }
}

/// The result of an operation, by its number in [`op`]; `None` if it has none, or there is no such
/// operation.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the loop around it is all there is")]
pub fn calculate(operation: u32, a: u32, operand: u32) -> Option<u32> {
    Some(match operation {
        op::ADD => a.wrapping_add(operand),
        op::SUBTRACT => a.wrapping_sub(operand),
        op::MULTIPLY => a.wrapping_mul(operand),
        op::DIVIDE => a.checked_div(operand)?,
        op::MODULO => a.checked_rem(operand)?,
        op::AND => a & operand,
        op::OR => a | operand,
        op::XOR => a ^ operand,
        op::SHIFT_LEFT => a.checked_shl(operand).unwrap_or(0),
        op::SHIFT_RIGHT => a.checked_shr(operand).unwrap_or(0),
        _ => return None,
    })
}
