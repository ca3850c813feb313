//! The letters that a segment adds to the history.

use flowtrack_common::{EndpointState, FlowSide, HistoryString, TcpInfo};

use super::endpoint::Endpoint;

/// What is remembered of one side for the sake of its letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Numbers of the last SYN, FIN and RST, from the start of the stream.
    pub(super) syn: u32,
    pub(super) fin: u32,
    pub(super) rst: u32,
    /// How often there was a reason for a letter that is not written each time.
    pub(super) retransmissions: u32,
    pub(super) zero_windows: u32,
    pub(super) gaps: u32,
}

/// The letters of the flags and the payload: S, H, F, R, D, A, and I and Q for flags that contradict
/// each other.
pub(super) fn write_flags(
    endpoint: &mut Endpoint,
    side: FlowSide,
    info: &TcpInfo,
    history: &mut HistoryString,
) {
    let flags = info.flags;
    let number = endpoint.stream.relative(info.seq);
    let marks = &mut endpoint.marks;
    match (flags.syn(), flags.fin(), flags.rst()) {
        (_, true, true) => once(history, 'i', side),
        (true, true, _) | (true, _, true) => once(history, 'q', side),
        (true, false, false) => {
            let letter = if flags.ack() { 'h' } else { 's' };
            let seen = history.contains('s', side) || history.contains('h', side);
            again(history, letter, side, seen, number, &mut marks.syn);
        }
        (false, true, false) => {
            let seen = history.contains('f', side);
            let end = number.wrapping_add(info.payload_len);
            again(history, 'f', side, seen, end, &mut marks.fin);
        }
        (false, false, true) => {
            let seen = history.contains('r', side);
            again(history, 'r', side, seen, number, &mut marks.rst);
        }
        (false, false, false) if info.payload_len > 0 => once(history, 'd', side),
        (false, false, false) if flags.ack() => once(history, 'a', side),
        (false, false, false) => {}
    }
}

fn once(history: &mut HistoryString, letter: char, side: FlowSide) {
    history.push_once(letter, side);
}

/// A letter that is written again when its number is another one.
fn again(
    history: &mut HistoryString,
    letter: char,
    side: FlowSide,
    seen: bool,
    number: u32,
    last: &mut u32,
) {
    if !seen || number != *last {
        history.push(letter, side);
    }
    *last = number;
}

/// W: a window of zero, where a window matters.
pub(super) fn write_window(
    endpoint: &mut Endpoint,
    peer: &Endpoint,
    side: FlowSide,
    info: &TcpInfo,
    history: &mut HistoryString,
) {
    let matters = peer.state != EndpointState::Closed && endpoint.state != EndpointState::Reset;
    let zero = info.window == 0 && !info.flags.rst();
    if zero && matters {
        write_scaled('w', side, &mut endpoint.marks.zero_windows, history);
    }
}

/// T: payload that does not move the end of the stream.
pub(super) fn write_retransmission(marks: &mut Marks, side: FlowSide, history: &mut HistoryString) {
    write_scaled('t', side, &mut marks.retransmissions, history);
}

/// G: bytes that were acknowledged and not seen.
pub(super) fn write_gap(marks: &mut Marks, side: FlowSide, history: &mut HistoryString) {
    write_scaled('g', side, &mut marks.gaps, history);
}

fn write_scaled(letter: char, side: FlowSide, count: &mut u32, history: &mut HistoryString) {
    *count = count.saturating_add(1);
    history.push_scaled(letter, side, *count);
}
