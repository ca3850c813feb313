//! The XDP program on single frames, by `BPF_PROG_TEST_RUN`.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader, TestRunOptions,
    maps::{PerCpuArray, XskMap},
    programs::{TestRun as _, Xdp},
};
use flowtrack::capture::xdp::{OBJECT, SocketConfig, XskSocket};
use flowtrack_common::abi::{
    CAPTURE_PROGRAM, Count, OTHER_QUEUES, STAMP_GLOBAL, VERDICTS_MAP, Verdicts, XSKS_MAP,
};
use flowtrack_tests::frames::{Frame, SERVICE_VLAN, VLAN, flag};

use crate::protocols::{address, wire};

const XDP_PASS: u32 = 2;
const XDP_REDIRECT: u32 = 4;
const STAMP_LEN: usize = 8;

/// Frames of all kinds: what the program does must not depend on what is in them.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let (v4, v6) = (
        (address("10.1.0.1:1"), address("10.1.0.2:2")),
        (address("[fd00::1]:1"), address("[fd00::2]:2")),
    );
    let mut arp = vec![0xff; 12];
    arp.extend([0x08, 0x06]);
    arp.resize(60, 0);
    vec![
        // The shortest that the kernel takes here.
        vec![0; 14],
        arp,
        Frame::udp(v4.0, v4.1).build(),
        Frame::udp(v6.0, v6.1).payload([7; 300]).build(),
        Frame::tcp(v4.0, v4.1).flags(flag::SYN).build(),
        Frame::tcp(v4.0, v4.1)
            .tag(VLAN, 5)
            .payload([7; 1400])
            .build(),
        Frame::tcp(v6.0, v6.1)
            .tag(SERVICE_VLAN, 7)
            .tag(VLAN, 5)
            .build(),
        Frame::udp(v4.0, v4.1).payload([7; 1472]).build(),
    ]
}

fn load(stamp: u32) -> Result<Ebpf> {
    let mut ebpf = EbpfLoader::new()
        .override_global(STAMP_GLOBAL, &stamp, true)
        .load(OBJECT)?;
    program(&mut ebpf)?.load()?;
    Ok(ebpf)
}

fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp> {
    Ok(ebpf
        .program_mut(CAPTURE_PROGRAM)
        .context("no capture program")?
        .try_into()?)
}

/// The verdict about `frame`, and the frame as the program leaves it.
fn run(ebpf: &mut Ebpf, frame: &[u8]) -> Result<(u32, Vec<u8>)> {
    let mut out = vec![0; frame.len() + 256];
    let result = program(ebpf)?.test_run(TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        ..TestRunOptions::default()
    })?;
    out.truncate(result.data_size_out as usize);
    Ok((result.return_value, out))
}

/// What was counted of queue 0, which a test run pretends to be on.
fn verdicts(ebpf: &Ebpf, queue: u32) -> Result<Verdicts> {
    let map = PerCpuArray::<_, Verdicts>::try_from(ebpf.map(VERDICTS_MAP).context("no map")?)?;
    let mut sum = Verdicts::default();
    map.get(&queue, 0)?.iter().for_each(|cpu| sum += *cpu);
    Ok(sum)
}

fn count(frames: &[Vec<u8>]) -> Count {
    let bytes = frames.iter().map(|frame| frame.len() as u64).sum();
    Count {
        packets: frames.len() as u64,
        bytes,
    }
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn without_a_socket_every_frame_is_passed_unchanged_and_counted_once() -> Result<()> {
    let frames = frames();
    for stamp in [0, 1] {
        let mut ebpf = load(stamp)?;
        for frame in &frames {
            assert_eq!(run(&mut ebpf, frame)?, (XDP_PASS, frame.clone()));
        }
        let expected = Verdicts {
            no_socket: count(&frames),
            ..Verdicts::default()
        };
        assert_eq!(verdicts(&ebpf, 0)?, expected);
        assert_eq!(verdicts(&ebpf, OTHER_QUEUES)?, Verdicts::default());
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn with_a_socket_every_frame_is_redirected_with_its_stamp_and_counted_once() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let socket = tapped.netns().run(|| {
        Ok(XskSocket::open(&SocketConfig {
            interface: tapped.name().to_owned(),
            queue: 0,
            ring_size: 64,
            busy_poll: None,
            burst: 64,
            require_zero_copy: false,
        })?)
    })?;
    let frames = frames();
    for stamp in [0, 1] {
        let mut ebpf = load(stamp)?;
        XskMap::try_from(ebpf.map_mut(XSKS_MAP).context("no map")?)?.set(0, socket.raw_fd(), 0)?;
        for frame in &frames {
            let (verdict, out) = run(&mut ebpf, frame)?;
            assert_eq!(verdict, XDP_REDIRECT);
            let stamp_len = if stamp == 1 { STAMP_LEN } else { 0 };
            let (stamp, packet) = out.split_at(stamp_len);
            assert_eq!(packet, frame);
            if let Ok(stamp) = stamp.try_into() {
                assert_is_now(u64::from_ne_bytes(stamp))?;
            }
        }
        let expected = Verdicts {
            redirected: count(&frames),
            ..Verdicts::default()
        };
        assert_eq!(verdicts(&ebpf, 0)?, expected);
    }
    Ok(())
}

/// TAI is ahead of UTC by less than a minute.
fn assert_is_now(tai_ns: u64) -> Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let ahead = Duration::from_nanos(tai_ns).abs_diff(now);
    assert!(ahead < Duration::from_mins(1), "{ahead:?}");
    Ok(())
}
