//! Connections that are closed by FINs.

use super::{
    super::script::{c, open_then, s},
    CLOSE, Case, Closed, ClosingTcp, Established, FIN, FinWait, OPEN, SynReceived, case,
};

/// Both sides close, in one order or another.
pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "clean close after data of both sides",
            &open_then(&[
                c("PA", 1, 1, 100),
                s("A", 1, 101, 0),
                s("PA", 1, 101, 200),
                c("FA", 101, 201, 0),
                s("FA", 201, 102, 0),
                c("A", 102, 202, 0),
            ]),
            "ShADadFf",
            CLOSE,
            FIN,
        ),
        case(
            "half close, and data for a while",
            &open_then(&[
                c("FA", 1, 1, 0),
                s("A", 1, 2, 0),
                s("PA", 1, 2, 500),
                c("A", 2, 501, 0),
                s("FA", 501, 2, 0),
                c("A", 2, 502, 0),
            ]),
            "ShAFadf",
            CLOSE,
            FIN,
        ),
        case(
            "the server closes first",
            &open_then(&[s("FA", 1, 1, 0), c("FA", 1, 2, 0), s("A", 2, 2, 0)]),
            "ShAfFa",
            CLOSE,
            FIN,
        ),
        case(
            "simultaneous close",
            &open_then(&[
                c("FA", 1, 1, 0),
                s("FA", 1, 1, 0),
                c("A", 2, 2, 0),
                s("A", 2, 2, 0),
            ]),
            "ShAFfa",
            CLOSE,
            FIN,
        ),
    ]
}

/// Segments are missing, come twice, or do two things at once.
pub(super) fn odd_cases() -> Vec<Case> {
    vec![
        case(
            "FIN sent again by the same side",
            &open_then(&[
                c("FA", 1, 1, 0),
                c("FA", 1, 1, 0),
                s("FA", 1, 2, 0),
                c("A", 2, 2, 0),
            ]),
            "ShAFf",
            CLOSE,
            FIN,
        ),
        case(
            "one side never closes",
            &open_then(&[c("FA", 1, 1, 0), c("FA", 1, 1, 0), s("A", 1, 2, 0)]),
            "ShAFa",
            &[SynReceived, Established, FinWait],
            OPEN,
        ),
        case(
            "the last FIN is not acknowledged",
            &open_then(&[c("FA", 1, 1, 0), s("FA", 1, 2, 0)]),
            "ShAFf",
            &[SynReceived, Established, FinWait, ClosingTcp],
            OPEN,
        ),
        case(
            "FIN with data, and the data sent again",
            &open_then(&[
                c("FA", 1, 1, 10),
                c("FA", 1, 1, 10),
                s("FA", 1, 12, 0),
                c("A", 12, 2, 0),
            ]),
            "ShAFTf",
            CLOSE,
            FIN,
        ),
        case(
            "FIN in the last segment of the handshake",
            &[
                c("S", 0, 0, 0),
                s("SA", 0, 1, 0),
                c("FA", 1, 1, 0),
                s("FA", 1, 2, 0),
                c("A", 2, 2, 0),
            ],
            "ShFfA",
            &[SynReceived, Established, ClosingTcp, Closed],
            FIN,
        ),
        case(
            "joined mid-stream, closed by FIN, FIN, ACK",
            &[
                c("PA", 1000, 2000, 10),
                c("FA", 1010, 2000, 0),
                s("FA", 2000, 1011, 0),
                c("A", 1011, 2001, 0),
            ],
            "DFfA",
            &[FinWait, ClosingTcp, Closed],
            FIN,
        ),
    ]
}
