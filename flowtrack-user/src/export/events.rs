//! Events as JSON, one object a line. The fields are described in docs/outputs.md.

use flowtrack_common::{
    AnomalyKind, EvictionPressure, FlowEvent, FlowSide, FlowState, Timestamp, VictimClass,
};
use serde_json::{Map, Value, json};

use super::{
    Output, RecordKinds,
    json::{Key, append_line, seconds, time},
};
use crate::flow::{EventKinds, FiveTuple};

/// Formats events.
pub(super) struct EventsOutput;

impl Output for EventsOutput {
    fn wants(&self) -> EventKinds {
        EventKinds::ALL
    }

    fn wants_records(&self) -> RecordKinds {
        RecordKinds::None
    }

    fn event(&mut self, event: &FlowEvent<FiveTuple>, out: &mut Vec<u8>) {
        append_line(&object(event), out);
    }
}

fn object(event: &FlowEvent<FiveTuple>) -> Value {
    let mut object = match event {
        FlowEvent::Started { side, ts, .. } => {
            json!({"event": "started", "ts": time(*ts), "side": side_name(*side)})
        }
        FlowEvent::Packet { side, len, ts, .. } => {
            json!({"event": "packet", "ts": time(*ts), "side": side_name(*side), "len": len})
        }
        FlowEvent::Established { ts, .. } => json!({"event": "established", "ts": time(*ts)}),
        FlowEvent::StateChange { from, to, ts, .. } => json!({
            "event": "state_change",
            "ts": time(*ts),
            "from": state_name(*from),
            "to": state_name(*to),
        }),
        FlowEvent::Ended {
            reason,
            stats,
            history,
            ..
        } => json!({
            "event": "ended",
            "ts": time(stats.last_seen),
            "reason": reason.name(),
            "packets": stats.packets(),
            "wire_bytes": stats.wire_bytes(),
            "history": history.as_str(),
        }),
        FlowEvent::Anomaly { kind, ts, .. } => anomaly(kind, *ts),
    };
    if let (Some(fields), Some(key)) = (object.as_object_mut(), event.key()) {
        fields.append(&mut key_fields(key));
    }
    object
}

fn anomaly(kind: &AnomalyKind, ts: Timestamp) -> Value {
    let mut object = json!({"event": "anomaly", "ts": time(ts), "kind": kind.name()});
    if let Some(side) = kind.side() {
        object["side"] = side_name(side).into();
    }
    match kind {
        AnomalyKind::SequenceGap { bytes, .. } => object["bytes"] = (*bytes).into(),
        AnomalyKind::FlowTableEvictionPressure(pressure) => {
            object["pressure"] = pressure_fields(pressure);
        }
        _ => {}
    }
    object
}

fn pressure_fields(pressure: &EvictionPressure) -> Value {
    let by_class = |counts: &[u64]| -> Value {
        let names = VictimClass::ALL.iter().map(|class| class.name().to_owned());
        let counts = counts.iter().map(|count| Value::from(*count));
        Value::Object(names.zip(counts).collect())
    };
    json!({
        "state": pressure.state.name(),
        "evicted": by_class(&pressure.evicted),
        "evicted_total": by_class(&pressure.evicted_total),
        "returned": pressure.returned,
        "live": pressure.live,
        "capacity": pressure.capacity,
        "new_flows_per_second": pressure.new_flows_per_second,
        "time_to_full": pressure.time_to_full.map(seconds),
    })
}

fn key_fields(key: &FiveTuple) -> Map<String, Value> {
    match serde_json::to_value(Key::from(key)) {
        Ok(Value::Object(fields)) => fields,
        // A struct of plain fields is always an object.
        _ => Map::new(),
    }
}

const fn side_name(side: FlowSide) -> &'static str {
    match side {
        FlowSide::Initiator => "initiator",
        FlowSide::Responder => "responder",
    }
}

const fn state_name(state: FlowState) -> &'static str {
    match state {
        FlowState::Active => "active",
        FlowState::SynSent => "syn_sent",
        FlowState::SynReceived => "syn_received",
        FlowState::Established => "established",
        FlowState::FinWait => "fin_wait",
        FlowState::ClosingTcp => "closing_tcp",
        FlowState::Closed => "closed",
        FlowState::Reset => "reset",
        FlowState::Aborted => "aborted",
    }
}
