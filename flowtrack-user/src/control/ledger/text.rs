//! The ledger as a table for people.

use std::fmt::{self, Write as _};

use flowtrack_common::EndReason;

use super::{Counted, Ledger, LedgerRow, XdpRow, XskRow, signed};
use crate::{export::OutputStatus, wire::Refusal};

impl fmt::Display for Ledger {
    /// A table for people: a column a queue and one for the total.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<&LedgerRow> = self.queues.iter().collect();
        rows.push(&self.total);
        let mut head = format!("{:<34}", "ledger (packets)");
        for queue in 0..self.queues.len() {
            write!(head, "{:>14}", format!("queue {queue}"))?;
        }
        writeln!(f, "{head}{:>14}", "total")?;
        for (name, cells) in lines(&rows) {
            write!(f, "{name:<34}")?;
            for cell in cells {
                write!(f, "{cell:>14}")?;
            }
            writeln!(f)?;
        }
        for OutputStatus {
            output,
            counts,
            error,
            ..
        } in &self.outputs
        {
            write!(
                f,
                "output {output}: {} sent, {} failed",
                counts.sent, counts.failed
            )?;
            if counts.waiting > 0 {
                write!(f, ", {} waiting", counts.waiting)?;
            }
            match error {
                Some(error) => writeln!(f, " ({error})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

type Line = (String, Vec<i64>);

fn lines(rows: &[&LedgerRow]) -> Vec<Line> {
    let line = |name: &str, value: &dyn Fn(&LedgerRow) -> i64| -> Line {
        (name.to_owned(), rows.iter().map(|row| value(row)).collect())
    };
    let xdp = |value: fn(&XdpRow) -> Counted| {
        move |row: &LedgerRow| signed(row.xdp.as_ref().map_or(0, |xdp| value(xdp).packets))
    };
    let xsk = |value: fn(&XskRow) -> u64| {
        move |row: &LedgerRow| signed(row.xsk.as_ref().map_or(0, value))
    };
    let mut lines = Vec::new();
    if rows.iter().any(|row| row.xdp.is_some()) {
        lines.extend([
            line("XDP   redirected to the socket", &xdp(|xdp| xdp.redirected)),
            line("      passed, no socket", &xdp(|xdp| xdp.passed_no_socket)),
            line(
                "      passed, no headroom",
                &xdp(|xdp| xdp.passed_no_headroom),
            ),
            line("XSK   dropped, no free frame", &xsk(|xsk| xsk.rx_dropped)),
            line("      dropped, RX ring full", &xsk(|xsk| xsk.rx_ring_full)),
            line("      in flight", &xsk(|xsk| xsk.in_flight)),
        ]);
    }
    lines.push(line("      received", &|row| signed(row.received)));
    lines.push(line("wire  accepted", &|row| signed(row.wire.accepted)));
    for reason in Refusal::ALL.iter().map(|reason| reason.name()) {
        if rows.iter().any(|row| row.wire.refused.contains_key(reason)) {
            let name = format!("      refused: {reason}");
            lines.push(line(&name, &|row| {
                signed(row.wire.refused.get(reason).copied().unwrap_or_default())
            }));
        }
    }
    lines.extend([
        line("track taken in", &|row| signed(row.tracker.packets)),
        line("      in records", &|row| signed(row.records.packets)),
        line("      in live flows", &|row| {
            signed(row.records.live_packets)
        }),
        line("      in records on their way", &|row| {
            signed(row.records.in_flight)
        }),
        line("      in lost records", &|row| {
            signed(row.records.lost_packets)
        }),
        line("unexplained (residual)", &|row| signed(row.residual.sum())),
        line("flows started", &|row| signed(row.tracker.created)),
        line("      live", &|row| signed(row.tracker.live)),
    ]);
    for reason in EndReason::ALL.iter().map(|reason| reason.name()) {
        if rows
            .iter()
            .any(|row| row.tracker.ended.contains_key(reason))
        {
            let name = format!("      ended: {reason}");
            lines.push(line(&name, &|row| {
                signed(row.tracker.ended.get(reason).copied().unwrap_or_default())
            }));
        }
    }
    lines.push(line("records", &|row| signed(row.records.records)));
    lines
}
