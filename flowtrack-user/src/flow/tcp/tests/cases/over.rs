//! Connections that are reset, and segments that come late.

use super::{
    super::script::{Segment, c, close, open_then, s},
    CLOSE, Case, Established, FIN, FinWait, FlowState, RST, Reset, SynReceived, case,
};

/// One side sends a RST.
pub(super) fn resets() -> Vec<Case> {
    const RESET: &[FlowState] = &[SynReceived, Established, Reset];
    vec![
        case(
            "reset by the client",
            &open_then(&[c("R", 1, 0, 0)]),
            "ShAR",
            RESET,
            RST,
        ),
        case(
            "reset by the server",
            &open_then(&[c("PA", 1, 1, 9), s("RA", 1, 10, 0)]),
            "ShADr",
            RESET,
            RST,
        ),
        case(
            "reset while it is closing",
            &open_then(&[c("FA", 1, 1, 0), s("R", 1, 0, 0)]),
            "ShAFr",
            &[SynReceived, Established, FinWait, Reset],
            RST,
        ),
        case(
            "joined mid-stream, reset",
            &[c("A", 1000, 2000, 0), s("R", 2000, 0, 0)],
            "Ar",
            &[Reset],
            RST,
        ),
        case("a reset alone", &[c("R", 1000, 0, 0)], "R", &[Reset], RST),
        case(
            "a second reset",
            &open_then(&[c("R", 1, 0, 0), c("R", 1, 0, 0), s("R", 1, 0, 0)]),
            "ShARr",
            RESET,
            RST,
        ),
    ]
}

/// Segments that come when all is over.
pub(super) fn stragglers() -> Vec<Case> {
    let closed_then = |rest: &[Segment]| [open_then(&close()).as_slice(), rest].concat();
    vec![
        case(
            "the last ACK again",
            &closed_then(&[c("A", 2, 2, 0)]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
        case(
            "a FIN again after the close",
            &closed_then(&[s("FA", 1, 2, 0), c("A", 2, 2, 0)]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
        case(
            "a reset after the close",
            &closed_then(&[c("R", 2, 0, 0)]),
            "ShAFfR",
            CLOSE,
            FIN,
        ),
        case(
            "the SYN again after the close",
            &closed_then(&[c("S", 0, 0, 0)]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
    ]
}
