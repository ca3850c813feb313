//! Many packets a second over a link, at a rate if there is to be one.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use flowtrack::bench::generator;

use crate::{
    frames::Frame,
    inject::{cpu_of_queue, pin},
    link::Link,
};

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
    inner: generator::Generator,
    link: Link,
}

impl Generator {
    /// Loads the generator; it will send on `link`.
    pub fn new(link: &Link) -> Result<Self> {
        let index = link.index()?;
        let inner = link.netns().run(|| {
            let generator = generator::Generator::new(index);
            generator.with_context(|| format!("cannot send on {}", link.name()))
        })?;
        Ok(Self {
            inner,
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
        let cpu = cpu_of_queue(load.queue, self.link.queues())?;
        self.inner.set_up(load.flows, source)?;
        let Self { inner, link } = self;
        link.netns().run(|| {
            pin(cpu)?;
            run_steps(inner, load, template)
        })?;
        let sent = self.inner.sent()?;
        ensure!(
            sent == load.packets,
            "the generator made {sent} of {} packets: is the template IPv4 with UDP or TCP?",
            load.packets
        );
        Ok(())
    }
}

/// Runs the program in steps, none before its time.
fn run_steps(generator: &mut generator::Generator, load: &Load, template: &[u8]) -> Result<()> {
    let step = load.rate.map_or(u32::MAX, step);
    let start = Instant::now();
    let mut sent = 0;
    while sent < load.packets {
        if let Some(rate) = load.rate {
            let due = start + Duration::from_nanos(sent * 1_000_000_000 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let packets = u32::try_from(load.packets - sent).map_or(step, |left| left.min(step));
        generator.send(template, packets)?;
        sent += u64::from(packets);
    }
    Ok(())
}

/// Packets of one system call at `rate` packets a second. The kernel takes some 25 ms to set such
/// a call up and to clear it away, so there are few of them and each sends a burst.
fn step(rate: u64) -> u32 {
    u32::try_from(rate / CALLS_PER_SECOND).map_or(u32::MAX, |step| step.max(1))
}
