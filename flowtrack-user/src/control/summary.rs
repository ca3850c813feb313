//! What a person sees while it runs.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
    time::Instant,
};

use super::{CollectorCounts, Ledger};
use crate::{flow::FiveTuple, sys::stderr};

/// Prints a summary to standard error, once per interval: redrawn in place on a terminal, one line
/// each elsewhere.
pub(super) struct Summary {
    terminal: bool,
    /// Lines on the terminal.
    drawn: usize,
    started: Instant,
    previous: Totals,
    at: Instant,
}

#[derive(Clone, Copy, Default)]
struct Totals {
    packets: u64,
    bytes: u64,
    created: u64,
}

impl Summary {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            terminal: io::stderr().is_terminal(),
            drawn: 0,
            started: now,
            previous: Totals::default(),
            at: now,
        }
    }

    /// Prints the state of the moment.
    pub(super) fn print(&mut self, ledger: &Ledger, arrived: &CollectorCounts) {
        let now = Instant::now();
        let seconds = now.duration_since(self.at).as_secs_f64().max(1e-3);
        let total = &ledger.total;
        let totals = Totals {
            packets: total.received,
            bytes: total.tracker.bytes,
            created: total.tracker.created,
        };
        let mut text = self.headline(ledger, &totals, seconds);
        if self.terminal {
            append_top(&mut text, arrived);
        }
        (self.previous, self.at) = (totals, now);
        self.draw(&text);
    }

    /// Leaves the last summary where it is: what follows goes below.
    pub(super) fn release(&mut self) {
        self.drawn = 0;
    }

    /// Begins a new line: the terminal has shown `^C` on this one.
    pub(super) fn begin_line(&mut self) {
        if self.terminal {
            stderr::print(
                "
",
            );
            self.drawn += 1;
        }
    }

    /// Takes the last summary off the terminal.
    pub(super) fn clear(&mut self) {
        self.draw("");
    }

    fn headline(&self, ledger: &Ledger, totals: &Totals, seconds: f64) -> String {
        let rate = |now: u64, before: u64| per_second(now.saturating_sub(before), seconds);
        let total = &ledger.total;
        let socket = total.xsk.map_or(0, |xsk| xsk.rx_dropped + xsk.rx_ring_full);
        let lost = socket + total.xdp.map_or(0, |xdp| xdp.ring_full.packets);
        let outputs: u64 = ledger
            .outputs
            .iter()
            .map(|output| output.counts.failed)
            .sum();
        format!(
            "{:>5}s {}pps {}bit/s | flows {} new/s {} live | lost {lost} pkts {} records | \
             residual {}\n",
            self.started.elapsed().as_secs(),
            scaled(rate(totals.packets, self.previous.packets)),
            scaled(rate(totals.bytes, self.previous.bytes).saturating_mul(8)),
            rate(totals.created, self.previous.created),
            total.tracker.live,
            total.records.lost_records + outputs,
            total.residual.sum(),
        )
    }

    fn draw(&mut self, text: &str) {
        let width = terminal_size::terminal_size_of(io::stderr())
            .map_or(usize::MAX, |(width, _)| width.0.into());
        let mut drawing = String::new();
        if self.terminal && self.drawn > 0 {
            // A string takes whatever is written.
            let _ = write!(drawing, "\x1b[{}A\x1b[J", self.drawn);
        }
        for line in text.lines() {
            // A line that wraps would be two to go up.
            drawing.extend(line.chars().take(width));
            drawing.push('\n');
        }
        self.drawn = text.lines().count();
        stderr::print(drawing);
    }
}

fn append_top(text: &mut String, arrived: &CollectorCounts) {
    for flow in arrived.top().iter() {
        // A string takes whatever is written.
        let _ = writeln!(
            text,
            "        {:>9}B {:>9} packets  {}",
            scaled(flow.bytes),
            flow.packets,
            endpoints(&flow.key),
        );
    }
}

/// `tcp 10.0.0.1:1234 -> 10.0.0.2:80`
fn endpoints(key: &FiveTuple) -> String {
    format!(
        "{} {} -> {}",
        key.l4,
        std::net::SocketAddr::new(key.src, key.src_port),
        std::net::SocketAddr::new(key.dst, key.dst_port),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate for people: positive, and rounded"
)]
fn per_second(count: u64, seconds: f64) -> u64 {
    (count as f64 / seconds).round() as u64
}

/// A digit behind the point and a unit prefix: `12.3 M`.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
fn scaled(value: u64) -> String {
    let units = [
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    match units.into_iter().find(|(unit, _)| value >= *unit) {
        Some((unit, prefix)) => format!("{:.1} {prefix}", value as f64 / unit as f64),
        None => format!("{value} "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_scaled_for_people() {
        assert_eq!(scaled(0), "0 ");
        assert_eq!(scaled(999), "999 ");
        assert_eq!(scaled(12_345), "12.3 k");
        assert_eq!(scaled(9_876_543_210), "9.9 G");
        assert_eq!(per_second(10, 2.0), 5);
    }
}
