//! Standard error behind a queue: a terminal that was stopped, or a pipe that nobody reads, holds up
//! nobody.
#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    sync::OnceLock,
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Texts that may wait. More are dropped: they are messages and summaries, not results.
const QUEUE: usize = 256;

enum Item {
    Text(String),
    /// Says when everything before it is out.
    Mark(Sender<()>),
}

/// Prints `text`, or drops it when nothing can be printed.
pub fn print(text: impl Into<String>) {
    if let Some(queue) = queue() {
        // A full queue: somebody does not read.
        let _ = queue.try_send(Item::Text(text.into()));
    }
}

/// Waits until all that was printed is out, at most `timeout`.
pub fn flush(timeout: Duration) {
    let (sender, out) = bounded(1);
    if queue().is_some_and(|queue| queue.send_timeout(Item::Mark(sender), timeout).is_ok()) {
        // Too late is as good as never.
        let _ = out.recv_timeout(timeout);
    }
}

/// For what writes to a [`Write`]: each write is a text of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        print(String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn queue() -> Option<&'static Sender<Item>> {
    static SENDER: OnceLock<Option<Sender<Item>>> = OnceLock::new();
    let start = || {
        let (sender, items) = bounded(QUEUE);
        let thread = thread::Builder::new()
            .name("stderr".into())
            .spawn(move || write_all(&items));
        thread.ok().map(|_| sender)
    };
    SENDER.get_or_init(start).as_ref()
}

fn write_all(items: &Receiver<Item>) {
    for item in items {
        // Nothing can be told to somebody who closed standard error, or waits no longer.
        let _ = match item {
            Item::Text(text) => io::stderr().write_all(text.as_bytes()),
            Item::Mark(sender) => sender.send(()).map_err(io::Error::other),
        };
    }
}
