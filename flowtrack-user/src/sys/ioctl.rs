//! Requests about an interface that only `ioctl` takes: its flags, and what its driver is asked.

use std::{
    ffi::c_char,
    io, mem,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// `IFF_*` flags of the interface.
pub(super) fn flags(name: &str) -> io::Result<i32> {
    let mut request = request(name)?;
    let socket = any_socket()?;
    // SAFETY: SIOCGIFFLAGS reads the name in an `ifreq` and writes its flags; `request` is one, and
    // lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has written the flags member of the union.
    Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags }))
}

/// Hands `command`, a structure of linux/ethtool.h, to the driver of the interface, which writes its answer
/// into it.
///
/// # Safety
///
/// `command` must point at all of what the command in its first field has the kernel read and write.
pub(super) unsafe fn ethtool<T>(name: &str, command: *mut T) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_data = command.cast::<c_char>();
    let socket = any_socket()?;
    // SAFETY: SIOCETHTOOL reads the name in an `ifreq` and follows its data pointer, which the caller
    // answers for; `request` lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Interface requests go through a socket of any kind.
fn any_socket() -> io::Result<OwnedFd> {
    Ok(socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?)
}

fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: an `ifreq` is integers and pointers, for which zeros are valid.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // One byte is left for the terminating zero.
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    Ok(request)
}
