//! What was measured, as text and as JSON.

use serde_json::{Map, Value};

/// What was measured of a tracker.
pub struct Outcome {
    /// What the tracker is called.
    pub name: &'static str,
    /// Nanoseconds a packet, a value for each part.
    pub ns: Vec<f64>,
    /// Flows that it has started.
    pub flows: u64,
}

impl Outcome {
    /// How many times as long as `other` it took, the median of all parts.
    fn ratio(&self, other: &Self) -> f64 {
        let ratios = self.ns.iter().zip(&other.ns);
        median(ratios.map(|(own, other)| own / other).collect())
    }
}

/// Prints all outcomes, and how they relate to the first one.
pub fn print(packets: usize, outcomes: &[Outcome], json: bool) {
    let [first, others @ ..] = outcomes else {
        return;
    };
    if json {
        println!("{}", object(packets, outcomes, first, others));
        return;
    }
    println!(
        "{packets} packets timed, medians of {} parts",
        first.ns.len()
    );
    println!(
        "{:<22} {:>12} {:>10} {:>8}",
        "tracker", "ns a packet", "flows", "ratio"
    );
    for outcome in outcomes {
        println!(
            "{:<22} {:>12.1} {:>10} {:>8.2}",
            outcome.name,
            median(outcome.ns.clone()),
            outcome.flows,
            outcome.ratio(first)
        );
    }
}

fn object(packets: usize, outcomes: &[Outcome], first: &Outcome, others: &[Outcome]) -> Value {
    let mut object = Map::new();
    object.insert("bench".into(), "flowscope".into());
    object.insert("packets".into(), packets.into());
    let key = |outcome: &Outcome, what: &str| format!("{}_{what}", outcome.name.replace(' ', "_"));
    for outcome in outcomes {
        let ns = median(outcome.ns.clone());
        object.insert(key(outcome, "ns_per_packet"), ns.into());
    }
    for outcome in others {
        object.insert(key(outcome, "ratio"), outcome.ratio(first).into());
    }
    for outcome in outcomes {
        object.insert(key(outcome, "flows"), outcome.flows.into());
    }
    Value::Object(object)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
