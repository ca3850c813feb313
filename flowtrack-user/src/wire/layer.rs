//! A part of a frame, as parsers hand it on.

use flowtrack_common::Frame;

/// A part of a frame: the bytes that were captured, and how many there were on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layer<'a> {
    /// Captured bytes from here on.
    pub(super) bytes: &'a [u8],
    /// Bytes on the wire from here on, never fewer than `bytes` has.
    pub(super) wire_len: usize,
    /// Bytes of the frame before this layer.
    pub(super) offset: usize,
}

impl<'a> Layer<'a> {
    /// The whole of `frame`.
    #[inline]
    pub(super) fn of(frame: &Frame<'a>) -> Self {
        Self {
            bytes: frame.bytes,
            wire_len: (frame.wire_len as usize).max(frame.bytes.len()),
            offset: 0,
        }
    }

    /// The first `N` bytes, or `None` if fewer were captured.
    #[inline]
    pub(super) fn header<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.first_chunk()
    }

    /// What follows `len` bytes of header; `None` if the header was not captured whole.
    #[inline]
    pub(super) fn after(self, len: usize) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(len..)?,
            wire_len: self.wire_len.saturating_sub(len),
            offset: self.offset + len,
        })
    }

    /// The first `N` bytes and what follows them.
    #[inline]
    pub(super) fn split<const N: usize>(self) -> Option<(&'a [u8; N], Self)> {
        Some((self.header()?, self.after(N)?))
    }

    /// The same, cut to `len` bytes: the rest is padding.
    #[inline]
    pub(super) fn limited(self, len: usize) -> Self {
        Self {
            bytes: self.bytes.get(..len).unwrap_or(self.bytes),
            wire_len: self.wire_len.min(len),
            offset: self.offset,
        }
    }

    /// Whether all of it was captured.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.len() >= self.wire_len
    }

    /// Where it starts in the frame.
    #[inline]
    pub(super) fn position(&self) -> u32 {
        u32::try_from(self.offset).unwrap_or(u32::MAX)
    }

    /// Bytes on the wire; a layer is limited by a 16-bit length or by the frame's 32-bit one.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.wire_len).unwrap_or(u32::MAX)
    }
}
