//! Two questions that only `ioctl` answers: the flags and the channels of an interface.

use std::{
    ffi::c_char,
    io, mem,
    os::fd::{AsRawFd, OwnedFd},
    ptr,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// `ETHTOOL_GCHANNELS` of linux/ethtool.h.
const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// `struct ethtool_channels` of linux/ethtool.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Channels {
    command: u32,
    max_rx: u32,
    max_tx: u32,
    max_other: u32,
    max_combined: u32,
    pub(super) rx: u32,
    tx: u32,
    other: u32,
    pub(super) combined: u32,
}

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

/// The channels of the interface, as `ethtool -l` shows them.
pub(super) fn channels(name: &str) -> io::Result<Channels> {
    let mut channels = Channels {
        command: ETHTOOL_GCHANNELS,
        ..Channels::default()
    };
    let mut request = request(name)?;
    request.ifr_ifru.ifru_data = ptr::from_mut(&mut channels).cast::<c_char>();
    let socket = any_socket()?;
    // SAFETY: SIOCETHTOOL reads the name and follows the data pointer of an `ifreq`. It points at
    // `channels`, which has the size that the command asks for, and both live through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(channels)
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
