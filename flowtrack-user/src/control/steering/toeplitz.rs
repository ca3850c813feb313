//! The Toeplitz hash, as NICs compute it over addresses and ports ("RSS hashing functions", Microsoft).
//!
//! The hash is the exclusive or of 32 bits of the key for each bit of the input that is set, those that
//! begin with the key's bit of the same number. So it is symmetric if the bits that change places when
//! source and destination do so are hashed alike.

/// Bytes of the key that addresses and ports of IPv6 need: 36 of input, and 4 behind its last bit.
const KEY_LEN: usize = 40;

/// Pairs of fields that change places in the other direction, each by the number of its first bit and how
/// many it has: addresses and ports of IPv4, then those of IPv6.
const SWAPPED: [(usize, usize, usize); 4] =
    [(0, 32, 32), (64, 80, 16), (0, 128, 128), (256, 272, 16)];

/// Whether both directions of every flow have the same hash with this key.
pub(crate) fn is_symmetric(key: &[u8]) -> bool {
    let alike = |(one, other, bits): (usize, usize, usize)| {
        (0..bits).all(|bit| window(key, one + bit) == window(key, other + bit))
    };
    key.len() >= KEY_LEN && SWAPPED.into_iter().all(alike)
}

/// A key of so many bytes that makes the hash symmetric (Woo and Park, "Scalable TCP Session Monitoring
/// with Symmetric Receive-Side Scaling", 2012): all that changes places lies a multiple of 16 bits apart.
pub(super) fn symmetric_key(len: usize) -> Vec<u8> {
    [0x6d, 0x5a].into_iter().cycle().take(len).collect()
}

/// The 32 bits of the key from number `bit` on; those behind its end are 0.
fn window(key: &[u8], bit: usize) -> u32 {
    let (from, shift) = (bit / 8, bit % 8);
    let bytes = (from..from + 5).map(|at| key.get(at).copied().unwrap_or(0));
    let wide = bytes.fold(0_u64, |wide, byte| wide << 8 | u64::from(byte));
    // The lower half is what is wanted.
    let [_, _, _, _, bytes @ ..] = (wide >> (8 - shift)).to_be_bytes();
    u32::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::{array::uniform, prelude::*};

    use super::*;

    /// The key of Microsoft's examples.
    const KEY: [u8; 40] = [
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f,
        0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    ];

    fn hash(key: &[u8], input: &[u8]) -> u32 {
        let is_set = |bit: &usize| input[bit / 8] >> (7 - bit % 8) & 1 == 1;
        let bits = (0..8 * input.len()).filter(is_set);
        bits.fold(0, |hash, bit| hash ^ window(key, bit))
    }

    #[test]
    fn the_hash_is_that_of_the_published_examples() {
        let input = [66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6];
        assert_eq!(hash(&KEY, &input[..8]), 0x323e_8fc2);
        assert_eq!(hash(&KEY, &input), 0x51cc_c178);
    }

    #[test]
    fn a_key_of_one_repeated_pair_of_bytes_is_symmetric_and_a_usual_one_is_not() {
        for len in [40, 52] {
            assert!(is_symmetric(&symmetric_key(len)), "{len}");
        }
        assert!(!is_symmetric(&KEY));
        assert!(
            !is_symmetric(&symmetric_key(39)),
            "it does not reach to the ports of IPv6"
        );
        let mut almost = symmetric_key(40);
        almost[39] ^= 2;
        assert!(!is_symmetric(&almost));
    }

    proptest! {
        #[test]
        fn with_a_symmetric_key_both_directions_have_the_same_hash(
            addresses in uniform::<_, 2>(uniform::<_, 16>(any::<u8>())),
            ports in uniform::<_, 2>(uniform::<_, 2>(any::<u8>())),
            len in prop::sample::select(vec![4, 16]),
        ) {
            let input = |one: usize| {
                let other = 1 - one;
                [&addresses[one][..len], &addresses[other][..len], &ports[one], &ports[other]].concat()
            };
            let key = symmetric_key(KEY_LEN);
            prop_assert_eq!(hash(&key, &input(0)), hash(&key, &input(1)));
            let without_ports = 2 * len;
            prop_assert_eq!(
                hash(&key, &input(0)[..without_ports]),
                hash(&key, &input(1)[..without_ports])
            );
        }
    }
}
