//! Many packets a second: the XDP program `generator`, run by the kernel on a template packet.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, TestRunAttrs, TestRunOptions,
    maps::{Array, DevMap},
    programs::{TestRun as _, Xdp},
};
use flowtrack_common::abi::{
    GENERATOR_PORT_MAP, GENERATOR_PROGRAM, GENERATOR_SETTINGS_MAP, GeneratorSettings,
};

use crate::{
    frames::Frame,
    inject::{cpu_of_queue, pin},
    link::Link,
};

/// Packets that the kernel hands to the link at once: a veth ring has room for four times as many.
const BATCH: u32 = 64;

const CALLS_PER_SECOND: u64 = 20;

/// What to send.
#[derive(Clone, Debug)]
pub struct Load {
    /// Packets in all.
    pub packets: u64,
    /// Flows to spread them over, round robin; each has its own source address and port.
    pub flows: u64,
    /// Packets a second, in 20 bursts; `None` for as many as the CPU can.
    pub rate: Option<u64>,
    /// Receive queue of the other end.
    pub queue: u32,
}

/// The loaded generator of one link.
///
/// The other end of the link must have an XDP program: veth takes packets from XDP only then.
pub struct Generator {
    ebpf: Ebpf,
    link: Link,
}

impl Generator {
    /// Loads the generator from flowtrack's eBPF object; it will send on `link`.
    pub fn new(object: &[u8], link: &Link) -> Result<Self> {
        let index = link.index()?;
        let ebpf = link.netns().run(|| {
            let mut ebpf = Ebpf::load(object).context("cannot load the eBPF object")?;
            program(&mut ebpf)?
                .load()
                .context("the verifier refused the generator")?;
            let port = ebpf
                .map_mut(GENERATOR_PORT_MAP)
                .context("no map of ports")?;
            DevMap::try_from(port)?
                .set(0, index, None, 0)
                .with_context(|| format!("cannot redirect to {}", link.name()))?;
            Ok(ebpf)
        })?;
        Ok(Self {
            ebpf,
            link: link.clone(),
        })
    }

    /// Sends `load` as UDP datagrams of 18 bytes (60-byte frames) from `source` upwards.
    pub fn udp(&mut self, load: &Load, source: SocketAddr, destination: SocketAddr) -> Result<()> {
        let template = Frame::udp(source, destination).payload([0; 18]).build();
        self.send(load, source, &template)
    }

    /// Sends `load` as copies of `template`, an untagged frame with IPv4 and UDP or TCP. The
    /// source of flow 0 is `source`; the others follow, first by port.
    pub fn send(&mut self, load: &Load, source: SocketAddr, template: &[u8]) -> Result<()> {
        let SocketAddr::V4(source) = source else {
            anyhow::bail!("the generator makes IPv4 packets, not from {source}");
        };
        let settings = GeneratorSettings {
            flows: load.flows,
            next: 0,
            source_address: source.ip().to_bits(),
            source_port: source.port().into(),
        };
        let cpu = cpu_of_queue(load.queue, self.link.queues())?;
        let map = self
            .ebpf
            .map_mut(GENERATOR_SETTINGS_MAP)
            .context("no map of settings")?;
        Array::try_from(map)?
            .set(0, settings, 0)
            .context("cannot set the generator up")?;
        let program = program(&mut self.ebpf)?;
        self.link.netns().run(|| {
            pin(cpu)?;
            run_steps(program, load, template)
        })?;
        let sent = self.sent()?;
        ensure!(
            sent == load.packets,
            "the generator made {sent} of {} packets: is the template IPv4 with UDP or TCP?",
            load.packets
        );
        Ok(())
    }

    /// Packets made by the last load.
    fn sent(&self) -> Result<u64> {
        let map = self
            .ebpf
            .map(GENERATOR_SETTINGS_MAP)
            .context("no map of settings")?;
        let settings: GeneratorSettings = Array::try_from(map)?.get(&0, 0)?;
        Ok(settings.next)
    }
}

fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp> {
    let program = ebpf
        .program_mut(GENERATOR_PROGRAM)
        .with_context(|| format!("no program {GENERATOR_PROGRAM} in the eBPF object"))?;
    Ok(program.try_into()?)
}

/// Runs the program in steps, none before its time.
fn run_steps(program: &Xdp, load: &Load, template: &[u8]) -> Result<()> {
    let step = load.rate.map_or(u32::MAX, step);
    let start = Instant::now();
    let mut sent = 0;
    while sent < load.packets {
        if let Some(rate) = load.rate {
            let due = start + Duration::from_nanos(sent * 1_000_000_000 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let repeat = u32::try_from(load.packets - sent).map_or(step, |left| left.min(step));
        let mut options = TestRunOptions::new();
        options.data_in = Some(template);
        options.repeat = repeat;
        options.attrs = TestRunAttrs::new().xdp_live_frames(BATCH);
        program
            .test_run(options)
            .context("BPF_PROG_RUN of the generator failed")?;
        sent += u64::from(repeat);
    }
    Ok(())
}

/// Packets of one system call at `rate` packets a second. The kernel takes some 25 ms to set such
/// a call up and to clear it away, so there are few of them and each sends a burst.
fn step(rate: u64) -> u32 {
    u32::try_from(rate / CALLS_PER_SECOND).map_or(u32::MAX, |step| step.max(1))
}
