//! Numbers of as few bytes as they need.

/// A number of `BYTES` bytes, at most 8, without alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(in crate::flow) struct Uint<const BYTES: usize>([u8; BYTES]);

/// A number below 2^24.
pub(in crate::flow) type U24 = Uint<3>;
/// A number below 2^32 that need not be aligned.
pub(in crate::flow) type U32 = Uint<4>;
/// A number below 2^40: nanoseconds up to 18 minutes.
pub(in crate::flow) type U40 = Uint<5>;
/// A number below 2^48: nanoseconds up to 78 hours.
pub(in crate::flow) type U48 = Uint<6>;
/// A number below 2^56.
pub(in crate::flow) type U56 = Uint<7>;

impl<const BYTES: usize> Uint<BYTES> {
    /// The largest of them.
    pub(in crate::flow) const MAX: u64 = match BYTES {
        0..8 => (1 << (8 * BYTES)) - 1,
        _ => u64::MAX,
    };

    /// `value`, if it fits.
    #[inline]
    pub(in crate::flow) fn new(value: u64) -> Option<Self> {
        (value <= Self::MAX).then(|| Self::low(value))
    }

    /// The low bytes of `value`.
    #[inline]
    pub(in crate::flow) fn low(value: u64) -> Self {
        let mut low = [0; BYTES];
        for (to, from) in low.iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
        Self(low)
    }

    #[inline]
    pub(in crate::flow) fn get(self) -> u64 {
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(self.0) {
            *to = from;
        }
        u64::from_le_bytes(value)
    }

    /// How far before `latest` the last number lies that ends in these bytes. A time that is kept so
    /// stays right while `latest` moves on, as far as [`Self::MAX`].
    #[inline]
    pub(in crate::flow) fn before(self, latest: u64) -> u64 {
        latest.wrapping_sub(self.get()) & Self::MAX
    }
}

impl<const BYTES: usize> Default for Uint<BYTES> {
    fn default() -> Self {
        Self([0; BYTES])
    }
}
