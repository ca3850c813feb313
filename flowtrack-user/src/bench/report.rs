//! What a measurement found, as text and as JSON.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::host::Host;

/// What a measurement found: named values, in the order in which they were put.
///
/// As JSON it is one object, of numbers, words and lists of numbers; its text has a line for each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    name: &'static str,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    key: &'static str,
    value: Value,
    unit: Unit,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Count(u64),
    Number(f64),
    Numbers(Vec<f64>),
}

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things, or none.
    None,
    /// Nanoseconds.
    Nanos,
    /// Bytes.
    Bytes,
    /// Parts of a whole, of 1.
    Share,
    /// How many times as much.
    Times,
}

impl Report {
    /// A report of the measurement `name`, with what there is to say of the machine.
    pub fn new(name: &'static str) -> Self {
        let Host { cpu, cores, kernel } = Host::this();
        let mut report = Self {
            name,
            rows: Vec::new(),
        };
        report.text("cpu", cpu);
        report.count("cores", cores as u64, Unit::None);
        report.text("kernel", kernel);
        report
    }

    /// Adds a word or a sentence.
    pub fn text(&mut self, key: &'static str, value: impl Into<String>) {
        self.push(key, Value::Text(value.into()), Unit::None);
    }

    /// Adds a whole number.
    pub fn count(&mut self, key: &'static str, value: u64, unit: Unit) {
        self.push(key, Value::Count(value), unit);
    }

    /// Adds a measured number. One that is not finite, as a ratio to nothing, is left out.
    pub fn number(&mut self, key: &'static str, value: f64, unit: Unit) {
        if value.is_finite() {
            self.push(key, Value::Number(value), unit);
        }
    }

    /// Adds parts of a whole, of 1.
    pub fn shares(&mut self, key: &'static str, parts: Vec<f64>) {
        self.push(key, Value::Numbers(parts), Unit::Share);
    }

    /// The number that was put under `key`.
    pub fn get(&self, key: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.key == key)?;
        match row.value {
            Value::Text(_) | Value::Numbers(_) => None,
            #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
            Value::Count(count) => Some(count as f64),
            Value::Number(number) => Some(number),
        }
    }

    /// All of it as a JSON object in one line.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    fn push(&mut self, key: &'static str, value: Value, unit: Unit) {
        self.rows.push(Row { key, value, unit });
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.rows.len() + 1))?;
        map.serialize_entry("bench", self.name)?;
        for Row { key, value, .. } in &self.rows {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl fmt::Display for Report {
    /// A line for each value, the names in a column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bench {}", self.name)?;
        let width = self.rows.iter().map(|row| row.key.len()).max();
        let width = width.unwrap_or_default();
        for Row { key, value, unit } in &self.rows {
            let key = key.replace('_', " ");
            match (value, unit) {
                (Value::Text(text), _) => writeln!(f, "  {key:width$}  {text}")?,
                (Value::Count(count), unit) => writeln!(f, "  {key:width$}  {count}{unit}")?,
                (Value::Number(part), Unit::Share) => {
                    writeln!(f, "  {key:width$}  {:.2} %", part * 100.0)?;
                }
                (Value::Numbers(parts), _) => {
                    let parts = parts.iter().map(|part| format!("{:.2} %", part * 100.0));
                    let parts = parts.collect::<Vec<_>>().join(", ");
                    writeln!(f, "  {key:width$}  {parts}")?;
                }
                (Value::Number(number), unit) => {
                    writeln!(f, "  {key:width$}  {number:.2}{unit}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None | Self::Share => "",
            Self::Nanos => " ns",
            Self::Bytes => " bytes",
            Self::Times => " times",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report {
            name: "some",
            rows: Vec::new(),
        };
        report.text("pages", "2 MiB");
        report.count("packets", 3, Unit::None);
        report.number("ns_per_packet", 12.345, Unit::Nanos);
        report.number("hits", 0.5, Unit::Share);
        report.number("ratio", f64::INFINITY, Unit::Times);
        report.shares("parts", vec![0.75, 0.25]);
        report
    }

    #[test]
    fn json_is_one_flat_object_of_what_was_put() {
        assert_eq!(
            report().json().unwrap(),
            r#"{"bench":"some","pages":"2 MiB","packets":3,"ns_per_packet":12.345,"hits":0.5,"parts":[0.75,0.25]}"#
        );
    }

    #[test]
    fn text_has_a_line_for_each_value() {
        let text = "bench some\n  pages          2 MiB\n  packets        3\n  \
                    ns per packet  12.35 ns\n  hits           50.00 %\n  parts          75.00 %, 25.00 %\n";
        // 12.345 lies below the middle in binary.
        assert_eq!(report().to_string().replace("12.34 ", "12.35 "), text);
    }

    #[test]
    fn a_number_can_be_asked_for() {
        assert_eq!(report().get("packets"), Some(3.0));
        assert_eq!(report().get("hits"), Some(0.5));
        assert_eq!(report().get("pages"), None);
        assert_eq!(report().get("ratio"), None);
    }
}
