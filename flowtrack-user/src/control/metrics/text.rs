//! Every number of the ledger, under the name that it has there.
//!
//! `queues[].xdp.redirected.packets` becomes `flowtrack_xdp_redirected_packets_total`, with the labels
//! `interface` and `queue`, or `cpu` where headers are copied. The sums of the ledger are left out:
//! Prometheus adds up by itself.

use std::{collections::BTreeMap, fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use serde_json::Value;

use crate::control::Ledger;

/// Parts of the ledger, and what the names of the metrics in them start with.
const PARTS: [(&str, &str); 3] = [("queues", ""), ("interfaces", ""), ("outputs", "output_")];
/// What tells the rows of a part from each other.
const LABELS: [&str; 4] = ["interface", "queue", "cpu", "output"];
/// Counters by name: the name is a label.
const BY_NAME: [(&str, &str); 4] = [
    ("refused", "reason"),
    ("ended", "reason"),
    ("dropped", "counter"),
    ("driver_counters", "counter"),
];
/// Numbers that may become smaller.
const GAUGES: [&str; 7] = [
    "unexplained_before_xdp",
    "live",
    "live_packets",
    "in_flight",
    "waiting",
    "residual",
    "sampled",
];

type Labels = Vec<(&'static str, String)>;

/// The ledger in the text format of OpenMetrics.
pub(super) fn encode(ledger: &Ledger) -> String {
    let mut registry = Registry::with_prefix("flowtrack");
    // Plain fields always have a form in JSON.
    let ledger = serde_json::to_value(ledger).unwrap_or_default();
    registry.register_collector(Box::new(Arc::new(Metrics::of(&ledger))));
    let mut out = String::new();
    // A string takes whatever is written.
    let _ = text::encode(&mut out, &registry);
    out
}

/// Values by the name of their metric.
#[derive(Debug, Default)]
struct Metrics {
    families: BTreeMap<String, Family>,
}

#[derive(Debug)]
struct Family {
    /// Where it stands in the ledger.
    path: String,
    is_gauge: bool,
    values: Vec<(Labels, i64)>,
}

impl Metrics {
    fn of(ledger: &Value) -> Self {
        let mut metrics = Self::default();
        for (part, prefix) in PARTS {
            for row in ledger[part].as_array().into_iter().flatten() {
                let label = |name: &'static str| match &row[name] {
                    Value::String(text) => Some((name, text.clone())),
                    Value::Number(number) => Some((name, number.to_string())),
                    _ => None,
                };
                let labels: Labels = LABELS.into_iter().filter_map(label).collect();
                metrics.add_all(row, prefix, part, &labels, false);
            }
        }
        metrics
    }

    /// Adds the numbers in `object`; their names start with `prefix`, and they stand at `path`.
    fn add_all(&mut self, object: &Value, prefix: &str, path: &str, labels: &Labels, gauge: bool) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let is_gauge = gauge || GAUGES.contains(&name.as_str());
            let full = format!("{prefix}{name}");
            let path = format!("{path}.{name}");
            let by_name = BY_NAME.iter().find(|(map, _)| map == name);
            match (value, by_name) {
                (Value::Number(number), _) if !LABELS.contains(&name.as_str()) => {
                    let value = number.as_i64().unwrap_or(i64::MAX);
                    self.add(full, path, is_gauge, (labels.clone(), value));
                }
                (Value::Object(counters), Some((_, label))) => {
                    for (reason, count) in counters {
                        let labels = [&labels[..], &[(*label, reason.clone())]].concat();
                        let value = count.as_i64().unwrap_or(i64::MAX);
                        self.add(full.clone(), path.clone(), is_gauge, (labels, value));
                    }
                }
                (Value::Object(_), None) => {
                    self.add_all(value, &format!("{full}_"), &path, labels, is_gauge);
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, name: String, path: String, is_gauge: bool, value: (Labels, i64)) {
        let family = self.families.entry(name).or_insert_with(|| Family {
            path,
            is_gauge,
            values: Vec::new(),
        });
        family.values.push(value);
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, family) in &self.families {
            let help = format!("{} of the ledger", family.path);
            let kind = if family.is_gauge {
                MetricType::Gauge
            } else {
                MetricType::Counter
            };
            let mut metric = encoder.encode_descriptor(name, &help, None, kind)?;
            for (labels, value) in &family.values {
                let metric = metric.encode_family(labels)?;
                if family.is_gauge {
                    ConstGauge::new(*value).encode(metric)?;
                } else {
                    ConstCounter::new(value.unsigned_abs()).encode(metric)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flowtrack_common::abi::{Count, Verdicts};

    use super::*;
    use crate::{
        control::{
            InterfaceRow, Lane, LedgerPart, Method, Moment, NicRow, SteeringRow, WorkerName, XdpRow,
        },
        wire::Refusal,
        worker::ShardCounts,
    };

    fn ledger() -> Ledger {
        let mut counts = ShardCounts {
            received: 7,
            accepted: 5,
            matched: 4,
            live: 3,
            ..ShardCounts::default()
        };
        counts.refused[Refusal::FragmentHeld as usize] = 2;
        let verdicts = Verdicts {
            redirected: Count {
                packets: 9,
                bytes: 900,
            },
            ..Verdicts::default()
        };
        let name = WorkerName {
            interface: "eth\"1".to_owned(),
            lane: Lane::Queue(3),
        };
        let part = LedgerPart {
            name: Some(name),
            verdicts: Some(verdicts),
            counts,
            ..LedgerPart::default()
        };
        let row = InterfaceRow {
            interface: "eth1".to_owned(),
            sampled: 1,
            other_queues: XdpRow::default(),
            nic: NicRow::default(),
            unexplained_before_xdp: Some(-2),
            steering: SteeringRow {
                method: Method::HandOver,
                split_flows: 5,
            },
        };
        Ledger::new(&[part], Vec::new(), Moment::Running)
            .with_interfaces(vec![row], &Verdicts::default())
    }

    #[test]
    fn numbers_of_the_ledger_are_metrics_with_the_names_that_they_have_there() {
        let text = encode(&ledger());
        let labels = r#"interface="eth\"1",queue="3""#;
        for line in [
            "# TYPE flowtrack_xdp_redirected_packets counter".to_owned(),
            format!("flowtrack_xdp_redirected_packets_total{{{labels}}} 9"),
            format!("flowtrack_xdp_redirected_bytes_total{{{labels}}} 900"),
            format!("flowtrack_received_total{{{labels}}} 7"),
            format!("flowtrack_wire_refused_total{{{labels},reason=\"fragment_held\"}} 2"),
            "# TYPE flowtrack_tracker_live gauge".to_owned(),
            format!("flowtrack_tracker_live{{{labels}}} 3"),
            // What is missing, with its sign.
            format!("flowtrack_residual_tracker{{{labels}}} 1"),
            format!("flowtrack_residual_flows{{{labels}}} -3"),
            "flowtrack_unexplained_before_xdp{interface=\"eth1\"} -2".to_owned(),
            "flowtrack_other_queues_observed_packets_total{interface=\"eth1\"} 0".to_owned(),
        ] {
            assert!(
                text.lines().any(|it| it == line),
                "{line} is not in\n{text}"
            );
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
