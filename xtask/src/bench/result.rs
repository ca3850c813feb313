//! What a measurement printed: a flat JSON object whose fields keep their order.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// Named values, in the order in which they were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured(Vec<(String, Value)>);

impl Measured {
    /// Nothing but its name so far.
    pub(super) fn new(name: &str) -> Self {
        let mut measured = Self::default();
        measured.put("bench", name);
        measured
    }

    /// Adds a value.
    pub(super) fn put(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.0.push((key.into(), value.into()));
    }

    /// The value that was put under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.fields().find(|(name, _)| *name == key)?;
        Some(value)
    }

    /// All values with their names.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl Serialize for Measured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields())
    }
}

impl<'de> Deserialize<'de> for Measured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Measured;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Measured, A::Error> {
                let mut measured = Measured::default();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    measured.put(key, value);
                }
                Ok(measured)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn fields_keep_their_order() {
        let text = r#"{"bench":"one","packets":3,"flows":2,"ns_per_packet":1.5}"#;
        let measured: Measured = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&measured).unwrap(), text);
        assert_eq!(measured.get("flows"), Some(&2.into()));
        assert_eq!(measured.get("bytes"), None);
    }

    #[test]
    fn what_is_no_object_is_no_result() {
        assert!(serde_json::from_str::<Measured>("[1]").is_err());
    }
}
