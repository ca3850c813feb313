//! Why a socket cannot be opened.
#![forbid(unsafe_code)]

use std::{error::Error, io};

/// The socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A setting is out of range.
    #[error("a ring of {0} slots is not possible")]
    RingSize(u32),
    /// The name has a zero byte.
    #[error("'{0}' is no name of an interface")]
    Name(String),
    /// No memory for the frames.
    #[error("cannot get memory for the frames of queue {queue}")]
    Umem {
        /// The queue.
        queue: u32,
        /// The reason.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Somebody else has a socket on the queue.
    #[error(
        "queue {queue} of {interface} is in use by the AF_XDP socket of another process; `ss --xdp -ap` \
         names it"
    )]
    Busy {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
    },
    /// The driver cannot do what is required.
    #[error(
        "the driver of {interface} has no zero-copy mode; without --require-zero-copy it copies"
    )]
    NoZeroCopy {
        /// The interface.
        interface: String,
    },
    /// The kernel cannot do what is asked for.
    #[error("--busy-poll takes Linux 5.11 or newer with CONFIG_NET_RX_BUSY_POLL")]
    BusyPoll(#[source] io::Error),
    /// The process has as many open files as it may have.
    #[error("cannot keep a second descriptor of the socket")]
    Descriptor(#[source] io::Error),
    /// The kernel refused.
    #[error("cannot open an AF_XDP socket on queue {queue} of {interface}")]
    Create {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
        /// The reason.
        #[source]
        source: io::Error,
    },
}
