//! Filters in the XDP program: on single frames by `BPF_PROG_TEST_RUN`, and around it in a whole run.

use anyhow::{Context as _, Result};
use aya::programs::{TestRun as _, TestRunOptions, Xdp};
use flowtrack::{capture::xdp::Program, filter::Filter};
use flowtrack_common::{
    Frame, LinkType,
    abi::{CAPTURE_PROGRAM, CaptureSettings, FILTERED_PASS},
};
use flowtrack_tests::{
    captures,
    collection::Collection,
    expressions::EXPRESSIONS,
    frames::{Frame as Made, VLAN},
    inject::Injector,
};

use crate::{
    probe::{Outcome, Probe},
    protocols::{address, wire},
};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
/// Each expression is tried on one frame in so many, each time on other ones.
const STRIDE: usize = 8;
/// The kernel runs a program on no shorter frame.
const MIN_FRAME: usize = 14;
/// Nor on one that does not fit into a page with what else must be in it, unless told of fragments.
const MAX_FRAME: usize = 3000;

/// What becomes of `frame`: without a socket, it is dropped or left to the kernel.
fn verdict(program: &mut Program, frame: &[u8]) -> Result<u32> {
    let xdp: &mut Xdp = program
        .ebpf()
        .program_mut(CAPTURE_PROGRAM)
        .context("no capture program")?
        .try_into()?;
    let result = xdp.test_run(TestRunOptions {
        data_in: Some(frame),
        ..TestRunOptions::default()
    })?;
    Ok(result.return_value)
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_xdp_program_takes_the_frames_that_user_space_takes() -> Result<()> {
    if !captures::present() {
        return Ok(());
    }
    let collections = Collection::all()?;
    let ethernet = collections
        .iter()
        .find(|collection| collection.link == LinkType::ETHERNET)
        .context("no Ethernet frames")?;
    let mut program = Program::load(false, 128)?;
    for (number, text) in EXPRESSIONS.iter().enumerate() {
        let filter: Filter = text.parse()?;
        let kernel = filter.kernel().context("too long")?;
        program.set_filter(Some(&kernel))?;
        let frames = ethernet.frames().skip(number % STRIDE).step_by(STRIDE);
        for frame in frames.filter(|frame| (MIN_FRAME..MAX_FRAME).contains(&frame.bytes.len())) {
            // The kernel does not know that the capture was cut.
            let whole = Frame {
                wire_len: u32::try_from(frame.bytes.len())?,
                ..frame
            };
            let taken = verdict(&mut program, frame.bytes)? == XDP_PASS;
            assert_eq!(
                taken,
                filter.accepts(&whole),
                "{text}: {:02x?}",
                frame.bytes
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_filter_can_be_changed_while_the_program_runs() -> Result<()> {
    let (client, server) = (address("10.1.0.1:1"), address("10.1.0.2:53"));
    let frames = [
        Made::udp(client, server).build(),
        Made::tcp(client, server).build(),
        Made::udp(client, server).tag(VLAN, 5).build(),
    ];
    let mut program = Program::load(false, 128)?;
    let verdicts = |program: &mut Program| -> Result<Vec<u32>> {
        let verdicts = frames.iter().map(|frame| verdict(program, frame));
        verdicts.collect()
    };
    assert_eq!(verdicts(&mut program)?, [XDP_PASS, XDP_PASS, XDP_PASS]);
    for (text, expected) in [
        ("udp port 53", [XDP_PASS, XDP_DROP, XDP_DROP]),
        ("tcp", [XDP_DROP, XDP_PASS, XDP_DROP]),
        (
            "vlan 5 and src host 10.1.0.1",
            [XDP_DROP, XDP_DROP, XDP_PASS],
        ),
        ("udp or vlan", [XDP_PASS, XDP_DROP, XDP_PASS]),
    ] {
        let filter: Filter = text.parse()?;
        program.set_filter(Some(&filter.kernel().context("too long")?))?;
        assert_eq!(verdicts(&mut program)?, expected, "{text}");
        // Other settings leave it alone.
        program.set(CaptureSettings::default())?;
        assert_eq!(verdicts(&mut program)?, expected, "{text}");
    }
    let counted = program.verdicts(0)?;
    assert_eq!(counted.filtered.packets, 2 * (2 + 2 + 2 + 1));
    program.set(CaptureSettings {
        filtered: FILTERED_PASS,
        ..CaptureSettings::default()
    })?;
    assert_eq!(verdicts(&mut program)?, [XDP_PASS, XDP_PASS, XDP_PASS]);
    assert_eq!(
        program.verdicts(0)?.filtered.packets,
        counted.filtered.packets + 1
    );
    program.set_filter(None)?;
    assert_eq!(verdicts(&mut program)?, [XDP_PASS, XDP_PASS, XDP_PASS]);
    assert_eq!(
        program.verdicts(0)?.filtered.packets,
        counted.filtered.packets + 1
    );
    Ok(())
}

/// Sends 30 datagrams to port 53 and 20 to port 54, and filters them.
fn run(arguments: &[&str]) -> Result<Outcome> {
    let (sender, tapped) = wire()?;
    let probe = Probe::start(&tapped, arguments)?;
    let to = |server| Made::udp(address("10.1.0.1:5000"), address(server)).build();
    let injector = Injector::new(&sender)?;
    injector.send(0, &vec![to("10.1.0.2:53"); 30])?;
    injector.send(0, &vec![to("10.1.0.2:54"); 20])?;
    probe.stop()
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn what_is_not_wanted_is_counted_where_it_is_decided() -> Result<()> {
    let outcome = run(&["--filter", "udp port 53"])?;
    outcome.assert_all_recorded(30);
    assert_eq!(outcome.total("/xdp/filtered/packets"), 20);
    assert_eq!(outcome.total("/wire/filtered"), 0);
    assert!(
        outcome.stderr.contains("the XDP program filters, in "),
        "{}",
        outcome.stderr
    );

    let ports: Vec<_> = (1000..1200).map(|port| port.to_string()).collect();
    let long = format!("udp port 53 or {}", ports.join(" or "));
    let outcome = run(&["--filter", &long])?;
    outcome.assert_closed();
    assert_eq!(outcome.total("/xdp/filtered/packets"), 0);
    assert_eq!(outcome.total("/received"), 50);
    assert_eq!(outcome.total("/wire/filtered"), 20);
    assert_eq!(outcome.packets_in_records(), 30);
    assert!(
        outcome.stderr.contains("the workers filter: "),
        "{}",
        outcome.stderr
    );
    Ok(())
}
