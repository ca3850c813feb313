//! Tests and how they are joined.

use winnow::{
    Parser,
    combinator::{alt, opt},
    stream::Location,
};

use super::{
    Input, Parsed, arithmetic,
    failure::{complain, expected, note},
    nested,
    qualifier::{self, Kind, Qualifier},
    token, words,
};
use crate::filter::tree::{Arithmetic, Chain, Comparison, Expr, Protocol, Relation, Test};

const TEST: &str = "a test such as `port 80`";

/// The qualifier that holds for values without one.
type Carried = Option<Qualifier>;

/// Terms with "and" and "or" between them.
pub(super) fn chain(input: &mut Input<'_>, carried: Carried) -> Parsed<(Expr, Carried)> {
    let (first, mut carried) = term(input, carried)?;
    let mut chain = Chain::new(first);
    loop {
        note(input, "`and`");
        note(input, "`or`");
        let Some(junction) = opt(token::junction).parse_next(input)? else {
            return Ok((chain.into_expr(), carried));
        };
        let (next, last) = term(input, carried)?;
        chain.push(junction, next);
        carried = last;
    }
}

fn term(input: &mut Input<'_>, carried: Carried) -> Parsed<(Expr, Carried)> {
    let negated = token::negated(input)?;
    let relation = arithmetic::relation.map(|relation| (Test::Relation(relation).into(), None));
    let term = alt((
        relation,
        |input: &mut Input<'_>| group(input, carried),
        |input: &mut Input<'_>| primitive(input, carried),
    ));
    let mut term = term;
    let (expr, carried) = term.parse_next(input)?;
    Ok((expr.negated(negated), carried))
}

/// Terms in parentheses. What holds for values within them does not hold behind them.
fn group(input: &mut Input<'_>, carried: Carried) -> Parsed<(Expr, Carried)> {
    token::sign("(").parse_next(input)?;
    let (inner, _) = nested(input, |input| chain(input, carried))?;
    note(input, "`)`");
    token::sign(")").parse_next(input)?;
    Ok((inner, carried))
}

fn primitive(input: &mut Input<'_>, carried: Carried) -> Parsed<(Expr, Carried)> {
    let mut alone = alt((length, vlan));
    if let Some(test) = opt(alone.by_ref()).parse_next(input)? {
        return Ok((test.into(), None));
    }
    let start = input.current_token_start();
    let protocol = opt(token::one_of(words::PROTOCOLS)).parse_next(input)?;
    if let Some(test) = opt(|input: &mut Input<'_>| cast(input, protocol)).parse_next(input)? {
        return Ok((test.into(), None));
    }
    let direction = opt(qualifier::direction).parse_next(input)?;
    let kind = opt(token::one_of(words::KINDS)).parse_next(input)?;
    match (protocol, direction, kind) {
        (None, None, None) => bare(input, carried),
        (Some(protocol), None, None) => {
            note(input, "a qualifier such as `port`");
            if protocol == Protocol::Link {
                return Err(expected(input, "`multicast`, `broadcast`, `proto`"));
            }
            unknown(input)?;
            Ok((Test::Protocol(protocol).into(), None))
        }
        _ => {
            let end = input.previous_token_end();
            let qualifier = Qualifier {
                protocol,
                direction,
                kind: kind.unwrap_or(Kind::Host),
            };
            qualifier.check(input, start, end)?;
            values(input, qualifier)
        }
    }
}

/// A value without words in front of it.
fn bare(input: &mut Input<'_>, carried: Carried) -> Parsed<(Expr, Carried)> {
    note(input, TEST);
    unknown(input)?;
    if let Some(qualifier) = carried {
        return values(input, qualifier);
    }
    let word = token::value(input, TEST)?;
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        let message = "there is no word in front of it that says what it is, such as `port`";
        return Err(complain(input, word.len(), message));
    }
    Err(expected(input, TEST))
}

/// A value, or several of them in parentheses.
fn values(input: &mut Input<'_>, qualifier: Qualifier) -> Parsed<(Expr, Carried)> {
    let negated = token::negated(input)?;
    let carried = Some(qualifier);
    let mut values = alt((
        |input: &mut Input<'_>| group(input, carried),
        |input: &mut Input<'_>| Ok((qualifier.value(input)?.into(), carried)),
    ));
    let (expr, carried) = values.parse_next(input)?;
    Ok((expr.negated(negated), carried))
}

/// Complains of a word that tcpdump knows.
fn unknown(input: &mut Input<'_>) -> Parsed<()> {
    let start = input.clone();
    if opt(token::one_of(words::UNKNOWN))
        .parse_next(input)?
        .is_none()
    {
        return Ok(());
    }
    *input = start;
    let len = token::word_len(&input.input);
    Err(complain(
        input,
        len,
        "this word of tcpdump means nothing here",
    ))
}

/// `less N` and `greater N`, both of which include N.
fn length(input: &mut Input<'_>) -> Parsed<Test> {
    let words = &[
        ("less", (Comparison::Greater, true)),
        ("greater", (Comparison::AtLeast, false)),
    ];
    let (comparison, negated) = token::one_of(words).parse_next(input)?;
    let bound = token::number(input, u32::MAX, "a length in bytes")?;
    Ok(Test::Relation(Relation {
        left: Arithmetic::Length,
        comparison,
        negated,
        right: Arithmetic::Number(bound),
    }))
}

/// `vlan` with or without a number.
fn vlan(input: &mut Input<'_>) -> Parsed<Test> {
    token::keyword("vlan").parse_next(input)?;
    let mut number = opt(|input: &mut Input<'_>| token::number(input, 4095, "a VLAN number"));
    let id = number.parse_next(input)?;
    Ok(Test::Vlan(id.and_then(|id| u16::try_from(id).ok())))
}

/// `multicast` or `broadcast`.
fn cast(input: &mut Input<'_>, protocol: Option<Protocol>) -> Parsed<Test> {
    let protocol = protocol.unwrap_or(Protocol::Link);
    let words = &[("multicast", true), ("broadcast", false)];
    let multicast = token::one_of(words).parse_next(input)?;
    match (protocol, multicast) {
        (Protocol::Link | Protocol::Ip | Protocol::Ip6, true) => Ok(Test::Multicast(protocol)),
        (Protocol::Link | Protocol::Ip, false) => Ok(Test::Broadcast(protocol)),
        _ => {
            let end = input.previous_token_end();
            let message = "this protocol has no such packets";
            Err(super::failure::complain_at(input, end..end, message))
        }
    }
}
