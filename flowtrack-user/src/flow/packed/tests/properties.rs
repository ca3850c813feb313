//! What holds for any packets whatsoever.

use flowtrack_common::{L4Proto, TcpFlags};
use proptest::{collection::vec, prelude::*};

use super::{configs, datagrams, live::Live, packets};
use crate::flow::tests::script::{Segment, c, s};

/// Segments that often answer each other.
fn segment() -> impl Strategy<Value = Segment> {
    let number = || prop_oneof![12 => 0..4u32, 1 => any::<u32>()];
    let flags = prop_oneof![
        8 => prop::sample::select(vec![0x02u8, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14]),
        1 => any::<u8>()
    ];
    (any::<bool>(), flags, number(), number(), 0..3u32, 0..20u16).prop_map(
        |(from_client, flags, seq, ack, payload_len, window)| {
            let make = if from_client { c } else { s };
            let mut segment = make("", seq, ack, payload_len);
            segment.info.flags = TcpFlags(flags);
            segment.window(window)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_fits_comes_back_whole(
        segments in vec((segment(), 0..4i64), 1..24),
        client: u32,
        fixed: bool,
    ) {
        let (segments, steps): (Vec<_>, Vec<_>) = segments.into_iter().unzip();
        let segments: Vec<_> =
            segments.into_iter().map(|segment| segment.numbered_from(client, 0)).collect();
        let mut packets = packets(&segments);
        // Some come at the same time as the one before, or late.
        for (meta, step) in packets.iter_mut().zip(steps) {
            let back = step * 700_000;
            meta.ts = flowtrack_common::Timestamp::from_nanos(
                meta.ts.as_nanos().saturating_add_signed(-back),
            );
            meta.packet.ttl = if step == 3 { 63 } else { 64 };
        }
        let mut live = Live::new(&packets[0], &configs()[usize::from(fixed)]);
        for meta in &packets {
            live.packet(meta);
            if let Some(packed) = live.pack() {
                live.check(&packed);
            }
        }
    }

    #[test]
    fn datagrams_fit_whatever_their_order(
        sides in vec(any::<bool>(), 1..40),
        number: u8,
    ) {
        let packets = datagrams(L4Proto::from_number(number), &sides);
        let mut live = Live::new(&packets[0], &configs()[0]);
        for meta in &packets {
            live.packet(meta);
            let packed = live.pack();
            prop_assert!(packed.is_some());
            live.check(&packed.unwrap_or_default());
        }
    }
}
