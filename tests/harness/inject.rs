//! Single frames, sent as they are, to a chosen receive queue of the other end of a veth pair.

use std::{
    os::fd::{AsRawFd as _, OwnedFd},
    panic, thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::{
    errno::Errno,
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::socket::{
        AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike as _, bind, send,
        socket,
    },
    unistd::Pid,
};

use crate::{link::Link, wait::wait_until};

/// A receiver that does not make room for so long does not run.
const RING_TIMEOUT: Duration = Duration::from_secs(5);

/// A packet socket on one end of a veth pair.
///
/// On veth the queue that a packet is sent on is the queue that it is received on. The socket
/// bypasses the queueing discipline (`PACKET_QDISC_BYPASS`), and then the kernel takes the number
/// of the CPU, modulo the number of queues, instead of a hash over the packet. So a thread that is
/// pinned to the right CPU reaches the wanted queue, with nothing but the socket to set up.
#[derive(Debug)]
pub struct Injector {
    socket: OwnedFd,
    link: Link,
}

impl Injector {
    /// Opens the socket on `link`; what it sends arrives at the other end.
    pub fn new(link: &Link) -> Result<Self> {
        let index = link.index()?;
        let socket = link.netns().run(|| {
            socket(
                AddressFamily::Packet,
                SockType::Raw,
                SockFlag::SOCK_CLOEXEC,
                None,
            )
            .context("cannot make a packet socket; it takes CAP_NET_RAW")
        })?;
        bind(socket.as_raw_fd(), &link_address(index)?)
            .with_context(|| format!("cannot bind a packet socket to {}", link.name()))?;
        bypass_queueing(&socket)?;
        Ok(Self {
            socket,
            link: link.clone(),
        })
    }

    /// Sends frames, in order, to `queue` of the other end.
    pub fn send(&self, queue: u32, frames: &[Vec<u8>]) -> Result<()> {
        let cpu = cpu_of_queue(queue, self.link.queues())?;
        thread::scope(|scope| {
            let pinned = scope.spawn(move || {
                pin(cpu)?;
                frames.iter().try_for_each(|frame| self.send_frame(frame))
            });
            pinned
                .join()
                .unwrap_or_else(|payload| panic::resume_unwind(payload))
        })
    }

    fn send_frame(&self, frame: &[u8]) -> Result<()> {
        let what = format!("room in the receive ring behind {}", self.link.name());
        wait_until(&what, RING_TIMEOUT, || {
            match send(self.socket.as_raw_fd(), frame, MsgFlags::empty()) {
                Ok(_) => Ok(true),
                Err(Errno::ENOBUFS) => Ok(false),
                Err(error) => Err(error).with_context(|| {
                    format!("cannot send {} bytes on {}", frame.len(), self.link.name())
                }),
            }
        })
    }
}

/// Does `work` on a thread that is pinned to the first CPU, and so are the threads that it starts. What it
/// sends is received there as well.
pub fn on_one_cpu<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            pin(cpu_of_queue(0, 1)?)?;
            work()
        });
        pinned
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload))
    })
}

/// Pins the calling thread to one CPU.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot pin to CPU {cpu}"))
}

/// A CPU of this process from which the kernel sends on `queue` of `queues`.
pub(crate) fn cpu_of_queue(queue: u32, queues: u32) -> Result<usize> {
    let usable = sched_getaffinity(Pid::from_raw(0))?;
    let cpu = (queue as usize..CpuSet::count())
        .step_by(queues as usize)
        .find(|&cpu| usable.is_set(cpu) == Ok(true));
    match cpu {
        Some(cpu) => Ok(cpu),
        None => bail!(
            "queue {queue} of {queues} is out of reach: it takes a CPU whose number is {queue} \
             modulo {queues}"
        ),
    }
}

fn link_address(index: u32) -> Result<LinkAddr> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET.try_into()?,
        // No protocol: the socket only sends.
        sll_protocol: 0,
        sll_ifindex: index.try_into()?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = libc::socklen_t::try_from(size_of_val(&address))?;
    // SAFETY: it points to a whole `sockaddr_ll` of that length, of the family that says so, and
    // is copied before the call returns.
    let address = unsafe { LinkAddr::from_raw((&raw const address).cast(), Some(length)) };
    address.context("the kernel's link address is not what nix takes for one")
}

fn bypass_queueing(socket: &OwnedFd) -> Result<()> {
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on))?;
    // SAFETY: the option's value is an int, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_QDISC_BYPASS,
            (&raw const on).cast(),
            length,
        )
    };
    Errno::result(result).context("cannot set PACKET_QDISC_BYPASS")?;
    Ok(())
}
