//! An AF_XDP socket of one receive queue, with a UMEM of its own.

mod error;

use std::{
    error::Error,
    ffi::CString,
    io,
    num::NonZeroU32,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    thread,
    time::{Duration, Instant},
};

use xsk_rs::{
    FillQueue, FrameDesc, RxQueue, Socket, Umem,
    config::{
        BindFlags, FrameSize, Interface, LibxdpFlags, QueueSize, SocketConfig as XskSocketConfig,
        UmemConfig,
    },
};

pub use self::error::SocketError;
use super::RxBatch;
use crate::{capture::BURST, sys};

/// Two frames a page. Less what XDP keeps free in front, it takes a standard Ethernet frame; larger
/// packets come in several frames.
const FRAME_SIZE: u32 = 2048;
/// `XDP_PACKET_HEADROOM`: what XDP keeps free in front of a packet.
const XDP_HEADROOM: u32 = 256;
/// A socket that was closed keeps its queue for a few milliseconds.
const BUSY_RETRY: Duration = Duration::from_millis(5);
const BUSY_PATIENCE: Duration = Duration::from_secs(1);

/// What a socket is opened with.
#[derive(Clone, Debug)]
pub struct SocketConfig {
    /// Name of the interface.
    pub interface: String,
    /// Receive queue.
    pub queue: u32,
    /// Slots of the RX ring, a power of two. The UMEM has twice as many frames.
    pub ring_size: u32,
    /// Packets that are taken at once, at most [`BURST`].
    pub burst: usize,
    /// Copying is not good enough.
    pub require_zero_copy: bool,
    /// Poll the driver instead of waiting for its interrupts, for so many packets at most at once.
    pub busy_poll: Option<u16>,
}

/// What was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers to what was asked for"
)]
pub struct SocketReport {
    /// Frames reach the socket without a copy.
    pub zero_copy: bool,
    /// Packets larger than a frame are received, in several.
    pub multi_buffer: bool,
    /// The UMEM lies in huge pages.
    pub huge_pages: bool,
    /// The kernel prefers this socket's polling to interrupts.
    pub busy_poll: bool,
}

/// A socket's counters since it was opened (`XDP_STATISTICS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketStats {
    /// Packets dropped: no frame in the fill ring, or the packet too large.
    pub rx_dropped: u64,
    /// Packets dropped: RX ring full.
    pub rx_ring_full: u64,
    /// Times that the fill ring was found empty; in copy mode part of `rx_dropped`.
    pub rx_fill_ring_empty: u64,
    /// Descriptors in the fill ring that the kernel did not take.
    pub rx_invalid_descs: u64,
}

/// An AF_XDP socket that receives.
///
/// Of its frames each is in the fill ring, in the RX ring, or lent out in an [`RxBatch`]; the
/// descriptors that were consumed are the ones given back.
pub struct XskSocket {
    rx: RxQueue,
    fill: FillQueue,
    umem: Umem,
    pub(super) pending: Pending,
    burst: usize,
    report: SocketReport,
}

/// Descriptors taken from the RX ring and not given back yet.
pub(super) struct Pending {
    pub(super) descs: Box<[FrameDesc]>,
    /// Of these, at the start: the pieces of a packet whose end has not arrived.
    pub(super) held: usize,
}

