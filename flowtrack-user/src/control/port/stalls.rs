//! Queues of an interface that stand still.

use super::Port;
use crate::control::{
    attachment::Attachment,
    summary::Summary,
    watchdog::{Sight, Step},
};

impl Port {
    /// Does what there is to do about queues that stand still. Where headers are copied none does: the
    /// packets go on whatever a worker does.
    pub(super) fn watch_stalls(&mut self, mut summary: Option<&mut Summary>) {
        if self.config.mode.copies() {
            return;
        }
        let Self {
            attachment: Some(attachment),
            watchdogs,
            workers,
            started,
            ..
        } = self
        else {
            return;
        };
        let at = started.elapsed();
        for ((queue, watchdog), worker) in (0..).zip(watchdogs).zip(workers) {
            // The program's counter is read first: then what is taken meanwhile is not missing.
            let Ok(captured) = attachment.captured(queue) else {
                continue;
            };
            let step = watchdog.step(Sight {
                at,
                captured,
                received: worker.counts().received,
                waiting: attachment.has_packets(queue as usize),
            });
            if step != Step::Nothing
                && let Some(summary) = summary.as_deref_mut()
            {
                summary.release();
            }
            let place = format!("queue {queue} of {}", self.config.name());
            take(step, attachment, queue, &place);
        }
    }
}

fn take(step: Step, attachment: &mut Attachment, queue: u32, place: &str) {
    let result = match step {
        Step::Nothing => return,
        Step::Kick => {
            log::info!("{place} takes no packets though some come: waking it up");
            // A driver that cannot be woken up is reported with the next step.
            let _ = attachment.kick(queue as usize);
            return;
        }
        Step::Report => {
            log::error!("{place} stands still: packets come for it, and none is taken");
            return;
        }
        Step::Recovered => {
            log::warn!("{place} moves again");
            return;
        }
        Step::Pass => {
            log::error!("{place} still stands still: its packets go to the host from now on");
            attachment.bypass(queue, true)
        }
        Step::Capture => {
            log::warn!("{place} moves again: its packets are captured again");
            attachment.bypass(queue, false)
        }
    };
    if let Err(error) = result {
        log::error!("cannot tell the XDP program about {place}: {error}");
    }
}
