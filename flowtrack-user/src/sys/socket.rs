//! What xsk-rs does not offer of an AF_XDP socket.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{MsgFlags, recv},
};

/// `XDP_OPTIONS_ZEROCOPY` of linux/if_xdp.h.
const XDP_OPTIONS_ZEROCOPY: u32 = 1;

/// Whether the kernel passes frames to the socket without copying them.
pub fn is_zero_copy(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut options = libc::xdp_options { flags: 0 };
    let mut len = libc::socklen_t::try_from(size_of_val(&options)).map_err(io::Error::other)?;
    // SAFETY: XDP_OPTIONS writes an `xdp_options` of at most `len` bytes; pointer and length are those
    // of `options`, and both live through the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_OPTIONS,
            (&raw mut options).cast(),
            &raw mut len,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(options.flags & XDP_OPTIONS_ZEROCOPY != 0)
}

/// Prefers polling by this socket to interrupts: [`wake_rx`] then runs the driver's NAPI poll in the
/// calling thread, at most `budget` packets at once. Linux 5.11 or newer, with `CONFIG_NET_RX_BUSY_POLL`.
pub fn prefer_busy_poll(fd: BorrowedFd<'_>, budget: u16) -> io::Result<()> {
    set_option(fd, libc::SO_PREFER_BUSY_POLL, 1)?;
    // How long is for sockets that block; for this one it only says that it polls at all.
    set_option(fd, libc::SO_BUSY_POLL, 20)?;
    set_option(fd, libc::SO_BUSY_POLL_BUDGET, budget.into())
}

/// The NAPI instance that the socket's last packets came from; `None` before the first one, and where
/// the driver does not tell.
pub fn napi_id(fd: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let mut id: libc::c_uint = 0;
    let mut len = libc::socklen_t::try_from(size_of_val(&id)).map_err(io::Error::other)?;
    // SAFETY: SO_INCOMING_NAPI_ID writes an int of at most `len` bytes; pointer and length are those of
    // `id`, and both live through the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_INCOMING_NAPI_ID,
            (&raw mut id).cast(),
            &raw mut len,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((id != 0).then_some(id))
}

fn set_option(fd: BorrowedFd<'_>, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of_val(&value)).map_err(io::Error::other)?;
    // SAFETY: the option reads an int of `len` bytes; pointer and length are those of `value`, which
    // lives through the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            (&raw const value).cast(),
            len,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Wakes the kernel up: the fill ring has frames again.
pub fn wake_rx(fd: BorrowedFd<'_>) -> io::Result<()> {
    match recv(fd.as_raw_fd(), &mut [], MsgFlags::MSG_DONTWAIT) {
        // Nothing is received this way; these say that the driver is at work or has nothing to do.
        Ok(_) | Err(Errno::EAGAIN | Errno::EBUSY | Errno::ENOBUFS | Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether packets lie in the RX ring of the socket.
pub fn has_packets(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO)?;
    Ok(fds.iter().any(|fd| fd.any() == Some(true)))
}

/// Waits for packets on one of the sockets, at most `timeout`. Wakes the kernel up as well.
pub fn wait_rx(fds: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<()> {
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    let fds = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN));
    let mut fds: Vec<_> = fds.collect();
    match poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
