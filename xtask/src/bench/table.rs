//! Results as a table: a line for each value, in the order in which they come.

use std::fmt;

use serde_json::Value;

use super::result::Measured;

/// What is the same for all results, and thus said once.
const MACHINE: [&str; 3] = ["cpu", "cores", "kernel"];
/// What names a result.
const NAME: &str = "bench";

/// Results.
pub(super) struct Table<'a>(pub(super) &'a [Measured]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(results) = self;
        for fact in MACHINE {
            if let Some(value) = results.iter().find_map(|result| result.get(fact)) {
                writeln!(f, "{fact:<10} {}", text(value))?;
            }
        }
        for result in *results {
            let mut name = result.get(NAME).map(text).unwrap_or_default();
            for (key, value) in result.fields() {
                if key == NAME || MACHINE.contains(&key) {
                    continue;
                }
                writeln!(
                    f,
                    "{name:<10} {:<40} {:>16}",
                    key.replace('_', " "),
                    text(value)
                )?;
                name.clear();
            }
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.2}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Measured, Table};

    #[test]
    fn the_machine_is_said_once_and_values_have_lines_in_their_order() {
        let mut one = Measured::new("one");
        one.put("cpu", "A");
        one.put("flows", 3);
        let mut two = Measured::new("two");
        two.put("cpu", "A");
        two.put("ns_per_packet", 1.234);
        two.put("bursts", 2);
        let results = [one, two];
        let text = Table(&results).to_string();
        let lines: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines,
            [
                vec!["cpu", "A"],
                vec!["one", "flows", "3"],
                vec!["two", "ns", "per", "packet", "1.23"],
                vec!["bursts", "2"],
            ]
        );
    }
}
