//! What the outputs write of records and events that a tracker made.

mod lines;
mod zeek;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use crate::flow::tests::script;

/// A writer whose bytes can still be looked at when it has been given away.
#[derive(Clone, Debug, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        page.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
