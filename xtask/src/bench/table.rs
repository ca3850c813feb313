//! Results as a table: a line for each value.

use std::fmt;

use serde_json::Value;

/// What is the same for all results, and thus said once.
const MACHINE: [&str; 3] = ["cpu", "cores", "kernel"];
/// What names a result.
const NAME: &str = "bench";

/// Results, each a flat object.
pub(super) struct Table<'a>(pub(super) &'a [Value]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects: Vec<_> = self.0.iter().filter_map(Value::as_object).collect();
        for fact in MACHINE {
            if let Some(value) = objects.iter().find_map(|object| object.get(fact)) {
                writeln!(f, "{fact:<10} {}", text(value))?;
            }
        }
        for object in objects {
            let mut name = object.get(NAME).map(text).unwrap_or_default();
            for (key, value) in object {
                if key == NAME || MACHINE.contains(&key.as_str()) {
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
    use serde_json::json;

    use super::Table;

    #[test]
    fn the_machine_is_said_once_and_each_value_has_a_line() {
        let results = [
            json!({"bench": "one", "cpu": "A", "flows": 3}),
            json!({"bench": "two", "cpu": "A", "ns_per_packet": 1.234}),
        ];
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
            ]
        );
    }
}
