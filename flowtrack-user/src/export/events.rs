//! Events as JSON, one object a line. The fields are described in docs/outputs.md.

use flowtrack_common::{FlowEvent, FlowSide, FlowState};
use serde_json::{Map, Value, json};

use super::{
    Output,
    json::{Key, append_line, time},
};
use crate::flow::{EventKinds, FiveTuple};

/// Formats events.
pub(super) struct EventsOutput;

impl Output for EventsOutput {
    fn wants(&self) -> EventKinds {
        EventKinds::ALL
    }

    fn wants_records(&self) -> bool {
        false
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
        FlowEvent::Anomaly { kind, ts, .. } => {
            json!({"event": "anomaly", "ts": time(*ts), "kind": format!("{kind:?}")})
        }
    };
    if let (Some(fields), Some(key)) = (object.as_object_mut(), event.key()) {
        fields.append(&mut key_fields(key));
    }
    object
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
