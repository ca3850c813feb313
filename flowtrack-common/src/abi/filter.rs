//! Filters as the XDP program and user space run them: a few instructions with jumps, in the manner of
//! the BSD Packet Filter (McCanne and Jacobson, 1993).
//!
//! An instruction either changes the accumulator A, the index X or one of a few scratch cells and goes
//! on with the next one, or it tests A and jumps forward, or it decides. A load beyond the captured
//! bytes, and a division by 0, reject the packet.

mod machine;

pub use self::machine::{Machine, Packet, Step, calculate, run};

/// `BPF_MAP_TYPE_ARRAY` of two [`FilterProgram`]: while one decides, the other can be written.
pub const FILTERS_MAP: &str = "FILTERS";
/// Slots of [`FILTERS_MAP`]. Slot n is the filter n + 1 of [`super::CaptureSettings::filter`].
pub const FILTER_SLOTS: u32 = 2;
/// Instructions that a program in the kernel can have.
pub const MAX_INSTRUCTIONS: usize = 256;
/// Scratch cells; a power of two.
pub const SCRATCH_CELLS: usize = 4;

/// What an instruction does.
pub mod op {
    /// A = byte at k.
    pub const LOAD_BYTE: u32 = 0;
    /// A = two bytes at k, in network byte order.
    pub const LOAD_HALF: u32 = 1;
    /// A = four bytes at k, in network byte order.
    pub const LOAD_WORD: u32 = 2;
    /// A = length of the packet on the wire.
    pub const LENGTH: u32 = 3;
    /// A = k.
    pub const CONSTANT: u32 = 4;
    /// X = length of the IPv4 header that begins at k.
    pub const HEADER_LENGTH: u32 = 5;
    /// X = A.
    pub const TO_INDEX: u32 = 6;
    /// Scratch cell k = A.
    pub const STORE: u32 = 7;
    /// A = scratch cell k.
    pub const RECALL: u32 = 8;

    /// A = A + k, and so on; all of them wrap around.
    pub const ADD: u32 = 16;
    /// Difference.
    pub const SUBTRACT: u32 = 17;
    /// Product.
    pub const MULTIPLY: u32 = 18;
    /// Quotient.
    pub const DIVIDE: u32 = 19;
    /// Remainder.
    pub const MODULO: u32 = 20;
    /// Bitwise and.
    pub const AND: u32 = 21;
    /// Bitwise or.
    pub const OR: u32 = 22;
    /// Bitwise exclusive or.
    pub const XOR: u32 = 23;
    /// Shift to the left; 0 from 32 bits on.
    pub const SHIFT_LEFT: u32 = 24;
    /// Shift to the right; 0 from 32 bits on.
    pub const SHIFT_RIGHT: u32 = 25;

    /// Whether A and the mask give k.
    pub const EQUAL: u32 = 32;
    /// Whether A > k.
    pub const GREATER: u32 = 33;
    /// Whether A >= k.
    pub const AT_LEAST: u32 = 34;
    /// Whether k <= A <= mask.
    pub const WITHIN: u32 = 35;

    /// The packet is wanted.
    pub const ACCEPT: u32 = 48;
    /// The packet is not wanted.
    pub const REJECT: u32 = 49;

    /// Added to a load: the place is X + k. Added to an operation or a test: X instead of k.
    pub const BY_INDEX: u32 = 0x100;
}

/// One step of a filter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// What is done, of [`op`]. Any other number rejects the packet.
    pub op: u32,
    /// Where a test goes on when it holds: number of an instruction behind this one.
    pub yes: u16,
    /// Where it goes on when it does not.
    pub no: u16,
    /// Operand.
    pub k: u32,
    /// Bits of A that [`op::EQUAL`] looks at; upper end of [`op::WITHIN`].
    pub mask: u32,
}

/// A filter in the kernel: the instructions, and after them whatever.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterProgram {
    /// The first one is the first to run.
    pub instructions: [Instruction; MAX_INSTRUCTIONS],
}

impl FilterProgram {
    /// The program of these instructions, if they fit.
    pub fn new(instructions: &[Instruction]) -> Option<Self> {
        let mut program = Self {
            instructions: [Instruction {
                op: op::REJECT,
                ..Instruction::default()
            }; MAX_INSTRUCTIONS],
        };
        program
            .instructions
            .get_mut(..instructions.len())?
            .copy_from_slice(instructions);
        Some(program)
    }
}

const _: () = assert!(size_of::<Instruction>() == 16);
const _: () = assert!(size_of::<FilterProgram>() == 16 * MAX_INSTRUCTIONS);
const _: () = assert!(SCRATCH_CELLS.is_power_of_two());

#[cfg(feature = "user")]
// SAFETY: an array of structures of three u32 and two u16, no padding, valid for every bit pattern.
unsafe impl aya::Pod for FilterProgram {}
