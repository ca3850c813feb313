//! From frames to what a tracker takes in, with an account of what was refused.

use flowtrack_common::{FlowExtractor, Frame};

use super::{ExtractorConfig, FiveTuple, FiveTupleExtractor, Meta, Observation};
use crate::wire::{self, Refusal, RefusalCounts};

/// The way of a frame into a tracker. A frame is accepted or refused, once; an accepted one gives one
/// packet for each flow that it counts in.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    extractor: FiveTupleExtractor,
    counts: IntakeCounts,
}

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeCounts {
    /// Frames that have a flow.
    pub accepted: u64,
    /// Packets beyond one a frame: those that came in tunnels and have flows of their own.
    pub tunnelled: u64,
    /// Frames that have no flow, by reason.
    pub refused: RefusalCounts,
}

impl Intake {
    /// Nothing taken in yet.
    pub fn new(config: ExtractorConfig) -> Self {
        Self {
            extractor: FiveTupleExtractor::new(config),
            counts: IntakeCounts::default(),
        }
    }

    /// Takes in a frame and hands what it holds to `observe`, the outermost packet first.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>, mut observe: impl FnMut(Observation<FiveTuple>)) {
        if let Some(packet) = self.extractor.extract(frame) {
            self.counts.accepted += 1;
            observe(Observation::Packet(Meta {
                packet,
                ts: frame.ts,
            }));
        } else {
            self.refuse(frame);
        }
    }

    /// An extractor only says that there is no key. Refused packets are few: look again for why.
    #[cold]
    fn refuse(&mut self, frame: &Frame<'_>) {
        let refusal = wire::parse(frame).err().unwrap_or(Refusal::NoKey);
        self.counts.refused.count(refusal);
    }

    /// What became of the frames so far.
    pub fn counts(&self) -> &IntakeCounts {
        &self.counts
    }
}
