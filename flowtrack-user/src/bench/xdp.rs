//! `flowtrack bench xdp`: what the capture program costs, against a redirect that does nothing else.
//!
//! The kernel runs the programs itself (`BPF_PROG_TEST_RUN`) and says how long a run took, so neither
//! a driver nor a socket's ring is in the figures.
#![forbid(unsafe_code)]

use anyhow::{Context as _, ensure};
use aya::{
    Ebpf, EbpfLoader, TestRunOptions,
    maps::XskMap,
    programs::{TestRun as _, Xdp},
};
use flowtrack_common::abi::{BARE_PROGRAM, CAPTURE_PROGRAM, STAMP_GLOBAL, XSKS_MAP};

use super::{BenchError, Report, Unit, median::median, netns, template};
use crate::capture::xdp::{OBJECT, SocketConfig, XskSocket};

/// Verdict of a program that handed the packet over.
const XDP_REDIRECT: u32 = 4;
/// Runs of one measurement.
const REPEAT: u32 = 1_000_000;
/// Runs that have room for a stamp each: the kernel does not reset the packet between them, and there
/// are 256 bytes in front of it less those that the kernel keeps for itself.
const STAMPS: u32 = 24;
/// Measurements of that few runs. The kernel takes some 20 ms to prepare each one.
const CALLS: u32 = 40;

/// What to measure.
#[derive(Clone, Debug)]
pub struct XdpBench {
    /// Measurements of each program, by turns; the report has their medians.
    pub rounds: u32,
}

impl XdpBench {
    /// Measures. It takes root.
    pub fn run(&self) -> Result<Report, BenchError> {
        Ok(netns::with_pair(|| self.measure())?)
    }

    fn measure(&self) -> anyhow::Result<Report> {
        // A redirect to a slot without a socket is another, shorter way through the program.
        let socket = XskSocket::open(&SocketConfig {
            interface: netns::TAPPED.to_owned(),
            queue: 0,
            ring_size: 64,
            burst: 64,
            require_zero_copy: false,
            busy_poll: None,
        })?;
        let mut plain = load(false, &socket)?;
        let mut stamping = load(true, &socket)?;
        let frame = template::tcp();
        let (mut bare, mut capture, mut stamp) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            bare.push(ns(program(&mut plain, BARE_PROGRAM)?, &frame, REPEAT)?);
            capture.push(ns(program(&mut plain, CAPTURE_PROGRAM)?, &frame, REPEAT)?);
            // What starting and ending a measurement adds to so few runs is in both, and not in the
            // difference.
            let without = few(program(&mut plain, CAPTURE_PROGRAM)?, &frame)?;
            let with = few(program(&mut stamping, CAPTURE_PROGRAM)?, &frame)?;
            stamp.push(with - without);
        }
        Ok(report(
            median(&mut bare),
            median(&mut capture),
            median(&mut stamp),
        ))
    }
}

fn report(bare: f64, capture: f64, stamp: f64) -> Report {
    let mut report = Report::new("xdp");
    report.count("frame_bytes", template::LEN as u64, Unit::Bytes);
    report.number("bare_redirect_ns", bare, Unit::Nanos);
    report.number("capture_ns", capture, Unit::Nanos);
    report.number("stamp_ns", stamp, Unit::Nanos);
    report.number("ratio", capture / bare, Unit::Times);
    report.number("ratio_stamped", (capture + stamp) / bare, Unit::Times);
    report
}

/// The programs, with `socket` on queue 0: a test run pretends to be on that.
fn load(stamp: bool, socket: &XskSocket) -> anyhow::Result<Ebpf> {
    let stamp = u32::from(stamp);
    let mut ebpf = EbpfLoader::new()
        .override_global(STAMP_GLOBAL, &stamp, true)
        .load(OBJECT)
        .context("cannot load the eBPF object")?;
    for name in [BARE_PROGRAM, CAPTURE_PROGRAM] {
        program(&mut ebpf, name)?
            .load()
            .with_context(|| format!("the verifier refused {name}"))?;
    }
    let sockets = ebpf.map_mut(XSKS_MAP).context("no map of sockets")?;
    XskMap::try_from(sockets)?.set(0, socket.raw_fd(), 0)?;
    Ok(ebpf)
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut Xdp> {
    let program = ebpf
        .program_mut(name)
        .with_context(|| format!("no program {name} in the eBPF object"))?;
    Ok(program.try_into()?)
}

/// Nanoseconds a run, over `repeat` of them; the kernel rounds down to a whole one.
fn ns(program: &Xdp, frame: &[u8], repeat: u32) -> anyhow::Result<f64> {
    let result = program
        .test_run(TestRunOptions {
            data_in: Some(frame),
            repeat,
            ..TestRunOptions::new()
        })
        .context("BPF_PROG_TEST_RUN failed")?;
    ensure!(
        result.return_value == XDP_REDIRECT,
        "the program did not redirect: verdict {}",
        result.return_value
    );
    Ok(result.duration.as_secs_f64() * 1e9)
}

/// Nanoseconds a run, as the median of many measurements of few runs.
fn few(program: &Xdp, frame: &[u8]) -> anyhow::Result<f64> {
    let times: Result<Vec<_>, _> = (0..CALLS).map(|_| ns(program, frame, STAMPS)).collect();
    Ok(median(&mut times?))
}
