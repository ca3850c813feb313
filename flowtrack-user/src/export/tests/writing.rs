//! What is counted as sent is out as a whole, whatever the reader does.

use std::{
    fs::File,
    io::{PipeReader, Read, pipe},
    os::fd::OwnedFd,
    thread,
    time::Duration,
};

use super::script::{converse, handshake};
use crate::{
    export::{Origin, OutputFile, OutputQueue},
    flow::{FiveTuple, FlowRecord, RecordReason},
    worker::{Delivery, Events},
};

/// More than a pipe holds.
const RECORDS: usize = 256;
/// More than the queue and the pipe hold.
const CHUNKS: usize = 300;
const SECOND: Duration = Duration::from_secs(1);

fn records() -> Vec<FlowRecord<FiveTuple>> {
    vec![converse(&handshake()); RECORDS]
}

/// Offers records to a queue.
fn offer(queue: &OutputQueue, records: &[FlowRecord<FiveTuple>]) {
    queue.offer(records, &Events::new(), &Origin::default());
}

/// A queue of records to a pipe, and the pipe.
fn queue(delivery: Delivery) -> (OutputQueue, PipeReader) {
    queue_of("json:pipe", delivery)
}

fn queue_of(output: &str, delivery: Delivery) -> (OutputQueue, PipeReader) {
    let (reader, writer) = pipe().unwrap();
    let file = OutputFile::new(File::from(OwnedFd::from(writer)), false);
    let queue = OutputQueue::start(&output.parse().unwrap(), file, delivery).unwrap();
    (queue, reader)
}

#[test]
fn a_file_waits_for_a_slow_reader_and_loses_nothing() {
    let (queue, mut reader) = queue(Delivery::Wait);
    let records = records();
    let offering = thread::spawn(move || {
        (0..CHUNKS).for_each(|_| offer(&queue, &records));
        queue.finish(Duration::MAX)
    });
    thread::sleep(SECOND / 5);
    assert!(!offering.is_finished(), "the queue took more than it holds");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let status = offering.join().unwrap();
    assert_eq!(text.lines().count(), RECORDS * CHUNKS);
    assert_eq!(status.counts.sent, (RECORDS * CHUNKS) as u64);
    assert_eq!(status.counts.failed, 0);
}

#[test]
fn parts_of_flows_count_only_where_they_are_written() {
    let whole = converse(&handshake());
    let part = FlowRecord {
        reason: RecordReason::ActiveTimeout,
        ..whole
    };
    let records = [part, part, whole];
    for (output, sent) in [("json:pipe", 3), ("zeek:pipe", 1), ("events:pipe", 0)] {
        let (queue, mut reader) = queue_of(output, Delivery::Wait);
        offer(&queue, &records);
        let status = queue.finish(Duration::MAX);
        assert_eq!((status.counts.sent, status.counts.failed), (sent, 0));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.count() as u64, sent, "{output}");
    }
}

#[test]
fn capture_never_waits_and_what_a_hanging_reader_does_not_get_has_failed() {
    let (queue, mut reader) = queue(Delivery::Drop);
    let records = records();
    (0..CHUNKS).for_each(|_| offer(&queue, &records));
    let lost = queue.status().counts.failed;
    assert!(lost > 0, "all fitted into the queue");
    let status = queue.finish(SECOND / 10);
    assert_eq!(status.counts.sent, 0);
    assert_eq!(status.counts.failed, (RECORDS * CHUNKS) as u64);
    // Of what was given up, nothing comes later: only the batch that hung in the pipe.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.lines().count() <= RECORDS);
}

#[test]
fn when_the_reader_goes_away_each_record_is_either_sent_or_failed() {
    let (queue, mut reader) = queue(Delivery::Wait);
    let records = records();
    let mut start = [0; 1000];
    let offering = thread::spawn(move || {
        (0..3).for_each(|_| offer(&queue, &records));
        queue.finish(Duration::MAX)
    });
    reader.read_exact(&mut start).unwrap();
    // The pipe is full, in the middle of a record.
    thread::sleep(SECOND / 5);
    drop(reader);
    let status = offering.join().unwrap();
    assert!(status.closed);
    assert!(status.error.unwrap().contains("Broken pipe"));
    assert!((1..RECORDS as u64).contains(&status.counts.sent));
    assert_eq!(
        status.counts.sent + status.counts.failed,
        3 * RECORDS as u64
    );
    assert_eq!(status.counts.waiting, 0);
}
