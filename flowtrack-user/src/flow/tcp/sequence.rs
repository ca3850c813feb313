//! The sequence space of one side of a connection.

use flowtrack_common::TcpInfo;

use super::gaps::{Gap, Gaps};

/// Sequence numbers as far apart as this belong to different connections: no window is larger
/// (RFC 7323, section 2.3).
pub(super) const MAX_DISTANCE: u32 = 1 << 30;
/// Only few connections have a larger window (RFC 7323 allows for 1 GiB): a number that is farther off
/// than this is hardly one of theirs, and chance hits it once in a hundred times.
pub(super) const MAX_WINDOW: u32 = 1 << 24;
/// A SYN or RST whose number is farther off than this does not tell how long the stream is.
const MAX_JUMP: u32 = 1 << 20;
/// As much as this above a gap, when nothing was ever acknowledged: only one direction is seen, and
/// nothing will tell what became of the gap.
const ONE_WAY: i32 = 16_384;

/// What is known of the sequence numbers of one side.
///
/// Numbers up to `edge` were seen, or lie in one of the `gaps`. What is missing below `settled` was
/// lost on the way to us: the other side has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    /// Number before the first byte: that of the SYN, or what it would have been.
    pub(super) start: u32,
    /// Number behind the highest one sent.
    pub(super) next: u32,
    /// How far `next` is from `start`: the stream may be longer than the sequence space.
    pub(super) length: u64,
    /// How far behind `next` the other side has acknowledged.
    pub(super) ahead: u32,
    /// It has acknowledged more than a SYN.
    pub(super) any_acked: bool,
    /// Up to here nothing is waited for any more: it was acknowledged.
    pub(super) settled: u32,
    /// Number behind the highest segment.
    pub(super) edge: u32,
    /// Number behind the highest byte of payload that was seen.
    pub(super) payload_end: u32,
    pub(super) gaps: Gaps,
    /// Nothing is waited for at all.
    pub(super) one_way: bool,
}

/// A segment, in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Number of the first byte, or of the SYN.
    pub(super) seq: u32,
    /// Bytes of payload.
    pub(super) len: u32,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
}

/// How a segment fits into the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// It brought bytes that were missing.
    pub(super) fills: bool,
    /// It brought nothing new.
    pub(super) repeats: bool,
    /// Numbers that are missing before it.
    pub(super) gap: u32,
}

/// Bytes that are known to be missing for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missed {
    /// In how many places.
    pub(super) gaps: u32,
    pub(super) bytes: u64,
}

impl Span {
    /// The numbers of a segment.
    pub(super) const fn of(info: &TcpInfo) -> Self {
        Self {
            seq: info.seq,
            len: info.payload_len,
            syn: info.flags.syn(),
            fin: info.flags.fin(),
            rst: info.flags.rst(),
        }
    }

    /// The same without what the capture did not keep.
    pub(super) const fn without_payload(self) -> Self {
        Self {
            len: 0,
            fin: self.fin && self.len == 0,
            ..self
        }
    }

    /// Number of the first byte of payload.
    const fn data(&self) -> u32 {
        self.seq.wrapping_add(self.syn as u32)
    }

    /// Number behind the payload.
    const fn data_end(&self) -> u32 {
        self.data().wrapping_add(self.len)
    }

    /// Number behind the segment. The payload of a RST is no part of the stream.
    pub(super) const fn end(&self) -> u32 {
        let end = if self.rst {
            self.data()
        } else {
            self.data_end()
        };
        end.wrapping_add(self.fin as u32)
    }
}

impl Stream {
    /// The stream begins with `segment`, or that is the first one seen of it.
    pub(super) fn begin(&mut self, segment: Span) {
        if segment.syn {
            self.expect(segment.seq.wrapping_add(1));
            self.next = segment.end();
            self.length = distance(self.start, self.next).unsigned_abs().into();
        } else {
            self.expect(segment.seq);
            self.next = segment.seq;
            self.length = 1;
        }
    }

