//! Attributes of netlink messages: a length with the header, a type, a value, padding to four bytes.

use std::iter;

const HEADER: usize = 4;
/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`, which are no part of the type.
const FLAGS: u16 = 0xc000;

/// The attributes in `bytes`; it ends at the first that is damaged.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// Types and values.
    pub(super) fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.0;
        iter::from_fn(move || {
            let (&[len0, len1, kind0, kind1], _) = rest.split_first_chunk::<HEADER>()?;
            let len = usize::from(u16::from_ne_bytes([len0, len1]));
            let value = rest.get(HEADER..len)?;
            rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
            Some((u16::from_ne_bytes([kind0, kind1]) & !FLAGS, value))
        })
    }

    /// The value of the first attribute of this type.
    pub(super) fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// An attribute of one byte.
    pub(super) fn u8(self, kind: u16) -> Option<u8> {
        self.get(kind)?.first().copied()
    }

    /// An attribute of two bytes.
    pub(super) fn u16(self, kind: u16) -> Option<u16> {
        Some(u16::from_ne_bytes(*self.get(kind)?.first_chunk()?))
    }

    /// An attribute of four bytes.
    pub(super) fn u32(self, kind: u16) -> Option<u32> {
        Some(u32::from_ne_bytes(*self.get(kind)?.first_chunk()?))
    }

    /// An attribute of eight bytes.
    pub(super) fn u64(self, kind: u16) -> Option<u64> {
        Some(u64::from_ne_bytes(*self.get(kind)?.first_chunk()?))
    }

    /// Attributes in an attribute; none if it is not there.
    pub(super) fn nested(self, kind: u16) -> Self {
        Self(self.get(kind).unwrap_or_default())
    }

    /// A text that ends with a zero.
    pub(super) fn text(self, kind: u16) -> Option<String> {
        let bytes = self.get(kind)?;
        let text = bytes.split(|&byte| byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

/// Appends an attribute to a message.
pub(super) fn push(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(HEADER.saturating_add(value.len())).unwrap_or(u16::MAX);
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_pushed_is_found(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let mut message = Vec::new();
            for (kind, value) in (0..).zip(&values) {
                push(&mut message, kind, value);
            }
            let found: Vec<_> = Attributes(&message).iter().map(|(_, value)| value.to_vec()).collect();
            prop_assert_eq!(found, values);
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes: Vec<u8>) {
            prop_assert!(Attributes(&bytes).iter().count() <= bytes.len() / HEADER);
        }
    }
}
