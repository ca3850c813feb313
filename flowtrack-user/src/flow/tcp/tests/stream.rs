//! The stream of one side, by itself.

mod acknowledged;
mod placed;
mod reached;

use super::super::sequence::{Fit, Missed, Span, Stream};

/// A stream whose SYN has this number.
fn open_at(seq: u32) -> Stream {
    let mut stream = Stream::default();
    stream.begin(syn(seq));
    stream
}

/// A stream of which `len` bytes were seen; the first one has number 1.
fn seen(len: u32) -> Stream {
    let mut stream = open_at(0);
    send(&mut stream, data(1, len));
    stream
}

/// A segment arrives, as it does in a connection.
fn send(stream: &mut Stream, segment: Span) -> (Fit, Missed) {
    stream.advance(segment, false);
    stream.place(segment)
}

fn data(seq: u32, len: u32) -> Span {
    Span {
        seq,
        len,
        syn: false,
        fin: false,
        rst: false,
    }
}

fn syn(seq: u32) -> Span {
    Span {
        syn: true,
        ..data(seq, 0)
    }
}

fn fin(seq: u32, len: u32) -> Span {
    Span {
        fin: true,
        ..data(seq, len)
    }
}

fn rst(seq: u32) -> Span {
    Span {
        rst: true,
        ..data(seq, 0)
    }
}

/// So many bytes are lost in so many places.
fn missed(gaps: u32, bytes: u64) -> Missed {
    Missed { gaps, bytes }
}
