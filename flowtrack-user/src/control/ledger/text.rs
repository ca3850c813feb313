//! The ledger as a table for people.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use flowtrack_common::EndReason;

use super::{
    Counted, HandoverRow, InterfaceRow, Lane, Ledger, LedgerRow, SamplingRow, WatchdogRow,
    WorkerName, XdpRow, XskRow, signed,
};
use crate::{export::OutputStatus, wire::Refusal};

impl fmt::Display for Ledger {
    /// A table for people: a column a queue and one for the total.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<&LedgerRow> = self.queues.iter().collect();
        rows.push(&self.total);
        let mut head = format!("{:<34}", "ledger (packets)");
        for name in column_names(&self.queues) {
            write!(head, "{name:>14}")?;
        }
        writeln!(f, "{head}{:>14}", "total")?;
        for (name, cells) in lines(&rows) {
            write!(f, "{name:<34}")?;
            for cell in cells {
                write!(f, "{cell:>14}")?;
            }
            writeln!(f)?;
        }
        for row in &self.interfaces {
            write_nic(f, row)?;
        }
        if let Some(others) = &self.other_queues {
            let packets = others.passed_no_socket.packets + others.redirected.packets;
            if packets > 0 {
                writeln!(
                    f,
                    "queues without a worker: {packets} packets left to the kernel"
                )?;
            }
        }
        if let Some(sampling) = &self.sampling {
            write_sampling(f, sampling)?;
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

/// What the NIC has seen of an interface.
fn write_nic(f: &mut fmt::Formatter<'_>, row: &InterfaceRow) -> fmt::Result {
    write!(f, "NIC {}: {} packets", row.interface, row.nic.packets)?;
    for (name, packets) in &row.nic.dropped {
        write!(f, ", {name} {packets}")?;
    }
    match row.unexplained_before_xdp {
        Some(packets) => writeln!(f, "; unexplained in front of XDP: {packets}"),
        None => writeln!(
            f,
            "; not comparable with XDP: the driver, or generic mode, counts otherwise"
        ),
    }
}

/// What the flows in the sample say of all, each with its standard error.
fn write_sampling(f: &mut fmt::Formatter<'_>, sampling: &SamplingRow) -> fmt::Result {
    let SamplingRow {
        sampled,
        sampled_at_most,
        sampled_out,
        flows,
        packets,
        bytes,
    } = sampling;
    write!(f, "sampling: 1/{sampled} of the flows")?;
    if sampled_at_most > sampled {
        write!(f, ", 1/{sampled_at_most} at the least")?;
    }
    writeln!(f, "; {} packets sampled out", sampled_out.packets)?;
    write!(f, "      all flows, estimated: ")?;
    for (name, sum) in [("flows", flows), ("packets", packets), ("bytes", bytes)] {
        let end = if name == "bytes" { "\n" } else { ", " };
        write!(f, "{} ± {:.0} {name}{end}", sum.estimate, sum.error)?;
    }
    Ok(())
}

/// The names of the queues, with their interfaces if there are several.
fn column_names(rows: &[LedgerRow]) -> impl Iterator<Item = String> {
    let mut interfaces = rows
        .iter()
        .flat_map(|row| &row.name)
        .map(|name| &name.interface);
    let first = interfaces.next();
    let several = interfaces.any(|interface| Some(interface) != first);
    rows.iter()
        .enumerate()
        .map(move |(number, row)| match &row.name {
            Some(WorkerName {
                interface,
                lane: Lane::Queue(number) | Lane::Cpu(number),
            }) if several => format!("{interface}/{number}"),
            Some(WorkerName { lane, .. }) => lane.to_string(),
            None => format!("queue {number}"),
        })
}

/// Named lines with a number for each row of the ledger.
struct Table<'a> {
    rows: &'a [&'a LedgerRow],
    lines: Vec<(String, Vec<i64>)>,
}

