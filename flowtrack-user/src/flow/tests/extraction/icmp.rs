//! ICMP: queries with their answers, messages, and errors about other flows.

use flowtrack_common::{FlowKey, L4Proto, Orientation};

use super::{answered, extract, observe, packets, refused, v4, v6};
use crate::{
    flow::{ExtractorConfig, FiveTuple, IcmpFlows, Note, NoteKind, Observation},
    wire::{
        Refusal,
        tests::frames::{ICMP, ICMPV6, TCP, UDP, icmp, ipv4, ipv6, tcp, udp},
    },
};

fn notes(found: &[Observation<FiveTuple>]) -> Vec<Note<FiveTuple>> {
    let note = |observation: &Observation<FiveTuple>| match observation {
        Observation::Note(note) => Some(*note),
        _ => None,
    };
    found.iter().filter_map(note).collect()
}

/// The packet that a note is about, in its own direction.
fn concerned(note: &Note<FiveTuple>) -> FiveTuple {
    match note.orientation {
        Orientation::Forward => note.key,
        Orientation::Reverse => note.key.reversed(),
    }
}

#[test]
fn queries_are_told_apart_by_their_identifier() {
    let key = |id| extract(&v4(ICMP, &icmp(8, id, &[]))).key;
    assert_eq!(key(5), key(5));
    assert_ne!(key(5), key(6));
    let FiveTuple {
        src_port,
        dst_port,
        icmp_id,
        ..
    } = key(5);
    assert_eq!((src_port, dst_port, icmp_id), (8, 0, 5));
}

#[test]
fn a_message_that_has_no_answer_has_one_direction() {
    let there = v4(ICMP, &icmp(3, 0, &[0; 28]));
    let back = answered(there.clone());
    let (there, back) = (extract(&there), extract(&back));
    assert_ne!(there.key, back.key, "two messages, two flows");
    for extracted in [there, back] {
        assert_eq!(extracted.orientation, Orientation::Forward);
        assert_eq!((extracted.key.src_port, extracted.key.dst_port), (3, 0));
    }
}

#[test]
fn what_makes_a_flow_can_be_chosen() {
    let frames: [&[u8]; 4] = [
        &v4(ICMP, &icmp(8, 5, &[])),
        &v4(ICMP, &icmp(8, 6, &[])),
        &v4(ICMP, &icmp(13, 6, &[])),
        &answered(v4(ICMP, &icmp(3, 0, &[0; 28]))),
    ];
    for (icmp, flows) in [
        (IcmpFlows::Queries, 4),
        (IcmpFlows::Types, 3),
        (IcmpFlows::Hosts, 1),
    ] {
        let config = ExtractorConfig {
            icmp,
            ..ExtractorConfig::default()
        };
        let (found, _) = observe(config, frames);
        let mut keys: Vec<_> = found.iter().map(|found| packets(found)[0].key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), flows, "{icmp:?}");
    }
}

#[test]
fn an_error_is_a_packet_of_its_own_flow_and_a_note_for_the_one_that_it_quotes() {
    let quoted = v4(UDP, &udp(5, 6, &[0; 4]));
    let error = answered(v4(ICMP, &icmp(3, 0, &ipv4(UDP, &udp(5, 6, &[0; 4])))));
    let ([quoted, found], _) = observe(ExtractorConfig::default(), [&quoted, &error]);
    let quoted = packets(&quoted)[0];
    assert_eq!(packets(&found).len(), 1);
    assert_eq!(packets(&found)[0].key.l4, L4Proto::Icmp);
    let notes = notes(&found);
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].kind, NoteKind::IcmpError);
    assert_eq!(notes[0].key, quoted.key);
    assert_eq!(notes[0].orientation, quoted.orientation);
}

#[test]
fn an_error_about_any_packet_finds_its_flow() {
    for (protocol, l4, quoted, ports) in [
        (TCP, L4Proto::Tcp, tcp(9, 4, 2, &[]), (9, 4)),
        (UDP, L4Proto::Udp, udp(4, 9, &[]), (4, 9)),
        (ICMP, L4Proto::Icmp, icmp(8, 3, &[]), (8, 0)),
        (47, L4Proto::Other(47), vec![0; 8], (0, 0)),
    ] {
        let error = v4(ICMP, &icmp(11, 0, &ipv4(protocol, &quoted)));
        let ([found], _) = observe(ExtractorConfig::default(), [&error]);
        let concerned = concerned(&notes(&found)[0]);
        assert_eq!((concerned.src_port, concerned.dst_port), ports);
        assert_eq!(concerned.l4, l4);
    }
    let error = v6(ICMPV6, &icmp(1, 0, &ipv6(UDP, &udp(5, 6, &[]))));
    let ([found], _) = observe(ExtractorConfig::default(), [&error]);
    let concerned = concerned(&notes(&found)[0]);
    assert_eq!((concerned.src_port, concerned.dst_port), (5, 6));
}

#[test]
fn an_error_without_enough_of_a_quotation_is_a_packet_and_no_note() {
    let error = v4(ICMP, &icmp(3, 0, &ipv4(UDP, &[0, 5])));
    let ([found], _) = observe(ExtractorConfig::default(), [&error]);
    assert_eq!((packets(&found).len(), notes(&found).len()), (1, 0));
}

#[test]
fn a_packet_with_a_wrong_header_length_is_refused_and_noted() {
    let mut wrong = v4(TCP, &tcp(9, 4, 2, &[]));
    wrong[14 + 20 + 12] = 0x10;
    let ([found], counts) = observe(ExtractorConfig::default(), [&wrong]);
    assert_eq!(packets(&found), []);
    let notes = notes(&found);
    assert_eq!(notes[0].kind, NoteKind::BadHeaderLength);
    assert_eq!(
        (concerned(&notes[0]).src_port, concerned(&notes[0]).dst_port),
        (9, 4)
    );
    assert_eq!(refused(&counts, Refusal::TcpHeaderLength), 1);
    assert_eq!(counts.accepted, 0);
}

#[test]
fn checksums_are_verified_only_if_they_are_to_be() {
    // A datagram with a checksum that is wrong, in a packet without a checksum of its header.
    let mut wrong = v4(UDP, &udp(9, 4, &[]));
    wrong[14 + 20 + 7] = 1;
    let header = &mut wrong[14..34];
    let sum: u32 = header
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from(sum).unwrap();
    header[10..12].copy_from_slice(&checksum.to_be_bytes());

    let (_, counts) = observe(ExtractorConfig::default(), [&wrong]);
    assert_eq!(counts.accepted, 1);
    let config = ExtractorConfig {
        verify_checksums: true,
        ..ExtractorConfig::default()
    };
    let ([found], counts) = observe(config, [&wrong]);
    assert_eq!(refused(&counts, Refusal::UdpChecksum), 1);
    assert_eq!(notes(&found)[0].kind, NoteKind::BadChecksum);
}
