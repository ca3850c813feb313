//! The library in one piece: frames in, events out.

use flowtrack_common::{EndReason, FlowExtractor, Frame, Timestamp};

use super::{EventSink, Meta, Tracker, TrackerConfig};

/// Flows that may expire with each frame: more than a frame can start, so that the sweep keeps up.
const EXPIRE: usize = 2;

/// An extractor and a tracker: takes frames and says what becomes of their flows.
///
/// An extractor gives packets only. What is known of a flow beside them (ICMP errors that quote it,
/// packets that were refused for their header or checksum) is not counted here; [`Intake`] has notes of
/// it for a tracker.
///
/// [`Intake`]: super::Intake
///
/// ```
/// use flowtrack::{
///     common::{FlowEvent, Frame, LinkType, Timestamp},
///     flow::{FiveTuple, FiveTupleExtractor, FlowDriver},
/// };
///
/// let mut driver = FlowDriver::new(FiveTupleExtractor::default());
/// let mut events: Vec<FlowEvent<FiveTuple>> = Vec::new();
/// let frame = Frame {
///     bytes: &[0; 60],
///     wire_len: 60,
///     link: LinkType::ETHERNET,
///     ts: Timestamp::new(1, 0),
/// };
/// driver.frame(&frame, &mut events);
/// driver.finish(&mut events);
/// assert!(events.is_empty(), "it was no IP packet");
/// assert_eq!(driver.unmatched(), 1);
/// ```
#[derive(Debug)]
pub struct FlowDriver<E: FlowExtractor> {
    extractor: E,
    tracker: Tracker<E::Key>,
    unmatched: u64,
}

impl<E: FlowExtractor> FlowDriver<E> {
    /// A driver with the default configuration of a tracker.
    pub fn new(extractor: E) -> Self {
        Self::with_config(extractor, TrackerConfig::default())
    }

    /// A driver whose tracker is configured by `config`. Its memory is allocated here.
    pub fn with_config(extractor: E, config: TrackerConfig) -> Self {
        Self {
            extractor,
            tracker: Tracker::new(config),
            unmatched: 0,
        }
    }

    /// Whether anomalies are events too. They are not unless asked for.
    #[must_use]
    pub fn with_emit_anomalies(self, emit: bool) -> Self {
        Self {
            tracker: self.tracker.with_emit_anomalies(emit),
            ..self
        }
    }

    /// Takes in a frame. Frames come in the order in which they arrived.
    pub fn frame(&mut self, frame: &Frame<'_>, sink: &mut impl EventSink<E::Key>) {
        let Some(packet) = self.extractor.extract(frame) else {
            self.unmatched += 1;
            return;
        };
        let ts = frame.ts;
        self.tracker.packet(&Meta { packet, ts }, sink);
        self.tracker.expire(EXPIRE, sink);
    }

    /// No frame has arrived until `now`: flows expire by it.
    pub fn advance(&mut self, now: Timestamp, sink: &mut impl EventSink<E::Key>) {
        self.tracker.advance(now);
        self.tracker.expire(usize::MAX, sink);
    }

    /// Ends all flows: those that have expired for that reason, the others for
    /// [`EndReason::Shutdown`].
    pub fn finish(&mut self, sink: &mut impl EventSink<E::Key>) {
        self.tracker.finish(EndReason::Shutdown, sink);
    }

    /// Frames for which the extractor had no key.
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// The tracker, with its counters and live flows.
    pub fn tracker(&self) -> &Tracker<E::Key> {
        &self.tracker
    }

    /// The tracker, to change its limits.
    pub fn tracker_mut(&mut self) -> &mut Tracker<E::Key> {
        &mut self.tracker
    }
}
