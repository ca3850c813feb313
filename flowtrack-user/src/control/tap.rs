//! An interface's packets for a program with a loop of its own.

use std::{io, time::Duration};

use flowtrack_common::{Frame, Timestamp, abi::MAX_QUEUES};

use super::{Mode, PreflightError, preflight};
use crate::{
    capture::{
        BURST,
        xdp::{Program, ProgramError, RING_DELAY, SocketConfig, SocketError, XskSocket},
    },
    sys::{
        clock::{self, TaiClock},
        interface,
        promisc::Promiscuous,
        socket::wait_rx,
    },
};

/// Slots of each RX ring.
const RING_SIZE: u32 = 2048;

/// The interface cannot be tapped.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// It must not be, or there is none.
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    /// The XDP program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Promiscuous mode.
    #[error("cannot put the interface into promiscuous mode")]
    Promiscuous(#[source] io::Error),
}

/// All packets that an interface receives, in one thread. They are taken away from the host, as by
/// `flowtrack run`, until the tap is dropped.
///
/// One thread is less than `flowtrack run` has: for interfaces with much traffic, start a
/// [`WorkerHandle`](crate::worker::WorkerHandle) for each queue.
pub struct Tap {
    program: Program,
    sockets: Vec<XskSocket>,
    _promiscuous: Promiscuous,
}

impl Tap {
    /// Taps an interface. One that carries an address, the default route or another interface is
    /// refused unless it may be taken over.
    pub fn open(interface: &str, take_over: bool) -> Result<Self, TapError> {
        let index = preflight::check(interface, Mode::Tap, take_over)?;
        let mut program = Program::load(true, 0)?;
        let queues = interface::receive_queues(interface).min(MAX_QUEUES);
        let open = |queue| {
            let socket = XskSocket::open(&SocketConfig {
                interface: interface.to_owned(),
                queue,
                ring_size: RING_SIZE,
                burst: BURST,
                require_zero_copy: false,
                busy_poll: None,
            })?;
            program.set_socket(queue, socket.raw_fd())?;
            Ok(socket)
        };
        let sockets = (0..queues).map(open).collect::<Result<_, TapError>>()?;
        let promiscuous = Promiscuous::new(index).map_err(TapError::Promiscuous)?;
        program.attach(index)?;
        Ok(Self {
            program,
            sockets,
            _promiscuous: promiscuous,
        })
    }

    /// Lends the frames that have arrived to `each`, those of a queue in their order. If there are
    /// none it waits for some, at most `timeout`.
    ///
    /// When nothing has arrived, it returns the time by which all has: no later frame is older.
    pub fn receive(
        &mut self,
        timeout: Duration,
        mut each: impl FnMut(&Frame<'_>),
    ) -> io::Result<Option<Timestamp>> {
        if self.lend(&mut each)? {
            return Ok(None);
        }
        let fds: Vec<_> = self.sockets.iter().map(XskSocket::fd).collect();
        wait_rx(&fds, timeout)?;
        let now = clock::now();
        let silent = !self.lend(&mut each)?;
        Ok(silent.then_some(now.saturating_sub(RING_DELAY)))
    }

    /// Packets that were lost because the program was too slow.
    pub fn lost(&self) -> io::Result<u64> {
        self.sockets.iter().try_fold(0, |lost, socket| {
            let stats = socket.stats()?;
            Ok(lost + stats.rx_dropped + stats.rx_ring_full)
        })
    }

    /// Lends a burst of each queue; whether there was a frame.
    fn lend(&mut self, each: &mut impl FnMut(&Frame<'_>)) -> io::Result<bool> {
        let stamps = TaiClock::measure();
        let arrival = clock::now();
        let mut any = false;
        for socket in &mut self.sockets {
            let batch = socket.receive();
            if batch.is_empty() {
                continue;
            }
            any = true;
            for packet in batch.packets() {
                each(&packet.frame(Some(stamps), arrival));
            }
            drop(batch);
            socket.wake()?;
        }
        Ok(any)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.program.detach();
    }
}