impl Table<'_> {
    fn line(&mut self, name: &str, value: impl Fn(&LedgerRow) -> u64) {
        let cells = self.rows.iter().map(|row| signed(value(row))).collect();
        self.lines.push((name.to_owned(), cells));
    }

    /// A line for each of `names` that any row has a counter of.
    fn named(
        &mut self,
        prefix: &str,
        names: impl Iterator<Item = &'static str>,
        counters: impl Fn(&LedgerRow) -> &BTreeMap<&'static str, u64>,
    ) {
        for name in names {
            if self.rows.iter().any(|row| counters(row).contains_key(name)) {
                self.line(&format!("{prefix}{name}"), |row| {
                    counters(row).get(name).copied().unwrap_or_default()
                });
            }
        }
    }

    fn xdp(&mut self, name: &str, value: impl Fn(&XdpRow) -> Counted) {
        self.line(name, |row| {
            row.xdp.as_ref().map_or(0, |xdp| value(xdp).packets)
        });
    }

    /// A line where there are such packets at all.
    fn any_xdp(&mut self, name: &str, value: impl Fn(&XdpRow) -> Counted) {
        let any = |row: &&LedgerRow| row.xdp.is_some_and(|xdp| value(&xdp).packets > 0);
        if self.rows.iter().any(any) {
            self.xdp(name, value);
        }
    }

    /// A line where a queue stood still at all.
    fn any_watchdog(&mut self, name: &str, value: impl Fn(&WatchdogRow) -> u64) {
        let of = |row: &LedgerRow| row.watchdog.as_ref().map_or(0, &value);
        if self.rows.iter().any(|row| of(row) > 0) {
            self.line(name, of);
        }
    }

    /// Lines of packets that changed from one queue to another, where there are such packets at all.
    fn handover(&mut self) {
        let any = |row: &&LedgerRow| row.handover != HandoverRow::default();
        if !self.rows.iter().any(any) {
            return;
        }
        self.line("hand  to other queues", |row| row.handover.handed_out);
        self.line("over  from other queues", |row| row.handover.handed_in);
        self.line("      lost, ring full", |row| row.handover.lost);
        self.line("      waiting for other queues", |row| row.handover.waiting);
        self.line("      on their way", |row| row.handover.in_flight);
        self.line("      behind later ones", |row| row.handover.late);
    }

    fn xsk(&mut self, name: &str, value: impl Fn(&XskRow) -> u64) {
        self.line(name, |row| row.xsk.as_ref().map_or(0, &value));
    }
}

impl LedgerRow {
    /// Whether it is of headers that were copied.
    fn copies(&self) -> bool {
        let name = self.name.as_ref();
        name.is_some_and(|name| matches!(name.lane, Lane::Cpu(_)))
    }
}

/// The way of packets to the workers.
fn capture_lines(table: &mut Table<'_>) {
    if table.rows.iter().any(|row| row.xdp.is_some()) {
        let copies = table.rows.iter().any(|row| row.copies());
        if copies {
            table.xdp("XDP   observed", |xdp| xdp.observed);
            table.any_xdp("      forwarded", |xdp| xdp.forwarded);
        } else {
            table.xdp("XDP   redirected to the socket", |xdp| xdp.redirected);
        }
        table.any_xdp("      not copied, ring full", |xdp| xdp.ring_full);
        table.any_xdp("      filtered", |xdp| xdp.filtered);
        table.any_xdp("      sampled out", |xdp| xdp.sampled_out);
        table.any_xdp("      bypassed", |xdp| xdp.bypassed);
        table.xdp("      passed, no socket", |xdp| xdp.passed_no_socket);
        table.xdp("      passed, no headroom", |xdp| xdp.passed_no_headroom);
        table.any_xdp("      passed, no other interface", |xdp| xdp.passed_no_peer);
        if copies {
            table.xsk("ring  in flight", |xsk| xsk.in_flight);
        } else {
            table.xsk("XSK   dropped, no free frame", |xsk| xsk.rx_dropped);
            table.xsk("      dropped, RX ring full", |xsk| xsk.rx_ring_full);
            table.xsk("      in flight", |xsk| xsk.in_flight);
        }
        table.any_watchdog("      kicked", |dog| dog.kicks);
        table.any_watchdog("      stood still", |dog| dog.stalls);
        table.any_watchdog("      left to the host", |dog| dog.passes);
    }
}

fn lines(rows: &[&LedgerRow]) -> Vec<(String, Vec<i64>)> {
    let mut table = Table {
        rows,
        lines: Vec::new(),
    };
    capture_lines(&mut table);
    table.line("      received", |row| row.received);
    if rows.iter().any(|row| row.wire.filtered > 0) {
        table.line("wire  filtered", |row| row.wire.filtered);
    }
    table.line("wire  accepted", |row| row.wire.accepted);
    if rows.iter().any(|row| row.wire.tunnelled > 0) {
        table.line("      more packets in tunnels", |row| row.wire.tunnelled);
    }
    if rows.iter().any(|row| row.wire.refused_inside > 0) {
        table.line("      refused inside accepted ones", |row| {
            row.wire.refused_inside
        });
    }
    let refusals = Refusal::ALL.iter().map(|reason| reason.name());
    table.named("      refused: ", refusals, |row| &row.wire.refused);
    table.handover();
    table.line("track taken in", |row| row.tracker.packets);
    table.line("      in records", |row| row.records.packets);
    table.line("      in live flows", |row| row.records.live_packets);
    table.line("      in records on their way", |row| row.records.in_flight);
    table.line("      in lost records", |row| row.records.lost_packets);
    table.line("unexplained (residual)", |row| row.residual.sum());
    table.line("flows started", |row| row.tracker.created);
    table.line("      live", |row| row.tracker.live);
    let reasons = EndReason::ALL.iter().map(|reason| reason.name());
    table.named("      ended: ", reasons, |row| &row.tracker.ended);
    if rows.iter().any(|row| row.tracker.evicted > 0) {
        table.line("      evicted that came back", |row| row.tracker.returned);
    }
    table.line("records", |row| row.records.records);
    table.lines
}
