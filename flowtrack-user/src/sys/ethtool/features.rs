//! Features of a driver, as `ethtool -k` shows them.

use std::{collections::BTreeMap, io};

use super::{
    if_known,
    strings::{self, StringSet},
};
use crate::sys::ioctl;

const ETHTOOL_GFEATURES: u32 = 0x3a;
/// Words of `struct ethtool_gfeatures` before its blocks: command and number of blocks.
const HEADER: usize = 2;
/// Words of a block, each of a bit for 32 features: available, requested, active, never changed.
const BLOCK: usize = 4;

/// A feature of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// It is on.
    pub active: bool,
    /// It can be switched.
    pub changeable: bool,
}

/// All features by the name that the kernel gives them, such as `rx-lro` or `rx-vlan-hw-parse`.
pub fn read(name: &str) -> io::Result<Option<BTreeMap<String, Feature>>> {
    let Some(names) = strings::read(name, StringSet::Features)? else {
        return Ok(None);
    };
    let blocks = names.len().div_ceil(32);
    let mut command = vec![ETHTOOL_GFEATURES, u32::try_from(blocks).unwrap_or(0)];
    command.resize(HEADER + BLOCK * blocks, 0);
    // SAFETY: ETHTOOL_GFEATURES reads the header and writes it and at most as many blocks as the header says,
    // for which there is room.
    let asked = unsafe { ioctl::ethtool(name, command.as_mut_ptr()) };
    Ok(if_known(asked)?.map(|()| {
        let states = command.get(HEADER..).unwrap_or_default();
        decode(names, states)
    }))
}

fn decode(names: Vec<String>, states: &[u32]) -> BTreeMap<String, Feature> {
    let blocks = states.chunks_exact(BLOCK);
    let features = blocks.flat_map(|block| {
        (0..u32::BITS).map(move |bit| {
            let is_set = |word: usize| block.get(word).is_some_and(|word| word >> bit & 1 == 1);
            Feature {
                active: is_set(2),
                changeable: is_set(0) && !is_set(3),
            }
        })
    });
    // Numbers that are not in use have no name.
    names
        .into_iter()
        .zip(features)
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_a_bit_in_each_word_of_its_block() {
        let mut names = vec![String::new(); 34];
        names[1] = "rx-lro".to_owned();
        names[33] = "rx-gro-hw".to_owned();
        let features = decode(names, &[0b10, 0, 0b10, 0, 0b10, 0, 0b10, 0b10]);
        let expected = [("rx-gro-hw", false), ("rx-lro", true)].map(|(name, changeable)| {
            let active = true;
            (name.to_owned(), Feature { active, changeable })
        });
        assert_eq!(features, expected.into());
    }

    #[test]
    fn the_loopback_interface_has_features() {
        let features = read("lo").unwrap().unwrap();
        assert!(features["loopback"].active, "{features:?}");
        assert!(features.contains_key("rx-gro"), "{features:?}");
    }
}
