//! Promiscuous mode: a mirror port gets frames that are not addressed to it.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// Keeps an interface in promiscuous mode. The kernel counts who wants it, so it ends with the last
/// one, and also when the process is killed.
#[derive(Debug)]
pub struct Promiscuous {
    _socket: OwnedFd,
}

impl Promiscuous {
    /// Switches it on for the interface with this index.
    pub fn new(index: u32) -> io::Result<Self> {
        // Protocol 0: the socket receives nothing.
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        let request = libc::packet_mreq {
            mr_ifindex: index.cast_signed(),
            mr_type: libc::PACKET_MR_PROMISC
                .try_into()
                .map_err(io::Error::other)?,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        let len = libc::socklen_t::try_from(size_of_val(&request)).map_err(io::Error::other)?;
        // SAFETY: PACKET_ADD_MEMBERSHIP reads a `packet_mreq`; the pointer and the length are those of
        // `request`, which lives through the call.
        let result = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_ADD_MEMBERSHIP,
                (&raw const request).cast(),
                len,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { _socket: socket })
    }
}
