//! Which flows of the reference tracker expire, and which make room.

use flowtrack_common::EndReason;

use super::{
    flow::{Flow, Worth},
    reference::Reference,
};

impl Reference {
    fn worth(&self, flow: &Flow) -> Worth {
        flow.worth(self.config.tcp_ends_flows)
    }

    /// The flows that are looked at: of each timeout and worth the one that was used first.
    pub(super) fn heads(&self) -> Vec<usize> {
        let list = |number: &usize| {
            let flow = &self.flows[*number];
            (flow.patience(self.config.tcp_ends_flows), self.worth(flow))
        };
        let mut numbers: Vec<_> = (0..self.flows.len()).collect();
        numbers.sort_by_key(|number| (list(number), self.flows[*number].turn));
        numbers.dedup_by_key(|number| list(number));
        numbers
    }

    pub(super) fn sweep(&mut self, limit: usize) -> usize {
        let mut ended = 0;
        while ended < limit {
            let heads = self.heads();
            let Some(&number) = heads.iter().find(|&&n| self.is_idle(&self.flows[n])) else {
                break;
            };
            self.end(number, EndReason::IdleTimeout);
            ended += 1;
        }
        ended
    }

    pub(super) fn make_room(&mut self) {
        if self.sweep(1) == 1 {
            return;
        }
        let two_sided = self.config.established_share.floor(self.limit);
        let two_sided = two_sided.min(self.limit - 1);
        let rest = self.limit - two_sided;
        let guaranteed = [
            (Worth::Over, 0),
            (Worth::Opening, rest / 2),
            (Worth::OneSided, rest - rest / 2 - 1),
            (Worth::TwoSided, two_sided),
        ];
        for (class, (worth, keeps)) in guaranteed.into_iter().enumerate() {
            let of_it = |flow: &&Flow| self.worth(flow) == worth;
            if self.flows.iter().filter(of_it).count() <= keeps {
                continue;
            }
            let heads = self.heads().into_iter();
            let silent = heads.filter(|&number| self.worth(&self.flows[number]) == worth);
            let victim = silent.min_by_key(|&number| self.clock.at(self.flows[number].last_use));
            self.counters.evicted[class] += 1;
            self.end(victim.unwrap(), EndReason::Evicted);
            return;
        }
        panic!("a full table has a class that has more than it is guaranteed");
    }
}
