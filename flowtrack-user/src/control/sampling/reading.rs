//! Sampling of captures, as the XDP program does it.

use flowtrack_common::{
    Frame, LinkType,
    abi::SAMPLED_DATAGRAMS,
    flow_hash::{Datagrams, Flow},
};

use crate::{control::Counted, flow::SampleRate, wire};

/// Decides about frames by the hash of their flow.
pub(in crate::control) struct Sampler {
    bound: u32,
    key: u32,
    datagrams: Remembered,
    sampled_out: Counted,
}

/// Datagrams that were seen, each in the place that its name has; a later one takes the place of an
/// earlier one.
struct Remembered(Vec<(u64, u32)>);

impl Sampler {
    /// For one flow in so many.
    pub(in crate::control) fn new(rate: SampleRate, key: u32) -> Self {
        let places = if rate == SampleRate::ALL {
            0
        } else {
            SAMPLED_DATAGRAMS as usize
        };
        Self {
            bound: rate.bound(),
            key,
            datagrams: Remembered(vec![(0, 0); places]),
            sampled_out: Counted::default(),
        }
    }

    /// Whether the flow of the frame is in the sample; counts it if it is not. What is not an IP packet
    /// has no flow, and is.
    pub(in crate::control) fn takes(&mut self, frame: &Frame<'_>) -> bool {
        if self.bound == 0 {
            return true;
        }
        let Some(flow) = flow(frame) else {
            return true;
        };
        let taken = flow.hash_whole(self.key, &mut self.datagrams) < self.bound;
        if !taken {
            self.sampled_out.packets += 1;
            self.sampled_out.bytes += u64::from(frame.wire_len);
        }
        taken
    }

    /// What it left out.
    pub(in crate::control) fn sampled_out(&self) -> Counted {
        self.sampled_out
    }
}

/// Ethernet as the XDP program knows it, which sees nothing else.
fn flow(frame: &Frame<'_>) -> Option<Flow> {
    if frame.link == LinkType::ETHERNET {
        Flow::of_frame(&frame.bytes)
    } else {
        Flow::of_ip(&frame.bytes, wire::ip_offset(frame)?)
    }
}

impl Remembered {
    fn place(&self, datagram: u64) -> usize {
        let places = self.0.len() as u64;
        let place = datagram.checked_rem(places).unwrap_or_default();
        usize::try_from(place).unwrap_or_default()
    }
}

impl Datagrams for Remembered {
    fn remember(&mut self, datagram: u64, hash: u32) {
        let place = self.place(datagram);
        if let Some(kept) = self.0.get_mut(place) {
            *kept = (datagram, hash);
        }
    }

    fn recall(&self, datagram: u64) -> Option<u32> {
        let (kept, hash) = self.0.get(self.place(datagram))?;
        (*kept == datagram).then_some(*hash)
    }
}
