//! A question to the kernel and its answer, over a netlink socket of its own.

use std::{io, os::fd::AsRawFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket,
    sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// Bytes of `struct nlmsghdr`: length, type, flags, number, sender.
const HEADER: usize = 16;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
/// More than an interface with many virtual functions has to say.
const ROOM: usize = 256 << 10;
/// The kernel answers at once; this is for one that does not.
const TIMEOUT: i64 = 2;

/// Asks `payload` in a message of type `kind`; returns what comes after the header of the first answer.
pub(super) fn ask(protocol: SockProtocol, kind: u16, payload: &[u8]) -> io::Result<Vec<u8>> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        protocol,
    )?;
    setsockopt(&socket, ReceiveTimeout, &TimeVal::seconds(TIMEOUT))?;
    send(
        socket.as_raw_fd(),
        &message(kind, payload),
        MsgFlags::empty(),
    )?;
    let mut answer = vec![0; ROOM];
    let len = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    answer.truncate(len);
    decode(&answer)
}

fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER.saturating_add(payload.len())).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + payload.len());
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    // Number and sender: there is one question, and the kernel knows who asks.
    message.extend([0; 8]);
    message.extend(payload);
    message
}

fn decode(answer: &[u8]) -> io::Result<Vec<u8>> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let (header, _) = answer.split_first_chunk::<HEADER>().ok_or_else(malformed)?;
    let [l0, l1, l2, l3, k0, k1, ..] = *header;
    let len = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
    let payload = answer.get(HEADER..len).ok_or_else(malformed)?;
    if u16::from_ne_bytes([k0, k1]) == NLMSG_ERROR {
        let code = payload.first_chunk().ok_or_else(malformed)?;
        return Err(io::Error::from_raw_os_error(
            i32::from_ne_bytes(*code).saturating_neg(),
        ));
    }
    Ok(payload.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_its_length_says() {
        let mut answer = message(16, &[1, 2, 3, 4]);
        assert_eq!(decode(&answer).unwrap(), [1, 2, 3, 4]);
        answer.extend([9; 8]);
        assert_eq!(decode(&answer).unwrap(), [1, 2, 3, 4]);
        let error = decode(answer.get(..18).unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_error_has_its_number() {
        let answer = message(NLMSG_ERROR, &(-libc::ENODEV).to_ne_bytes());
        let error = decode(&answer).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
