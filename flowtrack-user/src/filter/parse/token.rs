//! Words, numbers and signs. Each of them takes the space behind it.

use winnow::{
    Parser,
    ascii::multispace0,
    combinator::{alt, not, opt, peek, terminated},
    error::{EmptyError, ErrMode},
    token::take_while,
};

use super::{
    Input, Parsed,
    failure::{complain, expected, note},
};
use crate::filter::tree::Junction;

pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    multispace0.void().parse_next(input)
}

/// Bytes of the word or the sign that `text` begins with; 0 at the end.
pub(super) fn word_len(text: &str) -> usize {
    match text.find(|c| !is_value(c)) {
        Some(0) => text.chars().next().map_or(0, char::len_utf8),
        end => end.unwrap_or(text.len()),
    }
}

/// A word of the language, or a name: letters, digits, hyphens, points.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// The same, and what else may stand in an address or in front of a name.
fn is_value(c: char) -> bool {
    is_word(c) || matches!(c, ':' | '\\')
}

/// One of the words of a table.
pub(super) fn one_of<'a, T: Copy>(
    table: &'static [(&'static str, T)],
) -> impl FnMut(&mut Input<'a>) -> Parsed<T> {
    move |input| {
        let find = |word: &str| {
            let entry = table.iter().find(|(name, _)| *name == word)?;
            Some(entry.1)
        };
        let word = take_while(1.., is_word).verify_map(find);
        terminated(word, multispace0).parse_next(input)
    }
}

/// One word.
pub(super) fn keyword<'a>(word: &'static str) -> impl FnMut(&mut Input<'a>) -> Parsed<()> {
    move |input| {
        let found = take_while(1.., is_word).verify(|found: &str| found == word);
        terminated(found.void(), multispace0).parse_next(input)
    }
}

/// Any sign, such as a parenthesis.
pub(super) fn sign<'a>(sign: &'static str) -> impl FnMut(&mut Input<'a>) -> Parsed<()> {
    move |input| terminated(sign.void(), multispace0).parse_next(input)
}

/// A sign that does not go on with `next`, which would make it another one.
pub(super) fn sign_before<'a>(
    text: &'static str,
    next: char,
) -> impl FnMut(&mut Input<'a>) -> Parsed<()> {
    move |input| terminated(text.void(), (not(next), multispace0)).parse_next(input)
}

pub(super) fn negation(input: &mut Input<'_>) -> Parsed<()> {
    alt((keyword("not"), sign_before("!", '='))).parse_next(input)
}

/// Whether an odd number of negations stands here.
pub(super) fn negated(input: &mut Input<'_>) -> Parsed<bool> {
    let mut negated = false;
    while opt(negation).parse_next(input)?.is_some() {
        negated = !negated;
    }
    Ok(negated)
}

pub(super) fn junction(input: &mut Input<'_>) -> Parsed<Junction> {
    let and = alt((keyword("and"), sign("&&"))).value(Junction::And);
    let or = alt((keyword("or"), sign("||"))).value(Junction::Or);
    alt((and, or)).parse_next(input)
}

/// The next word, whatever it is, without the space behind it, and without taking it; `thing` is what it
/// should be.
pub(super) fn value<'a>(input: &mut Input<'a>, thing: &'static str) -> Parsed<&'a str> {
    let word = |word: &&str| !matches!(*word, "and" | "or" | "not");
    let found: Result<_, ErrMode<EmptyError>> =
        peek(take_while(1.., is_value).verify(word)).parse_next(input);
    found.map_err(|_| expected(input, thing))
}

/// Takes a word that [`value`] has found.
pub(super) fn take(input: &mut Input<'_>, word: &str) -> Parsed<()> {
    terminated(word.void(), multispace0).parse_next(input)
}

/// A number up to `max`, where `thing` is what it means.
pub(super) fn number(input: &mut Input<'_>, max: u32, thing: &'static str) -> Parsed<u32> {
    note(input, thing);
    any_number(input, max)
}

/// A number up to `max`, as C writes them: decimal, 0x and hexadecimal, or 0 and octal.
pub(super) fn any_number(input: &mut Input<'_>, max: u32) -> Parsed<u32> {
    let digits = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
    let word = peek(take_while(1.., |c: char| c.is_ascii_alphanumeric()).verify(digits))
        .parse_next(input)?;
    let Some(number) = parse_number(word) else {
        return Err(ErrMode::Backtrack(EmptyError));
    };
    let Some(number) = u32::try_from(number).ok().filter(|number| *number <= max) else {
        let message = format!("{word} is more than {max}");
        return Err(complain(input, word.len(), message));
    };
    take(input, word)?;
    Ok(number)
}

/// A number as C writes it.
pub(super) fn parse_number(word: &str) -> Option<u64> {
    let prefixes = [("0x", 16), ("0X", 16), ("0", 8)];
    let (digits, radix) = prefixes
        .iter()
        .find_map(|(prefix, radix)| Some((word.strip_prefix(prefix)?, *radix)))
        .filter(|(digits, _)| !digits.is_empty())
        .unwrap_or((word, 10));
    if !digits.chars().all(|c| c.is_digit(radix)) || digits.is_empty() {
        return None;
    }
    // So many digits are too many for whatever is meant.
    Some(u64::from_str_radix(digits, radix).unwrap_or(u64::MAX))
}
