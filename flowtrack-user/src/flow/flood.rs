//! Who is the target of a SYN flood.

use std::net::IpAddr;

use ahash::RandomState;

/// Targets that are watched at a time: 48 KiB.
const CELLS: usize = 1 << 10;

/// Half-open flows by destination, in bounded memory.
///
/// Each cell follows one of the destinations that fall into it, by majority vote (Boyer and Moore):
/// flows to others count against it, and at zero the next one takes its place. So a cell never counts
/// more than there was, and it finds the destination of most of its flows. Which cell that is depends
/// on a key that senders do not know.
#[derive(Debug)]
pub(super) struct SynFlood {
    cells: Box<[Cell]>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    target: IpAddr,
    /// The interval in which it was counted.
    interval: u32,
    /// Flows opened beyond those completed or refused.
    half_open: u32,
    /// It was reported: the cell stays with this target for the rest of the interval.
    reported: bool,
}

impl SynFlood {
    /// Nothing seen yet.
    pub(super) fn new(hasher: RandomState) -> Self {
        let empty = Cell {
            target: IpAddr::from([0; 4]),
            interval: 0,
            half_open: 0,
            reported: false,
        };
        Self {
            cells: vec![empty; CELLS].into_boxed_slice(),
            hasher,
        }
    }

    /// A flow to `target` is half open. Whether the target is to be reported: for the first time in
    /// this `interval` there are `threshold` of them.
    pub(super) fn opened(&mut self, target: IpAddr, interval: u32, threshold: u32) -> bool {
        let Some(cell) = self.cell(target, interval) else {
            return false;
        };
        if cell.target == target {
            cell.half_open = cell.half_open.saturating_add(1);
        } else if cell.reported {
            return false;
        } else if let Some(fewer) = cell.half_open.checked_sub(1) {
            cell.half_open = fewer;
            return false;
        } else {
            cell.target = target;
            cell.half_open = 1;
        }
        let report = !cell.reported && cell.half_open >= threshold;
        cell.reported |= report;
        report
    }

    /// A flow to `target` is half open no more: its handshake is complete, or it was refused.
    pub(super) fn completed(&mut self, target: IpAddr, interval: u32) {
        if let Some(cell) = self.cell(target, interval)
            && cell.target == target
        {
            cell.half_open = cell.half_open.saturating_sub(1);
        }
    }

    /// The cell of `target`, empty if what it has is of another interval.
    fn cell(&mut self, target: IpAddr, interval: u32) -> Option<&mut Cell> {
        let hash = self.hasher.hash_one(target);
        let number = usize::try_from(hash % CELLS as u64).ok()?;
        let cell = self.cells.get_mut(number)?;
        if cell.interval != interval {
            *cell = Cell {
                target,
                interval,
                half_open: 0,
                reported: false,
            };
        }
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(number: u16) -> IpAddr {
        let [a, b] = number.to_be_bytes();
        IpAddr::from([10, 0, a, b])
    }

    #[test]
    fn a_target_is_reported_once_an_interval_when_it_reaches_the_threshold() {
        let mut flood = SynFlood::new(RandomState::new());
        for interval in [3, 4] {
            let reports: Vec<u32> = (1..=30)
                .filter(|_| flood.opened(target(1), interval, 10))
                .collect();
            assert_eq!(reports, [10]);
        }
    }

    #[test]
    fn handshakes_that_complete_do_not_count() {
        let mut flood = SynFlood::new(RandomState::new());
        for _ in 0..1000 {
            assert!(!flood.opened(target(1), 0, 2));
            flood.completed(target(1), 0);
        }
        flood.completed(target(1), 0);
        assert!(!flood.opened(target(1), 0, 2));
        assert!(flood.opened(target(1), 0, 2));
    }

    #[test]
    fn few_flows_to_many_targets_are_no_flood() {
        let mut flood = SynFlood::new(RandomState::new());
        let reports = (0..u16::MAX).filter(|&number| flood.opened(target(number), 0, 100));
        assert_eq!(reports.count(), 0);
    }

    #[test]
    fn a_target_is_found_among_many_others() {
        let mut flood = SynFlood::new(RandomState::new());
        let reports: Vec<_> = (0..50_000u16)
            .map(|number| match number % 5 {
                0 => 7,
                _ => 1000 + number,
            })
            .filter(|&number| flood.opened(target(number), 0, 1000))
            .collect();
        assert_eq!(reports, [7]);
    }
}