impl XskSocket {
    /// Opens a socket, best mode first, with all its frames in the fill ring. The memory is touched
    /// by the calling thread, so that it lies near its core.
    pub fn open(config: &SocketConfig) -> Result<Self, SocketError> {
        let mut failure = None;
        for flags in bind_flags(config.require_zero_copy) {
            match Self::open_with(config, flags) {
                Ok(socket) => return Ok(socket),
                Err(error @ SocketError::Create { .. }) => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        let no_zero_copy = SocketError::NoZeroCopy {
            interface: config.interface.clone(),
        };
        match failure {
            Some(SocketError::Create { source, .. })
                if config.require_zero_copy && is_unsupported(&source) =>
            {
                Err(no_zero_copy)
            }
            Some(error) => Err(error),
            None => Err(no_zero_copy),
        }
    }

    fn open_with(config: &SocketConfig, flags: BindFlags) -> Result<Self, SocketError> {
        let frames = config.ring_size.saturating_mul(2);
        let bad_size = |_| SocketError::RingSize(config.ring_size);
        let ring = QueueSize::new(config.ring_size).map_err(bad_size)?;
        let socket_config = XskSocketConfig::builder()
            .rx_queue_size(ring)
            .libxdp_flags(LibxdpFlags::XSK_LIBXDP_FLAGS_INHIBIT_PROG_LOAD)
            .bind_flags(flags)
            .build();
        let (umem, descs, huge_pages) = umem(config.queue, frames)?;
        let (rx, fill) = bind(config, socket_config, &umem)?;
        let mut socket = Self {
            rx,
            fill,
            umem,
            pending: Pending {
                descs: vec![FrameDesc::default(); RxBatch::MAX_DESCS].into_boxed_slice(),
                held: 0,
            },
            burst: config.burst.clamp(1, BURST),
            report: SocketReport {
                zero_copy: false,
                multi_buffer: flags.contains(BindFlags::XDP_USE_SG),
                huge_pages,
                busy_poll: config.busy_poll.is_some(),
            },
        };
        if let Some(budget) = config.busy_poll {
            sys::socket::prefer_busy_poll(socket.fd(), budget).map_err(SocketError::BusyPoll)?;
        }
        // Without an answer it is not claimed.
        socket.report.zero_copy = sys::socket::is_zero_copy(socket.fd()).unwrap_or(false);
        give_back(&mut socket.fill, &descs);
        Ok(socket)
    }

    /// What was obtained.
    pub fn report(&self) -> SocketReport {
        self.report
    }

    /// For the map of sockets.
    pub fn raw_fd(&self) -> RawFd {
        self.rx.fd().as_raw_fd()
    }

    /// Takes what has arrived, up to a burst. Empty if there is nothing.
    ///
    /// How far the kernel has got is read from its side of the ring only when what was found there the
    /// last time has been taken, and one store a burst gives the slots back.
    pub fn receive(&mut self) -> RxBatch<'_> {
        let Self {
            rx,
            pending: Pending { descs, held },
            burst,
            ..
        } = self;
        let free = descs.get_mut(*held..).unwrap_or_default();
        let limit = free.len().min(*burst);
        let free = free.get_mut(..limit).unwrap_or_default();
        // SAFETY: the ring is that of this socket's UMEM, and so are the descriptors that it writes.
        let received = unsafe { rx.consume(free) };
        let total = *held + received;
        RxBatch::new(self, total)
    }

    /// Waits for packets, at most `timeout`. With busy polling it polls the driver once and does not
    /// wait.
    pub fn wait(&self, timeout: Duration) -> io::Result<()> {
        if self.polls() {
            sys::socket::wake_rx(self.fd())
        } else {
            sys::socket::wait_rx(&[self.fd()], timeout)
        }
    }

    /// Whether it polls the driver where others wait.
    pub fn polls(&self) -> bool {
        self.report.busy_poll
    }

    /// From now on it waits.
    pub fn stop_polling(&mut self) {
        self.report.busy_poll = false;
    }

    /// Whether the driver can be polled, once packets have arrived: the kernel polls the NAPI instance
    /// that they come from, as far as it knows it.
    pub fn can_be_polled(&self) -> bool {
        // Without an answer nothing is claimed to be wrong.
        sys::socket::napi_id(self.fd()).map_or(true, |id| id.is_some())
    }

    /// Wakes the kernel up if it asks for that.
    pub fn wake(&self) -> io::Result<()> {
        if self.fill.needs_wakeup() {
            sys::socket::wake_rx(self.fd())
        } else {
            Ok(())
        }
    }

    /// Reads the socket's counters.
    pub fn stats(&self) -> io::Result<SocketStats> {
        let stats = self.rx.fd().xdp_statistics()?;
        Ok(SocketStats {
            rx_dropped: stats.rx_dropped(),
            rx_ring_full: stats.rx_ring_full(),
            rx_fill_ring_empty: stats.rx_fill_ring_empty_descs(),
            rx_invalid_descs: stats.rx_invalid_descs(),
        })
    }

    /// The packet data of a descriptor in [`Pending`].
    pub(super) fn data(&self, desc: &FrameDesc) -> &[u8] {
        // SAFETY: the descriptor came from the RX ring of this UMEM and has not been given back: only
        // `give_back` does that, and it needs the socket mutably.
        unsafe { self.umem.data(desc) }.contents()
    }

    /// Gives the first `count` pending descriptors back and keeps `held` after them.
    pub(super) fn recycle(&mut self, count: usize, total: usize) {
        let Self {
            fill,
            pending: Pending { descs, held },
            ..
        } = self;
        give_back(fill, descs.get(..count).unwrap_or_default());
        descs.copy_within(count..total, 0);
        *held = total - count;
    }

    /// For whoever waits for several sockets.
    pub fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket is open as long as `self.rx` is there.
        unsafe { BorrowedFd::borrow_raw(self.raw_fd()) }
    }
}

