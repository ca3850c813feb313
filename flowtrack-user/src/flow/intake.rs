//! From frames to what a tracker takes in, with an account of what was refused.

use flowtrack_common::Frame;

use super::{ExtractorConfig, FiveTuple, FiveTupleExtractor, Observation};
use crate::{
    filter::Filter,
    wire::{Refusal, RefusalCounts},
};

/// The way of a frame into a tracker. A frame is filtered out, accepted or refused, once; an accepted one
/// gives one packet for each flow that it counts in.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// None if all frames are wanted.
    filter: Option<Filter>,
    extractor: FiveTupleExtractor,
    counts: IntakeCounts,
}

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeCounts {
    /// Frames that the filter does not want.
    pub filtered: u64,
    /// Frames that have a flow.
    pub accepted: u64,
    /// Packets beyond one a frame: those that came in tunnels and have flows of their own.
    pub tunnelled: u64,
    /// Accepted frames that have something in a tunnel that was refused: for information.
    pub refused_inside: u64,
    /// Frames that have no flow, by reason.
    pub refused: RefusalCounts,
}

impl Intake {
    /// Nothing taken in yet.
    pub fn new(config: ExtractorConfig) -> Self {
        Self::filtered(config, None)
    }

    /// The same with a filter, for [`Self::wants`].
    pub fn filtered(config: ExtractorConfig, filter: Option<Filter>) -> Self {
        Self {
            filter,
            extractor: FiveTupleExtractor::new(config),
            counts: IntakeCounts::default(),
        }
    }

    /// Whether the filter wants a frame. One that it does not want is counted, and is not to be taken in.
    #[inline]
    pub fn wants(&mut self, frame: &Frame<'_>) -> bool {
        let wanted = match &self.filter {
            None => true,
            Some(filter) => filter.accepts(frame),
        };
        self.counts.filtered += u64::from(!wanted);
        wanted
    }

    /// Takes in a frame that is wanted and hands what it holds to `observe`, the outermost packet first.
    #[inline]
    pub fn frame(&mut self, frame: &Frame<'_>, mut observe: impl FnMut(Observation<FiveTuple>)) {
        match self.extractor.plain(frame, &mut observe) {
            Some(()) => self.counts.accepted += 1,
            None => self.look_into(frame, observe),
        }
    }

    /// The same for a frame that is not plain.
    #[inline(never)]
    fn look_into(&mut self, frame: &Frame<'_>, mut observe: impl FnMut(Observation<FiveTuple>)) {
        let mut packets = 0;
        let end = self.extractor.look_into(frame, &mut |observation| {
            packets += u64::from(matches!(observation, Observation::Packet(_)));
            observe(observation);
        });
        let counts = &mut self.counts;
        match (packets, end) {
            (0, end) => counts.refused.count(end.err().unwrap_or(Refusal::NoKey)),
            (_, end) => {
                counts.accepted += 1;
                counts.tunnelled += packets - 1;
                counts.refused_inside += u64::from(end.is_err());
            }
        }
    }

    /// What became of the frames so far.
    pub fn counts(&self) -> &IntakeCounts {
        &self.counts
    }
}
