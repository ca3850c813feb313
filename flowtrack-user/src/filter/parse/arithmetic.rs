//! Numbers that depend on the packet, and comparisons of them.

use flowtrack_common::abi::filter::{SCRATCH_CELLS, calculate};
use winnow::{
    Parser,
    combinator::{alt, opt},
    stream::Location,
};

use super::{
    Input, Parsed,
    failure::{complain_at, expected, note},
    nested, token, words,
};
use crate::filter::tree::{Arithmetic, Comparison, Operation, Protocol, Relation, Size};

/// What stands on either side of an operation.
const NUMBER: &str = "a number or `ip[8]`";

/// Signs of operations, those that bind least first. Those of a row bind equally, from left to right.
const LEVELS: [fn(&mut Input<'_>) -> Parsed<Operation>; 5] = [
    |input| {
        let sign = token::sign_before("|", '|');
        sign.value(Operation::Or).parse_next(input)
    },
    |input| {
        let sign = token::sign_before("&", '&');
        sign.value(Operation::And).parse_next(input)
    },
    |input| {
        alt((
            token::sign("<<").value(Operation::ShiftLeft),
            token::sign(">>").value(Operation::ShiftRight),
        ))
        .parse_next(input)
    },
    |input| {
        alt((
            token::sign("+").value(Operation::Add),
            token::sign("-").value(Operation::Subtract),
        ))
        .parse_next(input)
    },
    |input| {
        alt((
            token::sign("*").value(Operation::Multiply),
            token::sign("/").value(Operation::Divide),
        ))
        .parse_next(input)
    },
];

/// Two numbers with a comparison between them.
pub(super) fn relation(input: &mut Input<'_>) -> Parsed<Relation> {
    let start = input.current_token_start();
    let left = operations(input, 0)?;
    let (comparison, negated) = comparison(input)?;
    note(input, NUMBER);
    let right = operations(input, 0)?;
    if left.cells().max(1 + right.cells()) > SCRATCH_CELLS {
        let end = input.previous_token_end();
        let message = "too many results are needed at once here";
        return Err(complain_at(input, start..end, message));
    }
    Ok(Relation {
        left,
        comparison,
        negated,
        right,
    })
}

/// A comparison, and whether it must not hold.
fn comparison(input: &mut Input<'_>) -> Parsed<(Comparison, bool)> {
    note(input, "a comparison");
    alt((
        token::sign(">=").value((Comparison::AtLeast, false)),
        token::sign("<=").value((Comparison::Greater, true)),
        token::sign("!=").value((Comparison::Equal, true)),
        token::sign("==").value((Comparison::Equal, false)),
        token::sign("=").value((Comparison::Equal, false)),
        token::sign(">").value((Comparison::Greater, false)),
        token::sign("<").value((Comparison::AtLeast, true)),
    ))
    .parse_next(input)
}

/// Operations that bind at least as strongly as those of a row of [`LEVELS`].
fn operations(input: &mut Input<'_>, level: usize) -> Parsed<Arithmetic> {
    let Some(operation) = LEVELS.get(level) else {
        return operand(input);
    };
    let mut left = operations(input, level + 1)?;
    loop {
        let start = input.current_token_start();
        let Some(operation) = opt(*operation).parse_next(input)? else {
            return Ok(left);
        };
        note(input, NUMBER);
        let right = operations(input, level + 1)?;
        left = left.joined(operation, right).map_err(|message| {
            let end = input.previous_token_end();
            complain_at(input, start..end, message)
        })?;
    }
}

/// One number. The grammar of tcpdump does not say how strongly `%` and `^` bind; there they take the
/// number before them and all that is behind them, and so they do here.
fn operand(input: &mut Input<'_>) -> Parsed<Arithmetic> {
    let start = input.current_token_start();
    let left = single(input)?;
    let mut operation = alt((
        token::sign("%").value(Operation::Modulo),
        token::sign("^").value(Operation::Xor),
    ));
    let Some(operation) = opt(operation.by_ref()).parse_next(input)? else {
        return Ok(left);
    };
    let right = nested(input, |input| operations(input, 0))?;
    left.joined(operation, right).map_err(|message| {
        let end = input.previous_token_end();
        complain_at(input, start..end, message)
    })
}

fn single(input: &mut Input<'_>) -> Parsed<Arithmetic> {
    if opt(token::sign("-")).parse_next(input)?.is_some() {
        let operand = nested(input, operand)?;
        let zero = Arithmetic::Number(0);
        return Ok(
            Arithmetic::Binary(Operation::Subtract, Box::new(zero), Box::new(operand)).folded(),
        );
    }
    if opt(token::sign("(")).parse_next(input)?.is_some() {
        let inner = nested(input, |input| operations(input, 0))?;
        token::sign(")").parse_next(input)?;
        return Ok(inner);
    }
    let length = alt((token::keyword("len"), token::keyword("length")));
    let constant = token::one_of(words::CONSTANTS).map(Arithmetic::Number);
    let number = |input: &mut Input<'_>| token::any_number(input, u32::MAX);
    alt((
        length.value(Arithmetic::Length),
        constant,
        load,
        number.map(Arithmetic::Number),
    ))
    .parse_next(input)
}

/// `protocol[index]` or `protocol[index:size]`.
fn load(input: &mut Input<'_>) -> Parsed<Arithmetic> {
    let start = input.current_token_start();
    let protocol = token::one_of(words::PROTOCOLS).parse_next(input)?;
    token::sign("[").parse_next(input)?;
    if matches!(protocol, Protocol::Ah | Protocol::Esp) {
        let end = input.previous_token_end();
        let message = "bytes of this protocol cannot be looked at";
        return Err(complain_at(input, start..end, message));
    }
    let index = nested(input, |input| operations(input, 0))?;
    let size = if opt(token::sign(":")).parse_next(input)?.is_some() {
        size(input)?
    } else {
        Size::Byte
    };
    note(input, "`]`");
    token::sign("]").parse_next(input)?;
    Ok(Arithmetic::Load(protocol, Box::new(index), size))
}

fn size(input: &mut Input<'_>) -> Parsed<Size> {
    let thing = "1, 2 or 4 bytes";
    let start = input.clone();
    match token::number(input, u32::MAX, thing)? {
        1 => Ok(Size::Byte),
        2 => Ok(Size::Half),
        4 => Ok(Size::Word),
        _ => {
            input.input = start.input;
            Err(expected(input, thing))
        }
    }
}

impl Arithmetic {
    /// The result of an operation, which is a number if it can be had now.
    fn joined(self, operation: Operation, right: Self) -> Result<Self, &'static str> {
        match (operation, &right) {
            (Operation::Divide | Operation::Modulo, Self::Number(0)) => Err("division by 0"),
            (Operation::ShiftLeft | Operation::ShiftRight, Self::Number(32..)) => {
                Err("shifted by more than 31 bits")
            }
            _ => Ok(Self::Binary(operation, Box::new(self), Box::new(right)).folded()),
        }
    }

    fn folded(self) -> Self {
        let Self::Binary(operation, left, right) = &self else {
            return self;
        };
        match (&**left, &**right) {
            (&Self::Number(left), &Self::Number(right)) => {
                calculate(operation.code(), left, right).map_or(self, Self::Number)
            }
            _ => self,
        }
    }

    /// Results that must be kept while this one is worked out.
    fn cells(&self) -> usize {
        match self {
            Self::Number(_) | Self::Length => 0,
            Self::Load(_, index, _) => index.cells(),
            Self::Binary(_, left, right) => match **right {
                Self::Number(_) => left.cells(),
                _ => left.cells().max(1 + right.cells()),
            },
        }
    }
}