/// Puts frames into the fill ring, all with one release.
fn give_back(fill: &mut FillQueue, descs: &[FrameDesc]) {
    // SAFETY: the frames are of the UMEM of the ring, and nobody else has them: they are either new, or
    // were consumed from the RX ring and are no longer lent out.
    let given = unsafe { fill.produce(descs) };
    debug_assert_eq!(given, descs.len(), "the fill ring has room for all frames");
}

/// Binds a socket to its queue and gives its RX and fill rings. A queue that is busy is tried again for
/// a while: the kernel frees a socket that was closed some time later.
fn bind(
    config: &SocketConfig,
    socket_config: XskSocketConfig,
    umem: &Umem,
) -> Result<(RxQueue, FillQueue), SocketError> {
    let SocketConfig {
        interface, queue, ..
    } = config;
    let name =
        CString::new(interface.as_str()).map_err(|_| SocketError::Name(interface.clone()))?;
    let name = Interface::new(name);
    let busy = || SocketError::Busy {
        interface: interface.clone(),
        queue: *queue,
    };
    let started = Instant::now();
    loop {
        // SAFETY: the UMEM is new and used for this socket alone, so no other socket is bound to the
        // queue through it.
        match unsafe { Socket::new(socket_config, umem, &name, *queue) } {
            // A receiver needs no TX and no completion ring.
            Ok((_tx, rx, rings)) => {
                let (fill, _completion) = rings.ok_or_else(busy)?;
                return Ok((rx, fill));
            }
            Err(error) => {
                let source = io_error(&error);
                if source.raw_os_error() != Some(libc::EBUSY) {
                    let interface = interface.clone();
                    return Err(SocketError::Create {
                        interface,
                        queue: *queue,
                        source,
                    });
                }
            }
        }
        if started.elapsed() > BUSY_PATIENCE {
            return Err(busy());
        }
        thread::sleep(BUSY_RETRY);
    }
}

/// Ways to bind, best first. `XDP_USE_SG` needs kernel 6.6, and in zero-copy mode the driver.
fn bind_flags(require_zero_copy: bool) -> impl Iterator<Item = BindFlags> {
    let copy = [BindFlags::XDP_ZEROCOPY, BindFlags::XDP_COPY];
    copy.into_iter()
        .take(if require_zero_copy { 1 } else { 2 })
        .flat_map(|copy| {
            let flags = copy | BindFlags::XDP_USE_NEED_WAKEUP;
            [flags | BindFlags::XDP_USE_SG, flags]
        })
}

/// Memory for `frames` frames, in huge pages if there are any.
fn umem(queue: u32, frames: u32) -> Result<(Umem, Vec<FrameDesc>, bool), SocketError> {
    let error = |source: Box<dyn Error + Send + Sync>| SocketError::Umem { queue, source };
    let frame_size = FrameSize::new(FRAME_SIZE).map_err(|e| error(e.into()))?;
    // Twice the frames that there are: then there is always room, and how many of them the kernel has
    // taken is read once in `frames` packets rather than once a burst.
    let fill_ring = QueueSize::new(frames.saturating_mul(2)).map_err(|e| error(e.into()))?;
    let config = UmemConfig::builder()
        .frame_size(frame_size)
        .fill_queue_size(fill_ring)
        .frame_headroom(0)
        .build()
        .map_err(|e| error(e.into()))?;
    debug_assert_eq!(config.mtu(), FRAME_SIZE - XDP_HEADROOM);
    let count = NonZeroU32::new(frames).ok_or(SocketError::RingSize(frames))?;
    // A region that is not a multiple of a huge page could not be unmapped.
    let huge = u64::from(frames) * u64::from(FRAME_SIZE) % (2 << 20) == 0;
    if huge && let Ok((umem, descs)) = Umem::new(config, count, true) {
        return Ok((umem, descs, true));
    }
    let (umem, descs) = Umem::new(config, count, false).map_err(|e| error(io_error(&e).into()))?;
    Ok((umem, descs, false))
}

/// The error of the system call beneath an error of xsk-rs.
fn io_error(error: &(dyn Error + 'static)) -> io::Error {
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    source.and_then(io::Error::raw_os_error).map_or_else(
        || io::Error::other(error.to_string()),
        io::Error::from_raw_os_error,
    )
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL))
}
