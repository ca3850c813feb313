//! The packets of a frame: the outermost, and those that tunnels carry.

use flowtrack_common::{Envelope, Frame, Tunnel};

use super::{
    Layer, Packet, Refusal, ip,
    link::{self, Protocol},
    straight, tunnel,
};

/// Packets that a frame can hold, as far as it is looked into.
pub const MAX_PACKETS: usize = tunnel::MAX_DEPTH as usize + 1;

/// The packets of a frame, the outermost first: each but the first came in a tunnel of the one before
/// it. It ends with the first one that is refused.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    /// Where the next packet is.
    ahead: Option<Inside<'a>>,
    /// The next packet, where it had to be parsed to tell whether the one before carries it.
    ready: Option<Result<Parsed<'a>, Refusal>>,
    /// The refused packet, if its flow is known.
    suspect: Option<Packet>,
    /// Checksums are looked at.
    verify: bool,
    /// Tunnels are looked into.
    tunnels: bool,
}

/// Where to look for a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside<'a> {
    pub(super) protocol: Protocol,
    pub(super) layer: Layer<'a>,
    /// The tunnel around it.
    pub(super) tunnel: Option<Tunnel>,
    /// Tunnels around it.
    pub(super) depth: u8,
}

/// A packet whose flow is known.
#[derive(Clone, Debug)]
pub(super) struct Parsed<'a> {
    pub(super) packet: Packet,
    /// Why it does not count in its flow.
    pub(super) fault: Option<Refusal>,
    /// Where the packet is that it carries.
    pub(super) inside: Option<Inside<'a>>,
}

/// The packets of `frame`.
pub fn packets<'a>(frame: &Frame<'a>) -> Packets<'a> {
    Packets {
        ahead: Some(Inside {
            protocol: Protocol::of(frame.link),
            layer: Layer::of(frame),
            tunnel: None,
            depth: 0,
        }),
        ready: None,
        suspect: None,
        verify: false,
        tunnels: true,
    }
}

/// The headers of the outermost packet of `frame`, or why there are none to attribute it by.
#[inline]
pub fn parse(frame: &Frame<'_>) -> Result<Packet, Refusal> {
    match straight::packet(frame) {
        Some(packet) => Ok(packet),
        None => outermost(frame),
    }
}

#[inline(never)]
fn outermost(frame: &Frame<'_>) -> Result<Packet, Refusal> {
    packets(frame).next().unwrap_or(Err(Refusal::NotIp))
}

impl Packets<'_> {
    /// Whether packets with a wrong checksum are refused, too. A checksum is verified if all that it is
    /// of was captured; that reads the whole payload.
    #[must_use]
    pub fn verified(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Whether tunnels are looked into, as they are unless told otherwise. Else there is one packet, and
    /// nothing is known of what it carries.
    #[must_use]
    pub fn with_tunnels(mut self, tunnels: bool) -> Self {
        self.tunnels = tunnels;
        self
    }

    /// The packet that was just refused, if its flow is known all the same: a TCP header length or a
    /// transport checksum is wrong. Its ports and addresses are as likely to be wrong as the rest.
    pub fn suspect(&self) -> Option<&Packet> {
        self.suspect.as_ref()
    }
}

impl Iterator for Packets<'_> {
    type Item = Result<Packet, Refusal>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let parsed = if self.ready.is_some() {
            self.ready.take()?
        } else {
            self.ahead.take()?.parse(self.verify)
        };
        let mut parsed = match parsed {
            Ok(parsed) => parsed,
            Err(refusal) => return Some(Err(refusal)),
        };
        if let Some(refusal) = parsed.fault {
            self.suspect = Some(parsed.packet);
            return Some(Err(refusal));
        }
        if let Some(inside) = parsed.inside.filter(|_| self.tunnels) {
            let inner = inside.parse(self.verify);
            parsed.packet.envelope.carries =
                inner.as_ref().is_ok_and(|inner| inner.fault.is_none());
            self.ready = Some(inner);
        }
        Some(Ok(parsed.packet))
    }
}

impl<'a> Inside<'a> {
    #[inline]
    fn parse(self, verify: bool) -> Result<Parsed<'a>, Refusal> {
        let found = link::find(self.protocol, self.layer)?;
        let envelope = Envelope {
            vlans: found.vlans,
            tunnel: self.tunnel,
            depth: self.depth,
            carries: false,
        };
        ip::parse(found.version, found.layer, envelope, verify)
    }
}
