//! A receiver that counts packets and gives their frames back.
#![forbid(unsafe_code)]

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use core_affinity::CoreId;

use super::{Received, Receiver, socket_config};
use crate::capture::xdp::{Program, XskSocket};

/// Nothing arrives for this long after the program was detached: all has been received.
const SILENCE: Duration = Duration::from_millis(20);

pub(super) struct Counting {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Received>>,
}

impl Receiver for Counting {
    fn start(core: CoreId, program: &mut Program) -> anyhow::Result<Self> {
        let socket = XskSocket::open(&socket_config())?;
        program.set_socket(0, socket.raw_fd())?;
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let thread = thread::Builder::new()
            .name("counting".to_owned())
            .spawn(move || {
                core_affinity::set_for_current(core);
                count(socket, &told)
            })
            .context("cannot start a thread")?;
        Ok(Self { ended, thread })
    }

    fn finish(self) -> anyhow::Result<Received> {
        self.ended.store(true, Ordering::Relaxed);
        let result = self.thread.join();
        Ok(result.map_err(|_| anyhow!("the receiver panicked"))??)
    }
}

/// Receives as a worker does, until it is told that nothing more comes and that is so.
fn count(mut socket: XskSocket, ended: &AtomicBool) -> io::Result<Received> {
    let mut packets = 0;
    let mut silent = false;
    loop {
        let batch = socket.receive();
        if !batch.is_empty() {
            packets += batch.packets().count() as u64;
            drop(batch);
            socket.wake()?;
            silent = false;
        } else if silent {
            break;
        } else {
            drop(batch);
            // Packets may be on their way when it is told.
            silent = ended.load(Ordering::Relaxed);
            socket.wait(SILENCE)?;
        }
    }
    let stats = socket.stats()?;
    Ok(Received {
        packets,
        lost: stats.rx_dropped + stats.rx_ring_full,
        unexplained: 0,
    })
}
