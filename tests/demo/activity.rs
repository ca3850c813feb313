//! The traffic of the demo.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use flowtrack_tests::{
    generator::{Generator, Load},
    span::{SERVER, Span},
    traffic::{Done, Path},
};

/// Between two rounds of connections.
const ROUND: Duration = Duration::from_millis(300);
const TCP_REQUEST: usize = 700;
/// The answers of the rounds differ in length by this much.
const TCP_RESPONSE_STEP: usize = 9_000;
const TCP_RESPONSES: usize = 8;

/// Generated packets a second. Its bursts fill half of a socket's ring, so none is lost on a busy
/// machine either.
const RATE: u64 = 20_000;
/// The generator sends so many at a time, to one queue after the other.
const PIECE: u64 = 10_000;
const PIECES: u32 = 10;
/// The flows of queue `n` come from the `n`-th network of 256 addresses from here on.
const GENERATED_FROM: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
/// Flows of each queue.
const GENERATED_FLOWS: u64 = 500;

/// What there was to be seen.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// TCP connections, all closed by both sides.
    pub(crate) tcp: Done,
    /// UDP requests and answers.
    pub(crate) udp: Done,
    /// ICMP and ICMPv6 echo requests and replies.
    pub(crate) echo: Done,
    /// What the generator sent straight to the mirror port.
    pub(crate) generated: Generated,
    /// Packets that left the mirror port, the generator's included.
    pub(crate) mirrored: u64,
    /// It was stopped before its time.
    pub(crate) cut_short: bool,
}

/// Packets of the generator.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Generated {
    /// Packets sent.
    pub(crate) packets: u64,
    /// Flows that they belong to.
    pub(crate) flows: u64,
}

/// Makes traffic until `time` is over or `stop` is set; what was begun is ended properly.
pub(crate) fn make(span: &Span, time: Duration, stop: &AtomicBool) -> Result<Made> {
    let before = span.mirror.counters()?.tx_packets;
    let end = Instant::now() + time;
    let goes_on = || Instant::now() < end && !stop.load(Ordering::Relaxed);
    let mut made = Made::default();
    made.generated = thread::scope(|scope| {
        let generating = scope.spawn(|| generate(span, goes_on));
        for round in 0.. {
            if !goes_on() {
                break;
            }
            converse(
                span,
                TCP_RESPONSE_STEP * (1 + round % TCP_RESPONSES),
                &mut made,
            )?;
            thread::sleep(ROUND);
        }
        let generated = generating.join();
        generated.map_err(|_| anyhow!("the generator's thread panicked"))?
    })?;
    made.cut_short = stop.load(Ordering::Relaxed);
    made.mirrored = span.mirror.counters()?.tx_packets - before;
    Ok(made)
}

/// One round between client and server: each protocol, over IPv4 and over IPv6.
fn converse(span: &Span, tcp_response: usize, made: &mut Made) -> Result<()> {
    for address in SERVER {
        let path = Path {
            client: span.client.clone(),
            server: span.server.clone(),
            address,
        };
        made.tcp += path.tcp(1, TCP_REQUEST, tcp_response)?;
        made.udp += path.udp(1, 3, 40, 120)?;
        made.echo += path.echo(2, 56)?;
    }
    Ok(())
}

/// A burst of many flows, in pieces.
fn generate(span: &Span, goes_on: impl Fn() -> bool) -> Result<Generated> {
    let mut generator = Generator::new(&span.mirror)?;
    let destination = SocketAddr::from((Ipv4Addr::new(10, 79, 0, 1), 53));
    let mut generated = Generated::default();
    for (piece, queue) in (0..PIECES).zip((0..span.tap.queues()).cycle()) {
        if !goes_on() {
            break;
        }
        let load = Load {
            packets: PIECE,
            flows: GENERATED_FLOWS,
            rate: Some(RATE),
            queue,
        };
        let network = Ipv4Addr::from_bits(GENERATED_FROM.to_bits() + (queue << 8));
        generator.udp(&load, SocketAddr::from((network, 1024)), destination)?;
        generated.packets += load.packets;
        if piece < span.tap.queues() {
            generated.flows += load.flows;
        }
    }
    Ok(generated)
}
