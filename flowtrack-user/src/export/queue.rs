//! A bounded queue and a thread of its own for each output: a slow one costs its own records and
//! nothing else.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use flowtrack_common::FlowEvent;
use serde::Serialize;

use super::{Output, OutputSpec};
use crate::{
    flow::{EventKinds, FiveTuple, FlowRecord},
    worker::{Chunk, Delivery},
};

/// Longest wait for a place in the queue, once waiting is allowed.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// Batches that may wait for an output.
const QUEUE: usize = 256;

/// What became of the records or events that were meant for an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutputCounts {
    /// Written.
    pub sent: u64,
    /// Not written: the queue was full or writing failed.
    pub failed: u64,
    /// In the queue.
    pub waiting: u64,
}

/// An output's counts and its latest error.
#[derive(Clone, Debug, Serialize)]
pub struct OutputStatus {
    /// As the user named it.
    pub output: String,
    /// What became of its records or events.
    #[serde(flatten)]
    pub counts: OutputCounts,
    /// Why writing failed, the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The reader of a pipe has gone away.
    #[serde(skip)]
    pub closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    offered: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    closed: AtomicBool,
    /// Whoever offers may wait for a place in the queue.
    patient: AtomicBool,
    error: Mutex<Option<String>>,
}

/// The near end of an output: takes chunks, and never waits if it was told so.
#[derive(Debug)]
pub struct OutputQueue {
    name: String,
    sender: Sender<Batch>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    wants: EventKinds,
    wants_records: bool,
}

#[derive(Clone, Debug)]
struct Batch {
    records: Vec<FlowRecord<FiveTuple>>,
    events: Vec<FlowEvent<FiveTuple>>,
}

impl Batch {
    fn len(&self) -> u64 {
        (self.records.len() + self.events.len()) as u64
    }
}

impl OutputQueue {
    /// Starts the thread that writes to `output`.
    pub fn start(
        spec: &OutputSpec,
        output: Box<dyn Output>,
        delivery: Delivery,
    ) -> io::Result<Self> {
        let (sender, receiver) = bounded(QUEUE);
        let patient = AtomicBool::new(delivery == Delivery::Wait);
        let shared = Arc::new(Shared {
            patient,
            ..Shared::default()
        });
        let (wants, wants_records) = (output.wants(), output.wants_records());
        let thread = thread::Builder::new()
            .name(format!("out-{}", spec.format))
            .spawn({
                let shared = Arc::clone(&shared);
                move || write_all(output, &receiver, &shared)
            })?;
        let name = spec.to_string();
        Ok(Self {
            name,
            sender,
            shared,
            thread,
            wants,
            wants_records,
        })
    }

    /// The events that it wants.
    pub fn wants(&self) -> EventKinds {
        self.wants
    }

    /// Takes what it wants of `chunk`.
    pub fn offer(&self, chunk: &Chunk) {
        let batch = Batch {
            records: if self.wants_records {
                chunk.records.clone()
            } else {
                Vec::new()
            },
            events: if self.wants == EventKinds::NONE {
                Vec::new()
            } else {
                chunk.events.clone()
            },
        };
        let len = batch.len();
        if len == 0 {
            return;
        }
        self.shared.offered.fetch_add(len, Relaxed);
        let taken = if self.shared.patient.load(Relaxed) {
            let taken = self.sender.send_timeout(batch, SEND_PATIENCE).is_ok();
            // An output that hangs is waited for once.
            self.shared.patient.store(taken, Relaxed);
            taken
        } else {
            self.sender.try_send(batch).is_ok()
        };
        if !taken {
            self.shared.failed.fetch_add(len, Relaxed);
        }
    }

    /// Capture is over: from now on a full queue is waited for, once.
    pub fn wait_from_now_on(&self) {
        self.shared.patient.store(true, Relaxed);
    }

    /// What became of all that was offered.
    pub fn status(&self) -> OutputStatus {
        status(&self.name, &self.shared)
    }

    /// The reader of a pipe has gone away: nothing more can be written.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Relaxed)
    }

    /// Lets it write what waits, for at most `patience`, and tells how it ended.
    pub fn finish(self, patience: Duration) -> OutputStatus {
        let Self {
            name,
            sender,
            shared,
            thread,
            ..
        } = self;
        drop(sender);
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while !thread.is_finished() && waited < patience {
            thread::sleep(step);
            waited += step;
        }
        // A thread that still hangs in a write ends with the process; what waits is lost.
        if thread.is_finished() && thread.join().is_err() {
            log::error!("the writer of {name} panicked");
        }
        let mut status = status(&name, &shared);
        status.counts.failed += std::mem::take(&mut status.counts.waiting);
        status
    }
}

fn status(name: &str, shared: &Shared) -> OutputStatus {
    let sent = shared.sent.load(Relaxed);
    let failed = shared.failed.load(Relaxed);
    let waiting = shared.offered.load(Relaxed).saturating_sub(sent + failed);
    let error = shared.error.lock().unwrap_or_else(PoisonError::into_inner);
    OutputStatus {
        output: name.to_owned(),
        counts: OutputCounts {
            sent,
            failed,
            waiting,
        },
        error: error.clone(),
        closed: shared.closed.load(Relaxed),
    }
}

/// Writes until nobody offers any more. What was written counts as sent once it is flushed, which
/// happens whenever the queue is empty.
fn write_all(mut output: Box<dyn Output>, batches: &Receiver<Batch>, shared: &Shared) {
    let mut unflushed = 0;
    for batch in batches {
        unflushed += batch.len();
        let written = write_batch(output.as_mut(), &batch);
        if written.is_err() || batches.is_empty() {
            settle(
                written.and_then(|()| output.flush()),
                &mut unflushed,
                shared,
            );
        }
    }
    settle(output.finish(), &mut unflushed, shared);
}

fn write_batch(output: &mut dyn Output, batch: &Batch) -> io::Result<()> {
    batch
        .records
        .iter()
        .try_for_each(|record| output.record(record))?;
    batch
        .events
        .iter()
        .try_for_each(|event| output.event(event))
}

/// Counts what was written since the last flush.
fn settle(result: io::Result<()>, unflushed: &mut u64, shared: &Shared) {
    let count = std::mem::take(unflushed);
    let Err(error) = result else {
        shared.sent.fetch_add(count, Relaxed);
        return;
    };
    shared.failed.fetch_add(count, Relaxed);
    if error.kind() == io::ErrorKind::BrokenPipe {
        shared.closed.store(true, Relaxed);
    }
    let mut first = shared.error.lock().unwrap_or_else(PoisonError::into_inner);
    first.get_or_insert_with(|| error.to_string());
}
