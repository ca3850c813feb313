//! What stands in the records, protocol by protocol.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use flowtrack_tests::{
    frames::{DESTINATION_OPTIONS, Frame, HOP_BY_HOP, SERVICE_VLAN, VLAN, flag},
    inject::Injector,
    link::{Link, veth},
    netns::NetNs,
};
use serde_json::json;

use crate::probe::{Outcome, Probe};

/// A link of one queue: the end that sends and the one that is tapped.
pub(crate) fn wire() -> Result<(Link, Link)> {
    let (sender, receiver) = (NetNs::new("sender")?, NetNs::new("probe")?);
    veth((&sender, "v0"), (&receiver, "v1"), 1)
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The frames of a TCP connection.
pub(crate) struct Tcp {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

impl Tcp {
    pub(crate) fn new(client: &str, server: &str) -> Self {
        Self {
            client: address(client),
            server: address(server),
        }
    }

    pub(crate) fn by_client(&self, flags: u8, seq: u32, ack: u32) -> Frame {
        Frame::tcp(self.client, self.server)
            .flags(flags)
            .numbers(seq, ack)
    }

    pub(crate) fn by_server(&self, flags: u8, seq: u32, ack: u32) -> Frame {
        Frame::tcp(self.server, self.client)
            .flags(flags)
            .numbers(seq, ack)
    }

    fn handshake(&self) -> Vec<Frame> {
        vec![
            self.by_client(flag::SYN, 1000, 0),
            self.by_server(flag::SYN | flag::ACK, 5000, 1001),
            self.by_client(flag::ACK, 1001, 5001),
        ]
    }

    /// Handshake, a request of 100 bytes, an answer of 200, and a clean close.
    pub(crate) fn whole(&self) -> Vec<Frame> {
        let mut frames = self.handshake();
        frames.extend([
            self.by_client(flag::ACK | flag::PSH, 1001, 5001)
                .payload([1; 100]),
            self.by_server(flag::ACK, 5001, 1101),
            self.by_server(flag::ACK | flag::PSH, 5001, 1101)
                .payload([2; 200]),
            self.by_client(flag::ACK | flag::FIN, 1101, 5201),
            self.by_server(flag::ACK | flag::FIN, 5201, 1102),
            self.by_client(flag::ACK, 1102, 5202),
        ]);
        frames
    }
}

pub(crate) fn build(frames: &[Frame]) -> Vec<Vec<u8>> {
    frames.iter().map(Frame::build).collect()
}

/// Sends `frames` to a tapped interface of one queue, and asserts that none was lost.
fn capture(frames: &[Vec<u8>]) -> Result<Outcome> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start_with_events(&tapped)?;
    Injector::new(&sender)?.send(0, frames)?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(frames.len());
    Ok(outcome)
}

fn event_names(outcome: &Outcome) -> Vec<&str> {
    outcome
        .events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect()
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_tcp_connection_that_is_closed_ends_as_fin() -> Result<()> {
    let outcome = capture(&build(&Tcp::new("10.1.0.1:40000", "10.1.0.2:80").whole()))?;
    let record = outcome.only_record();
    assert_eq!(record["end_reason"], "fin");
    assert_eq!(record["history"], "ShADadFf");
    assert_eq!(record["conn_state"], "SF");
    assert_eq!(
        (&record["src"], &record["src_port"]),
        (&json!("10.1.0.1"), &json!(40000))
    );
    assert_eq!(
        (&record["dst"], &record["dst_port"]),
        (&json!("10.1.0.2"), &json!(80))
    );
    let (initiator, responder) = (&record["initiator"], &record["responder"]);
    assert_eq!(
        (&initiator["packets"], &responder["packets"]),
        (&json!(5), &json!(4))
    );
    assert_eq!(
        (&initiator["payload_bytes"], &responder["payload_bytes"]),
        (&json!(100), &json!(200))
    );
    assert_eq!(initiator["ip_bytes"], 5 * 40 + 100);
    assert_eq!(initiator["tcp"]["stream_bytes"], 100);
    assert_eq!(initiator["tcp"]["gap_bytes"], 0);
    let names = event_names(&outcome);
    assert_eq!(names.first(), Some(&"started"));
    assert_eq!(names.last(), Some(&"ended"));
    assert_eq!(
        names.iter().filter(|name| **name == "established").count(),
        1
    );
    assert_eq!(names.iter().filter(|name| **name == "packet").count(), 9);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_tcp_connection_that_is_reset_ends_as_rst() -> Result<()> {
    let tcp = Tcp::new("10.1.0.1:40000", "10.1.0.2:80");
    let mut frames = tcp.handshake();
    frames.push(tcp.by_client(flag::ACK, 1001, 5001).payload([1; 10]));
    frames.push(tcp.by_server(flag::RST | flag::ACK, 5001, 1011));
    let outcome = capture(&build(&frames))?;
    let record = outcome.only_record();
    assert_eq!(record["end_reason"], "rst");
    assert_eq!(record["conn_state"], "RSTR");
    assert_eq!(record["history"], "ShADr");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_half_open_tcp_connection_ends_with_its_own_timeout() -> Result<()> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, &["--idle-timeout", "tcp-opening=100ms"])?;
    let syn = Tcp::new("10.1.0.1:40000", "10.1.0.2:80")
        .by_client(flag::SYN, 1000, 0)
        .build();
    Injector::new(&sender)?.send(0, &[syn])?;
    // No packet follows: the wall clock ends the flow, while flowtrack runs.
    probe.wait_for_records(1)?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(1);
    let record = outcome.only_record();
    assert_eq!(
        (&record["end_reason"], &record["conn_state"]),
        (&json!("idle_timeout"), &json!("S0"))
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn udp_requests_and_replies_are_one_flow() -> Result<()> {
    let (client, server) = (address("10.1.0.1:5000"), address("10.1.0.2:53"));
    let frames = [
        Frame::udp(client, server).payload([0; 30]),
        Frame::udp(server, client).payload([0; 90]),
        // Shorter than an Ethernet frame may be: it is padded, and padding is no payload.
        Frame::udp(client, server).payload([0; 1]),
    ];
    let mut frames = build(&frames);
    frames[2].resize(60, 0);
    let outcome = capture(&frames)?;
    let record = outcome.only_record();
    assert_eq!(record["proto"], "udp");
    assert_eq!(record["initiator"]["payload_bytes"], 31);
    assert_eq!(record["responder"]["payload_bytes"], 90);
    assert_eq!(record["initiator"]["ip_bytes"], 28 + 30 + 28 + 1);
    assert_eq!(record["initiator"]["wire_bytes"], 14 + 28 + 30 + 60);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn echo_requests_and_replies_are_one_flow_by_identifier() -> Result<()> {
    for (one, other, kind, answer) in [
        ("10.1.0.1", "10.1.0.2", 8, 0),
        ("fd00::1", "fd00::2", 128, 129),
    ] {
        let (one, other): (IpAddr, IpAddr) = (one.parse()?, other.parse()?);
        let frames = [
            Frame::echo_request(one, other, 7, 1),
            Frame::echo_reply(other, one, 7, 1),
            Frame::echo_request(one, other, 8, 1),
        ];
        let outcome = capture(&build(&frames))?;
        assert_eq!(outcome.records.len(), 2, "{:#?}", outcome.records);
        for record in &outcome.records {
            assert_eq!(
                (&record["src_port"], &record["dst_port"]),
                (&json!(kind), &json!(answer))
            );
            let replies = u64::from(record["icmp_id"] == 7);
            assert_eq!(record["responder"]["packets"], replies);
        }
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn ipv6_is_tracked_through_extension_headers() -> Result<()> {
    let frames: Vec<_> = Tcp::new("[fd00::1]:40000", "[fd00::2]:443")
        .whole()
        .into_iter()
        .map(|frame| {
            frame
                .extension(HOP_BY_HOP, &[0; 6])
                .extension(DESTINATION_OPTIONS, &[0; 6])
        })
        .collect();
    let outcome = capture(&build(&frames))?;
    let record = outcome.only_record();
    assert_eq!(record["history"], "ShADadFf");
    assert_eq!(record["src"], "fd00::1");
    assert_eq!(record["initiator"]["ip_bytes"], 5 * (40 + 16 + 20) + 100);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn vlan_tags_are_looked_behind() -> Result<()> {
    let tcp = Tcp::new("10.1.0.1:40000", "10.1.0.2:80");
    for tags in [&[(VLAN, 5)][..], &[(SERVICE_VLAN, 7), (VLAN, 5)]] {
        let tagged = |frame: Frame| {
            tags.iter()
                .fold(frame, |frame, &(kind, id)| frame.tag(kind, id))
        };
        let frames: Vec<_> = tcp.whole().into_iter().map(tagged).collect();
        let outcome = capture(&build(&frames))?;
        let record = outcome.only_record();
        assert_eq!(record["history"], "ShADadFf");
        assert_eq!(record["initiator"]["ip_bytes"], 300);
        assert_eq!(
            record["initiator"]["wire_bytes"],
            300 + 5 * (14 + 4 * tags.len())
        );
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_jumbo_frame_over_several_buffers_counts_whole() -> Result<()> {
    let (sender, tapped) = wire()?;
    for link in [&sender, &tapped] {
        link.set_mtu(9000)?;
    }
    let probe = Probe::start(&tapped, &[])?;
    let datagram = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:5001"));
    // With the headers: in one frame of 2048 bytes less headroom, in two, in five.
    let sizes = [1000, 2900, 8900];
    let frames: Vec<_> = sizes
        .iter()
        .map(|&size| datagram.clone().payload(vec![3; size]).build())
        .collect();
    // More packets than fit in one burst, so that bursts end inside a packet.
    let frames: Vec<_> = frames.iter().cycle().take(300).cloned().collect();
    Injector::new(&sender)?.send(0, &frames)?;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(300);
    let side = &outcome.only_record()["initiator"];
    assert_eq!(side["payload_bytes"], 100 * (1000 + 2900 + 8900));
    assert_eq!(side["wire_bytes"], 100 * (1000 + 2900 + 8900) + 300 * 42);
    assert_eq!(side["ip_len_max"], 8900 + 28);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn later_fragments_have_the_ports_of_the_first() -> Result<()> {
    let datagram = Frame::udp(address("10.1.0.1:5000"), address("10.1.0.2:5001"))
        .identification(77)
        .payload([9; 3000]);
    let fragments = datagram.fragments(1200);
    let outcome = capture(&fragments)?;
    assert!(fragments.len() > 2);
    let record = outcome.only_record();
    assert_eq!(
        (&record["proto"], &record["src_port"], &record["dst_port"]),
        (&json!("udp"), &json!(5000), &json!(5001))
    );
    assert_eq!(record["initiator"]["packets"], fragments.len());
    assert_eq!(record["initiator"]["payload_bytes"], 3000);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_has_no_flow_is_refused_by_its_reason() -> Result<()> {
    let mut arp = vec![0xff; 12];
    arp.extend([0x08, 0x06]);
    arp.resize(60, 0);
    let mut cut = Tcp::new("10.1.0.1:40000", "10.1.0.2:80").whole()[0].build();
    cut.truncate(40);
    let outcome = capture(&[arp, cut])?;
    let refused = &outcome.ledger["total"]["wire"]["refused"];
    assert_eq!(refused, &json!({"not_ip": 1, "ip_length": 1}));
    assert!(outcome.records.is_empty());
    Ok(())
}
