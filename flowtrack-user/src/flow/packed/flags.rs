//! The bit fields of a packed flow.

use flowtrack_common::{EndpointState, FlowSide, FlowState};

/// The bit fields of a packed flow, in one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(in crate::flow) struct Flags(pub(in crate::flow) u64);

/// Some of the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct Field {
    shift: u32,
    width: u32,
}

/// A field of each side, that of the initiator first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct SideField {
    shift: u32,
    width: u32,
}

/// The flow itself lies elsewhere; only key, links and list are kept here.
pub(in crate::flow) const EXTENDED: Field = Field { shift: 0, width: 1 };
/// The key lies elsewhere too.
pub(in crate::flow) const WIDE_KEY: Field = EXTENDED.then(1);
/// One more than the list that the flow is in; 0 where there is no flow.
pub(in crate::flow) const LIST: Field = WIDE_KEY.then(7);
/// The initiator's packets go from the destination of the key to its source.
pub(in crate::flow) const REVERSED: Field = LIST.then(1);
/// The [`FlowState`].
pub(in crate::flow) const STATE: Field = REVERSED.then(4);
/// The flow has a transport protocol.
pub(in crate::flow) const HAS_L4: Field = STATE.then(1);
/// Its number.
pub(in crate::flow) const L4: Field = HAS_L4.then(8);
/// As in [`Completeness`](flowtrack_common::Completeness).
pub(in crate::flow) const MIDSTREAM: Field = L4.then(1);
/// As in [`Completeness`](flowtrack_common::Completeness).
pub(in crate::flow) const CAPTURE_LOSS: Field = MIDSTREAM.then(1);
/// As in [`Completeness`](flowtrack_common::Completeness).
pub(in crate::flow) const TRUNCATED: Field = CAPTURE_LOSS.then(1);
/// The responder sent the first packet.
pub(in crate::flow) const RESPONDER_FIRST: Field = TRUNCATED.then(1);
/// The responder sent the latest packet.
pub(in crate::flow) const RESPONDER_LAST: Field = RESPONDER_FIRST.then(1);
/// When the flow was last used: one of the `USED_...`.
pub(in crate::flow) const USED: Field = RESPONDER_LAST.then(2);
/// The last productive packet is that of `Packed::lag`, not the latest.
pub(in crate::flow) const PRODUCTIVE_LAGS: Field = USED.then(1);
/// Number of the clock.
pub(in crate::flow) const CLOCK: Field = PRODUCTIVE_LAGS.then(4);
/// The history has a D.
pub(in crate::flow) const HAS_DATA: SideField = CLOCK.then_sides(1);
/// The history has an A.
pub(in crate::flow) const HAS_ACK: SideField = HAS_DATA.then_sides(1);
/// The flow is a TCP connection of which segments were seen.
pub(in crate::flow) const TCP: Field = HAS_ACK.then(1);
/// The [`EndpointState`], and that before it.
pub(in crate::flow) const ENDPOINT: SideField = TCP.then_sides(3);
pub(in crate::flow) const ENDPOINT_BEFORE: SideField = ENDPOINT.then_sides(3);
/// The other side has acknowledged more than the SYN.
pub(in crate::flow) const ANY_ACKED: SideField = ENDPOINT_BEFORE.then_sides(1);
pub(in crate::flow) const FIN_ACKED: SideField = ANY_ACKED.then_sides(1);
pub(in crate::flow) const CLOSED: SideField = FIN_ACKED.then_sides(1);
pub(in crate::flow) const AT_END: SideField = CLOSED.then_sides(1);
/// As in the connection.
pub(in crate::flow) const SIMULTANEOUS: Field = AT_END.then(1);
pub(in crate::flow) const CLOSE_WAITS: Field = SIMULTANEOUS.then(1);
pub(in crate::flow) const FINISHED: Field = CLOSE_WAITS.then(1);

/// The flow can go on by the short way: see [`Packed::count_plain`](super::Packed::count_plain).
pub(in crate::flow) const GOES_ON: Field = FINISHED.then(1);

const _: () = assert!(GOES_ON.shift + GOES_ON.width <= u64::BITS);

