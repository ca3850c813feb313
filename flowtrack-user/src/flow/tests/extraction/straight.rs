//! What is found on the straight path is what is found by looking into everything.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::v4;
use crate::{
    flow::{ExtractorConfig, FiveTupleExtractor, Fragments, IcmpFlows, Observation, Tunnels},
    wire::tests::{
        frames::{SCTP, TCP, frame, sctp, tcp},
        properties::sound::nested,
    },
};

fn config() -> impl Strategy<Value = ExtractorConfig> {
    let tunnels = [Tunnels::All, Tunnels::Zeek, Tunnels::Inner, Tunnels::Outer];
    let fragments = [Fragments::Follow, Fragments::Apart, Fragments::Reassemble];
    let tunnels = prop::sample::select(tunnels.to_vec());
    let fragments = prop::sample::select(fragments.to_vec());
    let icmp = [IcmpFlows::Queries, IcmpFlows::Types, IcmpFlows::Hosts];
    let icmp = prop::sample::select(icmp.to_vec());
    let flags = any::<[bool; 3]>();
    (tunnels, fragments, icmp, flags).prop_map(|(tunnels, fragments, icmp, [a, b, c])| {
        ExtractorConfig {
            tunnels,
            fragments,
            icmp,
            key_vlan: a,
            key_tunnel: b,
            verify_checksums: c,
            ..ExtractorConfig::default()
        }
    })
}

#[test]
fn plain_frames_take_the_straight_path_unless_their_checksums_are_verified() {
    let (plain, other) = (v4(TCP, &tcp(9, 4, 2, &[])), v4(SCTP, &sctp(4, 9, &[])));
    for (verify_checksums, bytes, straight) in
        [(false, &plain, 1), (true, &plain, 0), (false, &other, 0)]
    {
        let extractor = FiveTupleExtractor::new(ExtractorConfig {
            verify_checksums,
            ..ExtractorConfig::default()
        });
        let mut found = 0;
        let end = extractor.plain(&frame(bytes), &mut |_| found += 1);
        assert_eq!((found, end.is_some()), (straight, straight == 1));
    }
}

proptest! {
    #[test]
    fn frames_give_the_same_on_the_straight_path(
        config in config(),
        sound in nested(),
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<Index>()),
    ) {
        let mut bytes = sound.bytes;
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let whole = frame(&bytes);
        let captured = cut.map_or(bytes.len(), |cut| cut.index(bytes.len()));
        let frame = flowtrack_common::Frame { bytes: &bytes[..captured], ..whole };

        let mut straight: Vec<Observation<_>> = Vec::new();
        let mut general = Vec::new();
        let straight_end =
            FiveTupleExtractor::new(config).observe(&frame, &mut |found| straight.push(found));
        let general_end =
            FiveTupleExtractor::new(config).look_into(&frame, &mut |found| general.push(found));
        prop_assert_eq!(straight, general);
        prop_assert_eq!(straight_end, general_end);
    }
}
