//! Which of 16 bytes equal one: a whole bucket of tags in one comparison.

/// Bit n of the result says whether byte n of `bytes` is `tag`.
#[inline]
pub(super) fn matches(bytes: &[u8; 16], tag: u8) -> u16 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86_64.
    return unsafe { sse2(bytes, tag) };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: NEON is part of the aarch64 targets that have an operating system.
    return unsafe { neon(bytes, tag) };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return portable(bytes, tag);
}

#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn portable(bytes: &[u8; 16], tag: u8) -> u16 {
    let bit = |byte: &u8| u16::from(*byte == tag);
    bytes
        .iter()
        .rev()
        .fold(0, |mask, byte| mask << 1 | bit(byte))
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sse2(bytes: &[u8; 16], tag: u8) -> u16 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};

    // SAFETY: the array has the 16 bytes that are read, and they need no alignment.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    let equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(tag.cast_signed()));
    // The mask of 16 bytes has 16 bits.
    u16::try_from(_mm_movemask_epi8(equal)).unwrap_or(0)
}

#[cfg(target_arch = "aarch64")]
#[inline]
#[target_feature(enable = "neon")]
fn neon(bytes: &[u8; 16], tag: u8) -> u16 {
    use std::arch::aarch64::{
        vaddv_u8, vandq_u8, vceqq_u8, vdupq_n_u8, vget_high_u8, vget_low_u8, vld1q_u8,
    };

    const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: the array has the 16 bytes that are read.
    let bytes = unsafe { vld1q_u8(bytes.as_ptr()) };
    // SAFETY: the array has the 16 bytes that are read.
    let bits = unsafe { vld1q_u8(BITS.as_ptr()) };
    let equal = vandq_u8(vceqq_u8(bytes, vdupq_n_u8(tag)), bits);
    u16::from_le_bytes([vaddv_u8(vget_low_u8(equal)), vaddv_u8(vget_high_u8(equal))])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_way_of_comparing_finds_the_same_bytes(
            bytes in any::<[u8; 16]>().prop_map(|bytes| bytes.map(|byte| byte % 4 * 85)),
            tag in (0..4u8).prop_map(|tag| tag * 85),
        ) {
            let expected = (0..16).filter(|&n| bytes[n] == tag).map(|n| 1 << n).sum::<u16>();
            prop_assert_eq!(portable(&bytes, tag), expected);
            prop_assert_eq!(matches(&bytes, tag), expected);
        }
    }
}
