//! Keys as flows are looked up by them.

/// What a flow is looked up by.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Lookup {
    pub(super) hash: u64,
    /// The compact form of the key.
    pub(super) compact: Option<Words>,
}

/// A compact key as numbers, which are compared and hashed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Of its first eight bytes.
    first: u64,
    /// Of the next four.
    middle: u32,
    last: u8,
}

impl Words {
    #[inline]
    pub(super) fn of(bytes: [u8; 13]) -> Self {
        let (first, rest) = bytes.split_at(8);
        let [.., last] = bytes;
        Self {
            first: u64::from_ne_bytes(first.first_chunk().copied().unwrap_or_default()),
            middle: u32::from_ne_bytes(rest.first_chunk().copied().unwrap_or_default()),
            last,
        }
    }

    #[inline]
    pub(super) fn bytes(self) -> [u8; 13] {
        let mut bytes = [self.last; 13];
        let (first, rest) = bytes.split_at_mut(8);
        first.copy_from_slice(&self.first.to_ne_bytes());
        rest[..4].copy_from_slice(&self.middle.to_ne_bytes());
        bytes
    }

    #[inline]
    pub(super) fn number(self) -> u128 {
        let rest = u64::from(self.middle) | u64::from(self.last) << u32::BITS;
        u128::from(self.first) | u128::from(rest) << u64::BITS
    }
}

impl Lookup {
    /// Of what has no key.
    pub(in crate::flow) const NONE: Self = Self {
        hash: 0,
        compact: None,
    };

    /// The keyed hash of the key.
    pub(in crate::flow) fn hash(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_any_byte_have_different_numbers() {
        let bytes = [1; 13];
        let words = Words::of(bytes);
        assert_eq!(words.bytes(), bytes);
        for at in 0..bytes.len() {
            let mut other = bytes;
            other[at] = 2;
            let other = Words::of(other);
            assert_ne!(other, words, "{at}");
            assert_ne!(other.number(), words.number(), "{at}");
        }
    }
}
