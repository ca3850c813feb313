//! Flows of one's own: who asks whom for its Ethernet address, and whether there is an answer. Each
//! pair of hosts that talk ARP (RFC 826) is a flow: `cargo run --example own_extractor FILE`.

use std::{env, error::Error, net::Ipv4Addr, ops::ControlFlow, path::Path};

use flowtrack::{
    capture::pcap::CaptureFile,
    common::{
        Defects, Envelope, Extracted, FlowEvent, FlowExtractor, FlowKey, Frame, LinkType,
        Orientation,
    },
    flow::FlowDriver,
};

/// Two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Hosts {
    sender: Ipv4Addr,
    target: Ipv4Addr,
}

impl FlowKey for Hosts {
    fn reversed(self) -> Self {
        Self {
            sender: self.target,
            target: self.sender,
        }
    }
}

/// Finds the hosts in ARP packets.
struct ArpExtractor;

impl FlowExtractor for ArpExtractor {
    type Key = Hosts;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<Hosts>> {
        if frame.link != LinkType::ETHERNET {
            return None;
        }
        // Nothing of a frame can be taken for granted: each field is there or not.
        let (ethernet, arp) = frame.bytes.split_first_chunk::<14>()?;
        let (&[.., 0x08, 0x06], Some(arp)) = (ethernet, arp.first_chunk::<28>()) else {
            return None;
        };
        let host = |at| Some(Ipv4Addr::from(*arp.get(at..)?.first_chunk::<4>()?));
        let key = Hosts {
            sender: host(14)?,
            target: host(24)?,
        };
        // Both directions give the same key: that with the smaller address first.
        let (key, orientation) = if key.sender <= key.target {
            (key, Orientation::Forward)
        } else {
            (key.reversed(), Orientation::Reverse)
        };
        Some(Extracted {
            key,
            orientation,
            l4: None,
            tcp: None,
            wire_len: frame.wire_len,
            ip_len: 0,
            payload_len: 0,
            ttl: 0,
            truncated: false,
            defects: Defects::NONE,
            envelope: Envelope::default(),
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: own_extractor FILE")?;
    let mut driver = FlowDriver::new(ArpExtractor);
    let mut events: Vec<FlowEvent<Hosts>> = Vec::new();
    CaptureFile::open(Path::new(&path))?.read(|frame| {
        driver.frame(frame, &mut events);
        ControlFlow::Continue(())
    })?;
    driver.finish(&mut events);
    for event in events {
        if let FlowEvent::Ended { key, stats, .. } = event {
            let Hosts { sender, target } = key;
            let (asked, answered) = (stats.initiator.packets, stats.responder.packets);
            println!("{sender} asked {target}: {asked} sent, {answered} back");
        }
    }
    println!("{} other frames", driver.unmatched());
    Ok(())
}
