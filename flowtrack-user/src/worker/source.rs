//! Where a worker's frames come from.
#![forbid(unsafe_code)]

use std::{io, time::Duration};

use flowtrack_common::{Frame, Timestamp};

use crate::{
    capture::{
        headers::{Burst, HeaderRing},
        xdp::{SocketStats, XskSocket},
    },
    sys::clock::{self, TaiClock},
};

/// The AF_XDP socket of a receive queue, or the copies of the headers of a CPU's packets.
pub(super) enum Source {
    Socket { socket: XskSocket, stamped: bool },
    Headers(HeaderRing),
}

impl Source {
    /// Lends what has arrived to `each`, up to a burst. When it returns, the frames are given back.
    pub(super) fn receive(&mut self, tai: TaiClock, mut each: impl FnMut(&Frame<'_>)) -> Burst {
        let (socket, stamps) = match self {
            Self::Headers(ring) => return ring.receive(tai, each),
            Self::Socket { socket, stamped } => (socket, stamped.then_some(tai)),
        };
        let mut burst = Burst::default();
        let batch = socket.receive();
        if batch.is_empty() {
            return burst;
        }
        let arrival = if stamps.is_some() {
            Timestamp::EPOCH
        } else {
            clock::now()
        };
        for packet in batch.packets() {
            burst.packets += 1;
            each(&packet.frame(stamps, arrival));
        }
        drop(batch);
        if let Err(error) = socket.wake() {
            log::debug!("cannot wake up the driver: {error}");
        }
        burst
    }

    /// Waits for packets, at most `timeout`. With busy polling it does not wait.
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Socket { socket, .. } => socket.wait(timeout),
            Self::Headers(ring) => ring.wait(timeout),
        }
    }

    /// The counters of the socket; a ring has none, what it has no room for the program counts.
    pub(super) fn stats(&self) -> io::Result<SocketStats> {
        match self {
            Self::Socket { socket, .. } => socket.stats(),
            Self::Headers(_) => Ok(SocketStats::default()),
        }
    }

    /// The socket, if there is one.
    pub(super) fn socket(&mut self) -> Option<&mut XskSocket> {
        match self {
            Self::Socket { socket, .. } => Some(socket),
            Self::Headers(_) => None,
        }
    }
}
