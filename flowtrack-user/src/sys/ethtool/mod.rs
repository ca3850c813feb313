//! What the driver of an interface is asked: the questions of `ethtool`, one a file.
//!
//! Numbers and structures are those of linux/ethtool.h. A driver need not know a question: the answer is
//! `None` then.

pub mod channels;
pub mod rss;

use std::io;

/// `None` if the driver does not know the question.
fn if_known<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(None),
        Err(error) => Err(error),
    }
}
