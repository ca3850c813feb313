//! Writes batches to an output, and knows of each record whether it is out.

use std::sync::atomic::Ordering::Relaxed;

use super::{
    Output, OutputFile,
    queue::{Batch, Shared},
};

/// The thread's end of an output.
pub(super) struct Writer {
    output: Box<dyn Output>,
    file: OutputFile,
    /// What stands before all else is out.
    begun: bool,
    /// Nothing more can be written.
    closed: bool,
    bytes: Vec<u8>,
    /// Where each record or event of the batch ends in `bytes`.
    ends: Vec<usize>,
}

impl Writer {
    pub(super) fn new(output: Box<dyn Output>, file: OutputFile) -> Self {
        Self {
            output,
            file,
            begun: false,
            closed: false,
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Writes a batch and counts what is out, and what is not.
    pub(super) fn write(&mut self, batch: &Batch, shared: &Shared) {
        let sent = if self.begin(shared) {
            self.format(batch);
            self.write_out(shared)
        } else {
            0
        };
        shared.sent.fetch_add(sent, Relaxed);
        shared.failed.fetch_add(batch.len() - sent, Relaxed);
    }

    /// Writes what stands before all else, if it is not out yet; tells whether it is. An output
    /// without records has it all the same.
    pub(super) fn begin(&mut self, shared: &Shared) -> bool {
        if !self.begun && !self.closed {
            self.bytes.clear();
            self.ends.clear();
            self.output.header(&mut self.bytes);
            self.ends.push(self.bytes.len());
            self.begun = self.write_out(shared) == 1;
        }
        self.begun && !self.closed
    }

    fn format(&mut self, batch: &Batch) {
        let Self {
            output,
            bytes,
            ends,
            ..
        } = self;
        bytes.clear();
        ends.clear();
        for record in &batch.records {
            output.record(record, &batch.origin, bytes);
            ends.push(bytes.len());
        }
        for event in &batch.events {
            output.event(event, bytes);
            ends.push(bytes.len());
        }
    }

    /// Writes `bytes` and returns how many of the pieces in it are out as a whole. A part of the
    /// next one is taken back; where that cannot be, nothing is ever written behind it.
    fn write_out(&mut self, shared: &Shared) -> u64 {
        let (written, result) = self.file.write(&self.bytes);
        let whole = self.ends.partition_point(|end| *end <= written);
        if let Err(error) = result {
            shared.fail(&error);
            let last = whole.checked_sub(1).and_then(|last| self.ends.get(last));
            let kept = last.copied().unwrap_or(0);
            self.closed = !self.file.take_back(written - kept);
        }
        whole as u64
    }
}
