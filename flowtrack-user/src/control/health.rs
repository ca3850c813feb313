//! What is wrong with the whole, while it runs.

use super::{Ledger, Residual};

/// A residual that is still there after so many looks is no matter of when counters were read.
const PATIENCE: u32 = 2;

/// Looks at the ledger at intervals.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Looks in a row at which the ledger did not close.
    open: u32,
}

impl Health {
    /// What is to be said about the ledger of this interval: that it has stopped to close, once, or that
    /// it closes again.
    pub(super) fn look(&mut self, ledger: &Ledger) -> Option<String> {
        if ledger.closes() {
            let before = std::mem::take(&mut self.open);
            return (before >= PATIENCE).then(|| "the ledger closes again".to_owned());
        }
        self.open = self.open.saturating_add(1);
        (self.open == PATIENCE).then(|| {
            format!(
                "the ledger does not close: {} packets are unexplained ({})",
                ledger.total.residual.sum(),
                places(ledger),
            )
        })
    }
}

/// Where packets are missing: each queue with the rows between which they are.
fn places(ledger: &Ledger) -> String {
    let places: Vec<_> = ledger
        .queues
        .iter()
        .filter(|row| !row.residual.is_zero())
        .map(|row| {
            let name = row.name.as_ref().map_or_else(String::new, |name| {
                format!("{} {}: ", name.interface, name.lane)
            });
            name + &rows(&row.residual)
        })
        .collect();
    places.join("; ")
}

fn rows(residual: &Residual) -> String {
    let Residual {
        xsk,
        wire,
        handover,
        tracker,
        flows,
        records,
    } = *residual;
    let rows: Vec<_> = [
        ("xsk", xsk),
        ("wire", wire),
        ("handover", handover),
        ("tracker", tracker),
        ("flows", flows),
        ("records", records),
    ]
    .into_iter()
    .filter(|(_, missing)| *missing != 0)
    .map(|(name, missing)| format!("{name} {missing}"))
    .collect();
    rows.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        control::{LedgerPart, Moment},
        worker::ShardCounts,
    };

    fn ledger(missing: u64) -> Ledger {
        let counts = ShardCounts {
            received: 10 + missing,
            accepted: 10,
            matched: 10,
            live_packets: 10,
            ..ShardCounts::default()
        };
        let part = LedgerPart {
            counts,
            ..LedgerPart::default()
        };
        Ledger::new(&[part], Vec::new(), Moment::Running)
    }

    #[test]
    fn a_residual_is_told_of_when_it_is_there_twice_in_a_row_and_once() {
        let mut health = Health::default();
        let told: Vec<_> = [0, 3, 0, 3, 3, 3, 4, 0, 0, 1, 1]
            .into_iter()
            .map(|missing| health.look(&ledger(missing)))
            .enumerate()
            .filter_map(|(at, message)| Some((at, message?)))
            .collect();
        let lost = |packets| {
            format!("the ledger does not close: {packets} packets are unexplained (wire {packets})")
        };
        let again = "the ledger closes again".to_owned();
        assert_eq!(told, [(4, lost(3)), (7, again), (10, lost(1))]);
    }
}