    /// The SYN comes again. Zeek takes it that the stream may begin only now, but what it has of it
    /// stays.
    pub(super) fn rewind(&mut self, syn: Span) {
        if self.length < MAX_DISTANCE.into() {
            self.next = syn.end();
            self.length = distance(self.start, self.next).unsigned_abs().into();
            self.ahead = 0;
            self.any_acked = false;
        }
    }

    /// The other side acknowledges up to `first`, of which nothing was seen.
    pub(super) fn expect(&mut self, first: u32) {
        let start = first.wrapping_sub(1);
        *self = Self {
            start,
            next: start,
            settled: first,
            edge: first,
            payload_end: first,
            ..Self::default()
        };
    }

    /// Whether nothing but a SYN was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.length <= 1
    }

    /// Number before the first byte.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// Distance from the number before the first byte.
    pub(super) fn relative(&self, seq: u32) -> u32 {
        seq.wrapping_sub(self.start)
    }

    /// Whether a number can be one of this stream: it is near what was sent or acknowledged last.
    pub(super) fn is_near(&self, seq: u32) -> bool {
        let near = |number| distance(number, seq).unsigned_abs() < MAX_DISTANCE;
        near(self.next) || near(self.next.wrapping_add(self.ahead))
    }

    /// Whether a segment lies within a window of what was sent or acknowledged last. Where nothing
    /// but SYNs and FINs is seen a FIN is farther off.
    pub(super) fn is_in_window(&self, segment: Span) -> bool {
        let Span { seq, fin, .. } = segment;
        let near = [
            self.next,
            self.next.wrapping_add(self.ahead),
            // A stray segment may have moved the others.
            self.settled,
        ]
        .into_iter()
        .any(|number| distance(number, seq).unsigned_abs() <= MAX_WINDOW);
        near || (fin && self.is_empty() && self.is_near(seq))
    }

    /// Bytes of the stream, as far as they were sent or acknowledged.
    pub(super) fn bytes(&self, fin: bool) -> u64 {
        let numbers = self.length.saturating_add(self.ahead.into());
        numbers.saturating_sub(1).saturating_sub(fin.into())
    }

    /// Whether `number` lies behind the start and was reached.
    pub(super) fn has_sent(&self, number: u32) -> bool {
        distance(self.start, number) > 0 && distance(number, self.next) >= 0
    }

    /// The other side acknowledges up to `ack`. Returns whether that can be true.
    pub(super) fn acknowledge(&mut self, ack: u32, trusted: bool) -> bool {
        let beyond = distance(self.next, ack);
        let Some(offset) = self.length.checked_add_signed(beyond.into()) else {
            return false;
        };
        let broken = ack == 0 && beyond.unsigned_abs() > MAX_JUMP;
        if trusted && !broken {
            self.ahead = self.ahead.max(beyond.max(0).unsigned_abs());
            self.any_acked |= offset > 1;
        }
        true
    }

    /// Moves the end of the stream to that of `segment`. Returns whether its payload did not.
    pub(super) fn advance(&mut self, segment: Span, reset: bool) -> bool {
        let end = segment.end();
        let step = distance(self.next, end);
        if (segment.syn || segment.rst) && step.unsigned_abs() > MAX_JUMP {
            return false;
        }
        // When only the SYN and the FIN of a long stream are seen, the numbers may have come round.
        let long = segment.fin && self.next == self.start.wrapping_add(1);
        if long || (step > 0 && !reset) {
            if long || self.is_near(end) {
                let advance = end.wrapping_sub(self.next);
                self.length += u64::from(advance);
                self.ahead = self.ahead.saturating_sub(advance);
                self.next = end;
            }
            return false;
        }
        !reset && segment.len > 0
    }

    /// Places `segment`, which is no RST, between those seen before.
    pub(super) fn place(&mut self, segment: Span) -> (Fit, Missed) {
        let (from, to) = (segment.data(), segment.data_end());
        let (ahead, advance) = (distance(self.edge, from), distance(self.edge, to));
        let mut fit = Fit::default();
        let mut missed = Missed::default();
        if !self.is_near(from) {
            return (fit, missed);
        }
        if ahead > 0 {
            fit.gap = ahead.unsigned_abs();
            missed = self.open_gap(Gap {
                from: self.edge,
                to: from,
            });
        }
        let fills = segment.len > 0 && self.gaps.fill(Gap { from, to });
        if segment.len > 0 && advance <= 0 {
            fit.fills = fills;
            fit.repeats = !fills;
        }
        if advance >= 0 {
            self.edge = to.wrapping_add(segment.fin.into());
            self.forget_old();
        }
        if segment.len > 0 && distance(self.payload_end, to) > 0 {
            self.payload_end = to;
        }
        self.settle_one_way();
        (fit, missed)
    }

    fn open_gap(&mut self, gap: Gap) -> Missed {
        let Some(lost) = self.gaps.open(gap) else {
            return Missed::default();
        };
        let open = lost.after(self.settled);
        Missed {
            gaps: (open.len() > 0).into(),
            bytes: open.len().into(),
        }
    }

    /// What lies far back is not waited for: numbers come round.
    fn forget_old(&mut self) {
        let horizon = horizon(self.edge);
        self.gaps.forget_before(horizon);
        if distance(self.settled, horizon) > 0 {
            self.settled = horizon;
        }
    }

    /// Where no acknowledgment is seen, what arrived is not waited for.
    fn settle_one_way(&mut self) {
        if self.any_acked {
            return;
        }
        let whole = self.whole();
        if distance(whole, self.payload_end) > ONE_WAY {
            self.one_way = true;
        }
        if self.length > ONE_WAY.unsigned_abs().into() && distance(self.settled, whole) > 0 {
            self.settled = whole;
        }
    }

    /// The other side has acknowledged up to `ack`: what was not seen before that will not come. A
    /// FIN whose number is before `fin` is no byte.
    pub(super) fn settle(&mut self, ack: u32, fin: Option<u32>) -> Option<Missed> {
        let last = fin.map(|fin| fin.wrapping_sub(1));
        let up_to = match last {
            Some(last) if distance(last, ack) > 0 => last,
            _ => ack,
        };
        if distance(self.settled, up_to) <= 0 {
            return None;
        }
        let mut missed = Missed::default();
        if !self.one_way {
            let tail = Gap {
                from: self.edge,
                to: up_to,
            };
            let mut reached = self.settled;
            for gap in self.gaps.iter().chain([tail]) {
                let open = gap.after(self.settled).before(up_to);
                if open.len() > 0 {
                    missed.bytes += u64::from(open.len());
                    // Two that touch each other are one.
                    let touches = missed.gaps > 0 && open.from == reached;
                    missed.gaps += u32::from(!touches);
                    reached = open.to;
                }
            }
        }
        self.settled = up_to;
        self.gaps.forget_before(horizon(up_to));
        Some(missed)
    }

    /// Number behind the bytes of which none is waited for.
    fn whole(&self) -> u32 {
        let open = |gap: &Gap| distance(self.settled, gap.to) > 0;
        match self.gaps.iter().find(open) {
            Some(gap) => gap.after(self.settled).from,
            None if distance(self.edge, self.settled) > 0 => self.settled,
            None => self.edge,
        }
    }

    /// Whether bytes before the end of the stream are still waited for.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.one_way && distance(self.whole(), self.next) > 1
    }

    /// Whether bytes that were seen are not acknowledged.
    pub(super) fn is_unacknowledged(&self) -> bool {
        !self.one_way && distance(self.settled, self.payload_end) > 0
    }
}

/// What ends before this is too far back to be compared with `number`.
fn horizon(number: u32) -> u32 {
    number.wrapping_sub(MAX_DISTANCE)
}

/// From `a` to `b` in sequence space (RFC 1982 arithmetic).
pub(super) fn distance(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a).cast_signed()
}
