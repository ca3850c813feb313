//! Filters: which packets are wanted, in the language of tcpdump (pcap-filter(7)).
//!
//! An expression is read once ([`Filter::parse`]) and becomes a short program for each link layer. The
//! program for Ethernet can be given to the XDP program if it is short enough, so that packets that are
//! not wanted never leave the kernel; the same code runs it there and here, so both decide alike.
//!
//! Only the outer headers of a frame are looked at.
#![forbid(unsafe_code)]

mod compile;
mod error;
mod frame;
mod parse;
mod services;
mod tree;

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr, sync::Arc};

use flowtrack_common::{
    Frame,
    abi::filter::{FilterProgram, Instruction, run},
};

use self::compile::Link;
pub use self::error::FilterError;

/// An expression that tells which packets are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    text: Arc<str>,
    /// One for each link layer, in the order of [`Link::ALL`].
    programs: Arc<[Box<[Instruction]>]>,
}

impl Filter {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let expr = parse::parse(text)?;
        let programs: Option<_> = Link::ALL
            .iter()
            .map(|link| compile::compile(&expr, *link))
            .collect();
        let too_long = || FilterError::new(text, 0..text.len(), "this is too long".to_owned());
        Ok(Self {
            text: text.into(),
            programs: programs.ok_or_else(too_long)?,
        })
    }

    /// Whether `frame` is wanted. As for tcpdump, one that ends before the bytes that decide is not.
    #[inline]
    pub fn accepts(&self, frame: &Frame<'_>) -> bool {
        let (link, bytes) = frame::outermost(frame);
        let program = self.programs.get(link as usize);
        program.is_some_and(|program| run(program, &bytes))
    }

    /// Instructions of the program for Ethernet frames.
    pub fn steps(&self) -> usize {
        let program = self.programs.get(Link::Ethernet as usize);
        program.map_or(0, |program| program.len())
    }

    /// The program for the kernel, for Ethernet frames; `None` if it is too long for it.
    pub fn kernel(&self) -> Option<FilterProgram> {
        FilterProgram::new(self.programs.get(Link::Ethernet as usize)?)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    /// The expression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
