//! A bounded queue and a thread of its own for each output: a slow one costs its own records and
//! nothing else.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use flowtrack_common::FlowEvent;
use serde::Serialize;

use super::{Origin, OutputFile, OutputSpec, RecordKinds, writer::Writer};
use crate::{
    flow::{EventKinds, FiveTuple, FlowRecord},
    worker::{Delivery, Events},
};

/// Longest wait for a place in the queue after the end of a capture.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Batches that may wait for an output.
const QUEUE: usize = 256;

/// What became of the records or events that were meant for an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutputCounts {
    /// Written as a whole.
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

/// What the two ends of a queue know of each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    offered: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
    /// The reader of a pipe has gone away.
    closed: AtomicBool,
    /// All was offered: what must stand in an output without records is to be written too.
    complete: AtomicBool,
    /// Nobody waits any more: what is in the queue counts as failed and must not be written.
    abandoned: AtomicBool,
    /// The first one.
    error: Mutex<Option<String>>,
}

impl Shared {
    /// Notes why writing failed.
    pub(super) fn fail(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.closed.store(true, Relaxed);
        }
        let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error.to_string());
    }
}

/// The near end of an output.
#[derive(Debug)]
pub struct OutputQueue {
    name: String,
    sender: Sender<Batch>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    delivery: Delivery,
    /// With [`Delivery::Drop`]: capture is over, so a full queue may be waited for.
    blocking: AtomicBool,
    /// A full queue was waited for in vain.
    hangs: AtomicBool,
    wants: EventKinds,
    wants_records: RecordKinds,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub(super) origin: Origin,
    pub(super) records: Vec<FlowRecord<FiveTuple>>,
    pub(super) events: Vec<FlowEvent<FiveTuple>>,
}

impl Batch {
    pub(super) fn len(&self) -> u64 {
        (self.records.len() + self.events.len()) as u64
    }
}

impl OutputQueue {
    /// Starts the thread that writes to `file` what `spec` says.
    pub fn start(spec: &OutputSpec, file: OutputFile, delivery: Delivery) -> io::Result<Self> {
        let (sender, receiver) = bounded(QUEUE);
        let shared = Arc::<Shared>::default();
        let output = spec.format.output();
        let (wants, wants_records) = (output.wants(), output.wants_records());
        let writer = Writer::new(output, file);
        let thread = thread::Builder::new()
            .name(format!("out-{}", spec.format))
            .spawn({
                let shared = Arc::clone(&shared);
                move || write_all(writer, &receiver, &shared)
            })?;
        Ok(Self {
            name: spec.to_string(),
            sender,
            shared,
            thread,
            delivery,
            blocking: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            wants,
            wants_records,
        })
    }

    /// The events that it wants.
    pub fn wants(&self) -> EventKinds {
        self.wants
    }

    /// Takes what it wants of records and events, whose packets come from `origin`. A full queue is waited
    /// for, or costs these records, as the [`Delivery`] says.
    pub fn offer(&self, records: &[FlowRecord<FiveTuple>], events: &Events, origin: &Origin) {
        let batch = Batch {
            origin: origin.clone(),
            records: records
                .iter()
                .filter(|record| self.wants_records.contains(record))
                .copied()
                .collect(),
            events: if self.wants == EventKinds::NONE {
                Vec::new()
            } else {
                events.iter().collect()
            },
        };
        let len = batch.len();
        if len == 0 {
            return;
        }
        self.shared.offered.fetch_add(len, Relaxed);
        if !self.send(batch) {
            self.shared.failed.fetch_add(len, Relaxed);
        }
    }

    /// Whether the queue has taken `batch`.
    fn send(&self, batch: Batch) -> bool {
        if self.delivery == Delivery::Wait {
            return self.sender.send(batch).is_ok();
        }
        if !self.blocking.load(Relaxed) {
            return self.sender.try_send(batch).is_ok();
        }
        let taken = self.sender.send_timeout(batch, SEND_TIMEOUT).is_ok();
        // An output that hangs is waited for once.
        self.blocking.store(taken, Relaxed);
        self.hangs.store(!taken, Relaxed);
        taken
    }

    /// Capture is over: from now on a full queue is waited for, until that has been in vain once.
    pub fn wait_from_now_on(&self) {
        self.blocking.store(true, Relaxed);
    }

    /// What became of all that was offered.
    pub fn status(&self) -> OutputStatus {
        status(&self.name, &self.shared)
    }

    /// The reader of a pipe has gone away: nothing more can be written.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Relaxed)
    }

    /// Lets it write what waits, for at most `timeout` if it has not been waited for in vain, and tells how
    /// it ended. An output that is dropped instead leaves a file to which nothing was written as it was.
    pub fn finish(self, timeout: Duration) -> OutputStatus {
        let Self {
            name,
            sender,
            shared,
            thread,
            hangs,
            ..
        } = self;
        let timeout = if hangs.into_inner() {
            Duration::ZERO
        } else {
            timeout
        };
        shared.complete.store(true, Relaxed);
        drop(sender);
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < timeout {
            thread::sleep(Duration::from_millis(5));
        }
        // A thread that still hangs in a write ends with the process; what waits is lost.
        shared.abandoned.store(true, Relaxed);
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

/// Writes until nobody offers any more.
fn write_all(mut writer: Writer, batches: &Receiver<Batch>, shared: &Shared) {
    for batch in batches {
        if shared.abandoned.load(Relaxed) {
            return;
        }
        writer.write(&batch, shared);
    }
    if shared.complete.load(Relaxed) {
        writer.begin(shared);
    }
}
