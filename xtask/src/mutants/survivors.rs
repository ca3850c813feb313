//! What survived against the list of what may.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context as _, Result, ensure};

/// One mutant a line, as cargo-mutants writes them: `path:line:column: change`.
pub(super) struct Outcome {
    pub(super) caught: String,
    pub(super) missed: String,
}

/// What the comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    caught: usize,
    missed: usize,
    /// Survivors that are not listed, with their places.
    pub(super) unlisted: Vec<String>,
    /// Listed ones that a test notices now.
    outdated: Vec<String>,
}

/// Compares the survivors with the listed ones: a header, then `mutant<TAB>reason` for each.
///
/// A mutant is named without its line and column, which move with the code around it. So those that
/// change the same in the same function share a name, and are counted.
pub(super) fn compare(outcome: &Outcome, listed: &str) -> Result<Found> {
    let mut allowed = parse(listed)?;
    let mut found = Found {
        caught: outcome.caught.lines().count(),
        missed: outcome.missed.lines().count(),
        ..Found::default()
    };
    for mutant in outcome.missed.lines() {
        match allowed.get_mut(&name(mutant)) {
            Some(count) if *count > 0 => *count -= 1,
            _ => found.unlisted.push(mutant.into()),
        }
    }
    for caught in outcome.caught.lines().map(name) {
        if let Some(count) = allowed.get_mut(&caught)
            && *count > 0
        {
            *count -= 1;
            found.outdated.push(caught);
        }
    }
    Ok(found)
}

/// How many mutants of each name may survive.
fn parse(listed: &str) -> Result<BTreeMap<String, usize>> {
    let mut allowed = BTreeMap::new();
    for row in listed.lines().skip(1) {
        let (mutant, reason) = row.split_once('\t').context("a row without a reason")?;
        ensure!(!reason.trim().is_empty(), "a row without a reason: {row}");
        *allowed.entry(mutant.into()).or_default() += 1;
    }
    Ok(allowed)
}

/// `path: change` from `path:line:column: change`.
fn name(mutant: &str) -> String {
    let mut parts = mutant.splitn(4, ':');
    match (parts.next(), parts.nth(2)) {
        (Some(path), Some(change)) => format!("{path}:{change}"),
        _ => mutant.into(),
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mutant in &self.unlisted {
            writeln!(f, "survives: {mutant}")?;
        }
        for mutant in &self.outdated {
            writeln!(f, "listed, but a test notices it: {mutant}")?;
        }
        let listed = self.missed - self.unlisted.len();
        writeln!(
            f,
            "{} caught, {} missed, of which {listed} are listed",
            self.caught, self.missed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, compare};

    const LISTED: &str = "mutant\treason\na.rs: replace > with >= in f\tboth are the same at 0\n";

    fn outcome(caught: &str, missed: &str) -> Outcome {
        Outcome {
            caught: caught.into(),
            missed: missed.into(),
        }
    }

    #[test]
    fn a_listed_survivor_is_known_wherever_it_moved() {
        let missed = outcome("", "a.rs:9:30: replace > with >= in f\n");
        let found = compare(&missed, LISTED).unwrap();
        assert_eq!((found.missed, found.unlisted.len()), (1, 0));
        let shown = found.to_string();
        assert_eq!(shown, "0 caught, 1 missed, of which 1 are listed\n");
    }

    #[test]
    fn each_row_covers_one_survivor() {
        let two = "a.rs:9:30: replace > with >= in f\na.rs:10:3: replace > with >= in f\n";
        let found = compare(&outcome("", two), LISTED).unwrap();
        assert_eq!(found.unlisted, ["a.rs:10:3: replace > with >= in f"]);
        let other = "b.rs:1:1: replace g -> Option<u8> with Some(0)\n";
        let found = compare(&outcome("", other), LISTED).unwrap();
        assert_eq!(found.unlisted, [other.trim_end()]);
    }

    #[test]
    fn a_row_whose_mutant_is_caught_is_outdated() {
        let caught = "a.rs:9:30: replace > with >= in f\nb.rs:1:1: delete ! in g\n";
        let found = compare(&outcome(caught, ""), LISTED).unwrap();
        assert_eq!(found.outdated, ["a.rs: replace > with >= in f"]);
        assert_eq!(found.caught, 2);
    }

    #[test]
    fn a_row_gives_a_reason() {
        assert!(compare(&outcome("", ""), "mutant\treason\na.rs: x\n").is_err());
        assert!(compare(&outcome("", ""), "mutant\treason\na.rs: x\t \n").is_err());
    }
}
