//! Connections that are opened, or not.

use super::{
    super::script::{c, handshake, s},
    Aborted, Case, Established, OPEN, RST, SynReceived, case,
};

/// From the first segment to data.
pub(super) fn cases() -> Vec<Case> {
    let (syn, syn_ack) = (c("S", 0, 0, 0), s("SA", 0, 1, 0));
    vec![
        case("no answer", &[syn, syn], "S", &[], OPEN),
        case("answered", &[syn, syn_ack], "Sh", &[SynReceived], OPEN),
        case(
            "three-way handshake",
            &handshake(),
            "ShA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "all of it sent again",
            &[handshake(), handshake()].concat(),
            "ShA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "data in the last segment of the handshake",
            &[syn, syn_ack, c("PA", 1, 1, 50)],
            "ShD",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "the last segment of the handshake was not seen",
            &[syn, syn_ack, s("PA", 1, 1, 50)],
            "Shd",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "simultaneous open",
            &[
                syn,
                s("S", 0, 0, 0),
                c("SA", 0, 1, 0),
                s("SA", 0, 1, 0),
                c("A", 1, 1, 0),
            ],
            "SsA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "simultaneous open, the server goes on",
            &[syn, s("S", 0, 0, 0), c("SA", 0, 1, 0), s("A", 1, 1, 0)],
            "Ssa",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "from the SYN+ACK on",
            &handshake()[1..],
            "^hA",
            &[Established],
            OPEN,
        ),
    ]
}

/// Connections that are refused, or given up.
pub(super) fn refusals() -> Vec<Case> {
    let (syn, syn_ack) = (c("S", 0, 0, 0), s("SA", 0, 1, 0));
    vec![
        case("refused", &[syn, s("RA", 0, 1, 0)], "Sr", &[Aborted], RST),
        case(
            "given up after the answer",
            &[syn, syn_ack, c("R", 1, 0, 0)],
            "ShR",
            &[SynReceived, Aborted],
            RST,
        ),
        case(
            "refused, and answered when it was sent again",
            &[
                syn,
                s("RA", 0, 1, 0),
                syn,
                syn_ack,
                c("A", 1, 1, 0),
                c("PA", 1, 1, 9),
            ],
            "SrhAD",
            &[Aborted, SynReceived, Established],
            OPEN,
        ),
        case(
            "a challenge ACK of an older connection, which is then reset",
            &[
                syn,
                s("A", 500_000_000, 777_000_000, 0),
                c("R", 777_000_000, 0, 0),
                syn,
                syn_ack,
                c("A", 1, 1, 0),
            ],
            "SaRhA",
            &[SynReceived, Established],
            OPEN,
        ),
        case(
            "a challenge ACK of an older connection whose numbers are near",
            &[
                syn,
                s("A", 500_000_000, u32::MAX - 5000, 0),
                c("R", u32::MAX - 5000, 0, 0),
                syn,
                syn_ack,
                c("A", 1, 1, 0),
            ],
            "SaRhA",
            &[Aborted, SynReceived, Established],
            OPEN,
        ),
        case(
            "given up, the answer comes again",
            &[syn, syn_ack, c("R", 1, 0, 0), syn_ack],
            "ShR",
            &[SynReceived, Aborted],
            RST,
        ),
        case(
            "the answer was not seen",
            &[syn, s("PA", 1, 1, 9), c("A", 1, 10, 0)],
            "SdA",
            &[SynReceived, Established],
            OPEN,
        ),
        case("given up", &[syn, c("R", 1, 0, 0)], "SR", &[Aborted], RST),
    ]
}
