//! The XDP programs as the kernel runs them, without flowtrack's user space around them.

use std::{
    net::SocketAddr,
    os::fd::{AsRawFd as _, OwnedFd},
    time::Duration,
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    maps::PerCpuArray,
    programs::{Xdp, xdp::XdpMode},
};
use flowtrack::capture::xdp::OBJECT;
use flowtrack_common::abi::{
    CAPTURE_PROGRAM, Count, OTHER_QUEUES, STAMP_GLOBAL, VERDICTS_MAP, Verdicts,
};
use flowtrack_tests::{
    frames::{Frame, VLAN, checksum, flag},
    generator::{Generator, Load},
    inject::Injector,
    link::{Link, veth},
    netns::NetNs,
    wait::wait_until,
};
use nix::sys::{
    socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket,
        sockopt,
    },
    time::TimeVal,
};

const TIMEOUT: Duration = Duration::from_secs(5);
/// Where the IPv4 header starts in an untagged frame, and the transport header after it.
const IPV4: usize = 14;
const TRANSPORT: usize = IPV4 + 20;

/// Two namespaces joined by a veth pair of two queues.
fn pair() -> Result<(Link, Link)> {
    let sender = NetNs::new("sender")?;
    let receiver = NetNs::new("receiver")?;
    veth((&sender, "v0"), (&receiver, "v1"), 2)
}

/// The capture program on `link`, for as long as the value lives.
fn attach(link: &Link, stamp: u32) -> Result<Ebpf> {
    link.netns().run(|| {
        let mut loader = EbpfLoader::new();
        let mut ebpf = loader
            .override_global(STAMP_GLOBAL, &stamp, true)
            .load(OBJECT)?;
        let program = ebpf
            .program_mut(CAPTURE_PROGRAM)
            .context("no capture program")?;
        let program: &mut Xdp = program.try_into()?;
        program.load()?;
        program.attach(link.name(), XdpMode::Driver)?;
        Ok(ebpf)
    })
}

fn verdicts(ebpf: &Ebpf, queue: u32) -> Result<Verdicts> {
    let map = ebpf.map(VERDICTS_MAP).context("no map of verdicts")?;
    let map = PerCpuArray::<_, Verdicts>::try_from(map)?;
    let mut sum = Verdicts::default();
    map.get(&queue, 0)?.iter().for_each(|cpu| sum += *cpu);
    Ok(sum)
}

/// A packet socket that sees what the stack of `link` gets.
fn listen(link: &Link) -> Result<OwnedFd> {
    link.netns().run(|| {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            flags,
            SockProtocol::EthAll,
        )?;
        setsockopt(&socket, sockopt::RcvBuf, &(4 << 20))?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(5, 0))?;
        Ok(socket)
    })
}

/// The checksum over pseudo-header and segment of an untagged IPv4 frame: 0 if it is right.
fn transport_checksum(frame: &[u8]) -> u16 {
    let segment = &frame[TRANSPORT..];
    let [.., high, low] = segment.len().to_be_bytes();
    let protocol = [0, frame[IPV4 + 9]];
    checksum(
        &[
            &frame[IPV4 + 12..TRANSPORT],
            &protocol,
            &[high, low],
            segment,
        ]
        .concat(),
    )
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn packets_without_a_socket_are_passed_and_counted_on_their_queue() {
    for stamp in [0, 1] {
        let (sender, receiver) = pair().unwrap();
        let ebpf = attach(&receiver, stamp).unwrap();
        let injector = Injector::new(&sender).unwrap();
        let [client, server] = ["10.0.0.1:1000", "10.0.0.2:53"].map(|it| it.parse().unwrap());
        let frame = Frame::udp(client, server)
            .payload([1; 100])
            .tag(VLAN, 7)
            .build();
        for (queue, packets) in [(0, 3), (1, 5)] {
            injector.send(queue, &vec![frame.clone(); packets]).unwrap();
        }
        for (queue, packets) in [(0, 3), (1, 5), (OTHER_QUEUES, 0)] {
            let bytes = packets * frame.len() as u64;
            let no_socket = Count { packets, bytes };
            let expected = Verdicts {
                no_socket,
                ..Verdicts::default()
            };
            let what = format!("{packets} verdicts of queue {queue}");
            wait_until(&what, TIMEOUT, || Ok(verdicts(&ebpf, queue)? == expected)).unwrap();
        }
    }
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_generator_makes_flows_with_right_checksums() {
    let source: SocketAddr = "10.1.255.254:65000".parse().unwrap();
    let destination = "10.0.0.2:53".parse().unwrap();
    let udp = Frame::udp(source, destination).payload([0; 18]).build();
    let tcp = Frame::tcp(source, destination)
        .flags(flag::ACK)
        .payload([7; 31])
        .build();
    let mut unchecked = udp.clone();
    unchecked[TRANSPORT + 6..TRANSPORT + 8].fill(0);
    let load = Load {
        packets: 1000,
        flows: 700,
        rate: Some(10_000),
        queue: 1,
    };

    for template in [udp, tcp, unchecked.clone()] {
        let (sender, receiver) = pair().unwrap();
        let _ebpf = attach(&receiver, 0).unwrap();
        let listener = listen(&receiver).unwrap();
        let mut generator = Generator::new(&sender).unwrap();
        generator.send(&load, source, &template).unwrap();
        let mut frame = vec![0; template.len()];
        for packet in 0..load.packets {
            let length = recv(listener.as_raw_fd(), &mut frame, MsgFlags::MSG_TRUNC).unwrap();
            assert_eq!(length, template.len());
            let flow = u16::try_from(packet % load.flows).unwrap();
            let port = source.port().wrapping_add(flow).to_be_bytes();
            assert_eq!(frame[TRANSPORT..TRANSPORT + 2], port, "packet {packet}");
            assert_eq!(checksum(&frame[IPV4..TRANSPORT]), 0, "packet {packet}");
            if template == unchecked {
                assert_eq!(frame[TRANSPORT + 6..], template[TRANSPORT + 6..]);
            } else {
                assert_eq!(transport_checksum(&frame), 0, "packet {packet}");
            }
        }
    }
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_generator_loses_nothing_on_the_way() {
    let (sender, receiver) = pair().unwrap();
    let ebpf = attach(&receiver, 0).unwrap();
    let mut generator = Generator::new(&sender).unwrap();
    let [source, destination] = ["10.1.0.1:1024", "10.0.0.2:53"].map(|it| it.parse().unwrap());
    let load = Load {
        packets: 200_000,
        flows: 40_000,
        rate: None,
        queue: 1,
    };
    generator.udp(&load, source, destination).unwrap();
    wait_until("all packets", TIMEOUT, || {
        Ok(verdicts(&ebpf, load.queue)?.no_socket.packets == load.packets)
    })
    .unwrap();
}
