//! What holds for any bytes whatsoever.

pub(crate) mod sound;

use flowtrack_common::{Frame, LinkType, Timestamp};
use proptest::{collection::vec, prelude::*, sample::Index};

use self::sound::{Sound, nested, sound};
use crate::wire::{Packet, Refusal, Transport, macs, packets, parse, straight::packet as plain};

/// Outermost packet and tunnels in tunnels.
const MAX_PACKETS: usize = 9;

fn link() -> impl Strategy<Value = LinkType> {
    let known = [0, 1, 9, 50, 101, 108, 113, 228, 229, 239, 276].map(LinkType);
    prop_oneof![
        9 => prop::sample::select(known.to_vec()),
        1 => any::<u16>().prop_map(LinkType),
    ]
}

fn frame(bytes: &[u8], wire_len: u32, link: LinkType) -> Frame<'_> {
    Frame {
        bytes,
        wire_len,
        link,
        ts: Timestamp::EPOCH,
    }
}

fn whole(bytes: &[u8]) -> Frame<'_> {
    let wire_len = u32::try_from(bytes.len()).unwrap();
    frame(bytes, wire_len, LinkType::ETHERNET)
}

/// The packets of a frame, each of which makes sense.
fn check(frame: &Frame<'_>) -> Result<Vec<Result<Packet, Refusal>>, TestCaseError> {
    let found: Vec<_> = packets(frame).take(MAX_PACKETS + 1).collect();
    prop_assert!((1..=MAX_PACKETS).contains(&found.len()));
    prop_assert_eq!(found[0], parse(frame));
    if let Some(packet) = plain(frame) {
        prop_assert_eq!(&found, &[Ok(packet)], "the straight path leads to the same");
    }
    for (at, result) in found.iter().enumerate() {
        let Ok(packet) = result else {
            prop_assert_eq!(at, found.len() - 1, "nothing follows a refused packet");
            continue;
        };
        lengths(packet, frame)?;
        prop_assert_eq!(usize::from(packet.envelope.depth), at);
        prop_assert_eq!(packet.envelope.tunnel.is_some(), at > 0);
        let carries = found.get(at + 1).is_some_and(Result::is_ok);
        prop_assert_eq!(packet.envelope.carries, carries);
    }
    Ok(found)
}

/// What comes out is no longer than what went in.
fn lengths(packet: &Packet, frame: &Frame<'_>) -> Result<(), TestCaseError> {
    let captured = u32::try_from(frame.bytes.len()).unwrap();
    let wire_len = frame.wire_len.max(captured);
    prop_assert!(packet.ip_len <= wire_len);
    prop_assert!(packet.transport.payload_len() <= packet.ip_len);
    if let Some(fragment) = packet.fragment {
        prop_assert_eq!(fragment.header_len + fragment.len, packet.ip_len);
        prop_assert!(fragment.header_at + fragment.header_len <= captured);
        prop_assert!(fragment.more || fragment.offset > 0);
    }
    if let Transport::Tcp { info, .. } = packet.transport {
        let end = u64::from(info.payload_offset) + u64::from(info.payload_len);
        prop_assert!(end <= u64::from(wire_len) || info.payload_offset == u16::MAX);
    }
    Ok(())
}

/// With checksums verified, packets are refused that are accepted else, and never the other way.
fn check_verified(frame: &Frame<'_>) -> Result<(), TestCaseError> {
    let all: Vec<_> = packets(frame).collect();
    let verified: Vec<_> = packets(frame).verified(true).collect();
    let accepted = verified.iter().take_while(|packet| packet.is_ok()).count();
    prop_assert!(verified.len() <= all.len());
    for (verified, packet) in verified.iter().zip(&all).take(accepted) {
        let outside = |packet: Packet| Packet {
            envelope: flowtrack_common::Envelope {
                carries: false,
                ..packet.envelope
            },
            ..packet
        };
        prop_assert_eq!(verified.map(outside), packet.map(outside));
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_parsed_or_refused(
        bytes in vec(any::<u8>(), 0..200),
        wire_len: u32,
        link in link(),
    ) {
        let frame = frame(&bytes, wire_len, link);
        check(&frame)?;
        check_verified(&frame)?;
        let has_addresses = link == LinkType::ETHERNET && bytes.len() >= 14;
        prop_assert_eq!(macs(&frame).is_some(), has_addresses);
    }

    #[test]
    fn sound_frames_are_parsed(sound in sound()) {
        let found = check(&whole(&sound.bytes))?;
        prop_assert!(found[0].is_ok());
    }

    #[test]
    fn every_packet_in_a_tunnel_is_found(Sound { bytes, packets } in nested()) {
        let found = check(&whole(&bytes))?;
        prop_assert_eq!(found.len(), packets);
        prop_assert!(found.iter().all(Result::is_ok));
    }

    #[test]
    fn frames_with_bytes_changed_and_cut_off_are_parsed_or_refused(
        Sound { mut bytes, .. } in nested(),
        changes in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Index>(),
        wire_len: u32,
    ) {
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let whole = u32::try_from(bytes.len()).unwrap();
        let captured = &bytes[..cut.index(bytes.len() + 1)];
        for wire_len in [whole, wire_len] {
            let cut = frame(captured, wire_len, LinkType::ETHERNET);
            check(&cut)?;
            check_verified(&cut)?;
            if let Some(packet) = captured.get(14..) {
                check(&frame(packet, wire_len, LinkType::RAW))?;
            }
        }
        check_verified(&frame(&bytes, whole, LinkType::ETHERNET))?;
    }

    #[test]
    fn a_frame_that_was_cut_says_what_the_whole_one_says_or_nothing(
        Sound { bytes, .. } in nested(),
        cut in any::<Index>(),
    ) {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let expected = check(&whole(&bytes))?;
        let captured = &bytes[..cut.index(bytes.len() + 1)];
        let found = check(&frame(captured, wire_len, LinkType::ETHERNET))?;
        prop_assert!(found.len() <= expected.len());
        for (packet, whole) in found.iter().zip(expected) {
            let Ok(packet) = *packet else { continue };
            let whole = whole.unwrap();
            // Only padding may be missing without a mark, and what a tunnel or an error carries.
            let packet = Packet {
                truncated: whole.truncated,
                envelope: flowtrack_common::Envelope {
                    carries: whole.envelope.carries,
                    ..packet.envelope
                },
                quoted: packet.quoted.and(whole.quoted).or(whole.quoted),
                ..packet
            };
            // An ICMP identifier may be cut off while the type is still there.
            let icmp = matches!(packet.transport, Transport::Icmp { .. });
            prop_assert!(icmp || whole == packet);
        }
    }
}
