//! The language of filters, which is that of tcpdump (pcap-filter(7)): text to [`Expr`].

mod address;
mod arithmetic;
mod failure;
mod port;
mod qualifier;
mod term;
mod token;
mod words;

use winnow::{
    Parser,
    combinator::eof,
    error::{EmptyError, ErrMode},
    stream::{LocatingSlice, Stateful},
};

use self::failure::Failure;
use super::{FilterError, tree::Expr};

/// Parentheses and the like within each other.
const MAX_NESTING: usize = 64;

/// What is left of the expression.
type Input<'a> = Stateful<LocatingSlice<&'a str>, State>;

/// What a parser gives. An error that is cut is final; else the words may be read in another way. What
/// is wrong stands in the [`State`].
type Parsed<T> = Result<T, ErrMode<EmptyError>>;

#[derive(Clone, Debug, Default)]
struct State {
    /// How deep in parentheses this is.
    depth: usize,
    failure: Failure,
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expr, FilterError> {
    let mut input = Stateful {
        input: LocatingSlice::new(text),
        state: State::default(),
    };
    whole(&mut input).map_err(|_| {
        let failure = &input.state.failure;
        FilterError::new(text, failure.at(text), failure.message())
    })
}

fn whole(input: &mut Input<'_>) -> Parsed<Expr> {
    token::space(input)?;
    let (expr, _) = term::chain(input, None)?;
    failure::note(input, "the end");
    eof.parse_next(input)?;
    Ok(expr)
}

/// Goes one level deeper.
fn nested<'a, T>(
    input: &mut Input<'a>,
    parser: impl FnOnce(&mut Input<'a>) -> Parsed<T>,
) -> Parsed<T> {
    if input.state.depth == MAX_NESTING {
        return Err(failure::complain(input, 1, "this is nested too deeply"));
    }
    input.state.depth += 1;
    let result = parser(input);
    input.state.depth -= 1;
    result
}
