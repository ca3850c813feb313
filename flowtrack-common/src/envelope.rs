//! What a packet was wrapped in on its way: VLAN tags and tunnels.

use core::{fmt, net::IpAddr};

/// VLAN identifiers of a frame, the outermost first. Tags beyond the second are not kept; 0 stands
/// for a tag that only carries a priority, and for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanStack(pub [u16; 2]);

impl VlanStack {
    /// Whether there is no identifier.
    pub const fn is_empty(self) -> bool {
        self.0[0] == 0 && self.0[1] == 0
    }

    /// Adds the identifier of the next tag, if there is room.
    pub const fn push(&mut self, id: u16) {
        if self.0[0] == 0 {
            self.0[0] = id;
        } else if self.0[1] == 0 {
            self.0[1] = id;
        }
    }
}

/// Kinds of tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// IPv4 or IPv6 straight in IP: IP-in-IP (RFC 2003), 6in4 (RFC 4213) and their like (RFC 2473).
    IpInIp,
    /// GRE (RFC 2784, RFC 2890) with IP, Ethernet or PPP inside.
    Gre,
    /// ERSPAN type I, II or III: mirrored Ethernet frames in GRE.
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    Gtpu,
    /// Teredo (RFC 4380).
    Teredo,
    /// AYIYA (draft-massar-v6ops-ayiya).
    Ayiya,
}

impl TunnelKind {
    /// Name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IpInIp => "ip",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gtpu => "gtpu",
            Self::Teredo => "teredo",
            Self::Ayiya => "ayiya",
        }
    }
}

impl fmt::Display for TunnelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which tunnel a packet was in, without its end points: what can be part of a key.
///
/// The identifier is the VNI of VXLAN and Geneve, the TEID of GTP-U, the key of GRE, the session of
/// ERSPAN, and 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelId {
    /// Kind of the tunnel.
    pub kind: TunnelKind,
    /// Its identifier.
    pub id: u32,
}

/// A tunnel with its end points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// Kind and identifier.
    pub id: TunnelId,
    /// Who sent the outer packet.
    pub src: IpAddr,
    /// Who it was sent to.
    pub dst: IpAddr,
}

/// What a packet was wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// VLAN tags right around the packet.
    pub vlans: VlanStack,
    /// The tunnel right around the packet.
    pub tunnel: Option<Tunnel>,
    /// Tunnels around the packet.
    pub depth: u8,
    /// The packet is itself the outside of a tunnel, and what was inside is counted in flows of its
    /// own.
    pub carries: bool,
}