/// The flow was last used with its latest packet.
pub(in crate::flow) const USED_LAST: u64 = 0;
/// At `Packed::lag`.
pub(in crate::flow) const USED_AT_LAG: u64 = 1;
/// With its first packet.
pub(in crate::flow) const USED_FIRST: u64 = 2;

/// In the order of their numbers.
const STATES: [FlowState; 9] = [
    FlowState::Active,
    FlowState::SynSent,
    FlowState::SynReceived,
    FlowState::Established,
    FlowState::FinWait,
    FlowState::ClosingTcp,
    FlowState::Closed,
    FlowState::Reset,
    FlowState::Aborted,
];

/// In the order of their numbers.
const ENDPOINT_STATES: [EndpointState; 7] = [
    EndpointState::Inactive,
    EndpointState::SynSent,
    EndpointState::SynAckSent,
    EndpointState::Partial,
    EndpointState::Established,
    EndpointState::Closed,
    EndpointState::Reset,
];

impl Field {
    /// The next field.
    const fn then(self, width: u32) -> Self {
        Self {
            shift: self.shift + self.width,
            width,
        }
    }

    /// The next field, which each side has.
    const fn then_sides(self, width: u32) -> SideField {
        SideField {
            shift: self.shift + self.width,
            width,
        }
    }

    pub(in crate::flow) const fn mask(self) -> u64 {
        (1 << self.width) - 1
    }

    /// Its bits, where they stand.
    pub(in crate::flow) const fn bits(self) -> u64 {
        self.with(self.mask())
    }

    /// The bits of a value, where they stand.
    pub(in crate::flow) const fn with(self, value: u64) -> u64 {
        value << self.shift
    }
}

impl SideField {
    const fn then(self, width: u32) -> Field {
        Field {
            shift: self.shift + 2 * self.width,
            width,
        }
    }

    const fn then_sides(self, width: u32) -> Self {
        Self {
            shift: self.shift + 2 * self.width,
            width,
        }
    }

    /// That of `side`.
    #[inline]
    pub(in crate::flow) const fn of(self, side: FlowSide) -> Field {
        Field {
            shift: self.shift + self.width * side as u32,
            width: self.width,
        }
    }
}

impl Flags {
    #[inline]
    pub(in crate::flow) const fn get(self, field: Field) -> u64 {
        (self.0 >> field.shift) & field.mask()
    }

    /// Whether any bit of the field is set.
    #[inline]
    pub(in crate::flow) const fn is(self, field: Field) -> bool {
        self.get(field) != 0
    }

    /// The same with a field, which was zero, set to the low bits of `value`.
    #[inline]
    #[must_use]
    pub(in crate::flow) const fn with(self, field: Field, value: u64) -> Self {
        Self(self.0 | (value & field.mask()) << field.shift)
    }

    /// Sets a field to the low bits of `value`.
    #[inline]
    pub(in crate::flow) fn set(&mut self, field: Field, value: u64) {
        self.0 &= !field.bits();
        self.0 |= (value & field.mask()) << field.shift;
    }

    #[inline]
    pub(in crate::flow) fn state(self) -> FlowState {
        let number = usize::try_from(self.get(STATE)).unwrap_or_default();
        STATES.get(number).copied().unwrap_or_default()
    }

    /// Whether the state is one of those whose numbers `states` has as bits.
    #[inline]
    pub(in crate::flow) const fn state_is_of(self, states: u64) -> bool {
        states >> self.get(STATE) & 1 != 0
    }

    /// Whether the state of an end is one of those whose numbers `states` has as bits.
    #[inline]
    pub(in crate::flow) const fn endpoint_is_of(self, side: FlowSide, states: u64) -> bool {
        states >> self.get(ENDPOINT.of(side)) & 1 != 0
    }

    /// The state of an end, or the one before that: `field` is of [`ENDPOINT`] or [`ENDPOINT_BEFORE`].
    #[inline]
    pub(in crate::flow) fn endpoint(self, field: Field) -> EndpointState {
        let number = usize::try_from(self.get(field)).unwrap_or_default();
        ENDPOINT_STATES.get(number).copied().unwrap_or_default()
    }
}
