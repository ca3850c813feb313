//! What flowtrack recorded, as a short table.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Flows of each protocol that are shown.
const SHOWN: usize = 3;

/// Prints some flows of each protocol, and how the flows of each ended.
pub(crate) fn print(path: &Path) -> Result<()> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut protocols = BTreeMap::<String, Vec<Value>>::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line)?;
        protocols
            .entry(word(&record["proto"]))
            .or_default()
            .push(record);
    }
    println!("demo: some of the flows that it recorded:");
    println!(
        "{:<6} {:<21} {:<21} {:>7} {:>7} {:>9} {:<12} history",
        "proto", "initiator", "responder", "packets", "back", "bytes", "ended"
    );
    for records in protocols.values_mut() {
        records.sort_by_key(|record| std::cmp::Reverse(bytes(record)));
        records.iter().take(SHOWN).for_each(print_flow);
    }
    println!("demo: all of them, by how they ended:");
    for (protocol, records) in &protocols {
        let mut ends = BTreeMap::<String, usize>::new();
        for record in records {
            let end = format!(
                "{} {}",
                word(&record["end_reason"]),
                word(&record["history"])
            );
            *ends.entry(end.trim_end().to_owned()).or_default() += 1;
        }
        for (end, count) in ends {
            println!("{protocol:<6} {count:>6} {end}");
        }
    }
    Ok(())
}

fn print_flow(record: &Value) {
    let packets = |side: &str| record[side]["packets"].as_u64().unwrap_or_default();
    println!(
        "{:<6} {:<21} {:<21} {:>7} {:>7} {:>9} {:<12} {}",
        word(&record["proto"]),
        endpoint(&record["src"], &record["src_port"]),
        endpoint(&record["dst"], &record["dst_port"]),
        packets("initiator"),
        packets("responder"),
        bytes(record),
        word(&record["end_reason"]),
        word(&record["history"]),
    );
}

fn endpoint(address: &Value, port: &Value) -> String {
    format!("{} {port}", word(address))
}

fn bytes(record: &Value) -> u64 {
    ["initiator", "responder"]
        .iter()
        .filter_map(|side| record[side]["wire_bytes"].as_u64())
        .sum()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
