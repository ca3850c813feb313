//! Frames to inject, described field by field; lengths and checksums come out right.

mod bytes;

use std::net::{IpAddr, SocketAddr};

pub use bytes::checksum;

/// TCP flags.
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronises sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Aborts the connection.
    pub const RST: u8 = 0x04;
    /// Asks for delivery at once.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
}

/// Tag protocol of a customer VLAN (IEEE 802.1Q).
pub const VLAN: u16 = 0x8100;
/// Tag protocol of a service VLAN, the outer tag of QinQ (IEEE 802.1ad).
pub const SERVICE_VLAN: u16 = 0x88a8;

/// IPv6 extension header: hop-by-hop options.
pub const HOP_BY_HOP: u8 = 0;
/// IPv6 extension header: destination options.
pub const DESTINATION_OPTIONS: u8 = 60;

/// An IP packet in an Ethernet frame, to be refined step by step and then built.
#[derive(Clone, Debug)]
pub struct Frame {
    macs: [[u8; 6]; 2],
    tags: Vec<(u16, u16)>,
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    identification: u32,
    options: Vec<u8>,
    extensions: Vec<(u8, Vec<u8>)>,
    transport: Transport,
    payload: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Transport {
    Tcp {
        ports: [u16; 2],
        seq: u32,
        ack: u32,
        flags: u8,
        window: u16,
    },
    Udp {
        ports: [u16; 2],
    },
    Echo {
        reply: bool,
        identifier: u16,
        sequence: u16,
    },
}

impl Frame {
    /// A TCP segment with no flags, no payload and sequence number 0.
    ///
    /// Both addresses must be of the same family, here as in the other constructors.
    pub fn tcp(source: SocketAddr, destination: SocketAddr) -> Self {
        let ports = [source.port(), destination.port()];
        let transport = Transport::Tcp {
            ports,
            seq: 0,
            ack: 0,
            flags: 0,
            window: 65_535,
        };
        Self::new(source.ip(), destination.ip(), transport)
    }

    /// A UDP datagram without payload.
    pub fn udp(source: SocketAddr, destination: SocketAddr) -> Self {
        let ports = [source.port(), destination.port()];
        Self::new(source.ip(), destination.ip(), Transport::Udp { ports })
    }

    /// An ICMP or ICMPv6 echo request.
    pub fn echo_request(
        source: IpAddr,
        destination: IpAddr,
        identifier: u16,
        sequence: u16,
    ) -> Self {
        let transport = Transport::Echo {
            reply: false,
            identifier,
            sequence,
        };
        Self::new(source, destination, transport)
    }

    /// An ICMP or ICMPv6 echo reply.
    pub fn echo_reply(source: IpAddr, destination: IpAddr, identifier: u16, sequence: u16) -> Self {
        let transport = Transport::Echo {
            reply: true,
            identifier,
            sequence,
        };
        Self::new(source, destination, transport)
    }

    fn new(source: IpAddr, destination: IpAddr, transport: Transport) -> Self {
        Self {
            // Locally administered.
            macs: [[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]],
            tags: Vec::new(),
            source,
            destination,
            ttl: 64,
            identification: 0,
            options: Vec::new(),
            extensions: Vec::new(),
            transport,
            payload: Vec::new(),
        }
    }

    /// MAC addresses; the default is a pair of locally administered ones.
    #[must_use]
    pub fn macs(mut self, source: [u8; 6], destination: [u8; 6]) -> Self {
        self.macs = [destination, source];
        self
    }

    /// One more VLAN tag, inside of those before it.
    #[must_use]
    pub fn tag(mut self, protocol: u16, vlan: u16) -> Self {
        self.tags.push((protocol, vlan));
        self
    }

    /// TTL or hop limit; the default is 64.
    #[must_use]
    pub fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    /// Identification of the packet that fragments belong to.
    #[must_use]
    pub fn identification(mut self, identification: u32) -> Self {
        self.identification = identification;
        self
    }

    /// IPv4 options, padded with zeros to a multiple of 4 bytes; at most 40 bytes.
    #[must_use]
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self.options.resize(options.len().next_multiple_of(4), 0);
        self
    }

    /// One more IPv6 extension header: its number, and what follows its next-header and length
    /// fields, padded with zeros to a multiple of 8 bytes in all.
    #[must_use]
    pub fn extension(mut self, header: u8, body: &[u8]) -> Self {
        let mut body = body.to_vec();
        body.resize((body.len() + 2).next_multiple_of(8) - 2, 0);
        self.extensions.push((header, body));
        self
    }

    /// TCP flags, see [`flag`].
    #[must_use]
    pub fn flags(mut self, new: u8) -> Self {
        if let Transport::Tcp { flags, .. } = &mut self.transport {
            *flags = new;
        }
        self
    }

    /// TCP sequence and acknowledgement number.
    #[must_use]
    pub fn numbers(mut self, new_seq: u32, new_ack: u32) -> Self {
        if let Transport::Tcp { seq, ack, .. } = &mut self.transport {
            (*seq, *ack) = (new_seq, new_ack);
        }
        self
    }

    /// TCP window; the default is 65,535.
    #[must_use]
    pub fn window(mut self, new: u16) -> Self {
        if let Transport::Tcp { window, .. } = &mut self.transport {
            *window = new;
        }
        self
    }

    /// What comes after the transport header.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }
}
