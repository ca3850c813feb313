//! The envelopes of live flows, by number.

use std::collections::HashMap;

use ahash::RandomState;
use flowtrack_common::Envelope;

/// Envelopes that have a number. A flow in another one is an extended flow.
const CAPACITY: usize = 4096;

/// Envelopes by number; 0 is that of a plain frame. Many flows have the same, so a number is enough for
/// each flow.
#[derive(Debug)]
pub(super) struct Envelopes {
    list: Vec<Envelope>,
    numbers: HashMap<Envelope, u16, RandomState>,
}

impl Envelopes {
    /// Only that of a plain frame. Memory for all is allocated here.
    pub(super) fn new() -> Self {
        let mut list = Vec::with_capacity(CAPACITY);
        list.push(Envelope::default());
        Self {
            list,
            numbers: HashMap::with_capacity_and_hasher(CAPACITY, RandomState::new()),
        }
    }

    /// The number of an envelope. `None` if there is none for it.
    #[inline]
    pub(super) fn number(&mut self, envelope: &Envelope) -> Option<u16> {
        if *envelope == Envelope::default() {
            return Some(0);
        }
        self.other(envelope)
    }

    fn other(&mut self, envelope: &Envelope) -> Option<u16> {
        if let Some(&number) = self.numbers.get(envelope) {
            return Some(number);
        }
        if self.list.len() >= CAPACITY {
            return None;
        }
        let number = u16::try_from(self.list.len()).ok()?;
        self.list.push(*envelope);
        self.numbers.insert(*envelope, number);
        Some(number)
    }

    /// The envelope of a number.
    #[inline]
    pub(super) fn get(&self, number: u16) -> Envelope {
        self.list
            .get(usize::from(number))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use flowtrack_common::VlanStack;

    use super::*;

    fn in_vlan(id: u16) -> Envelope {
        Envelope {
            vlans: VlanStack([id, 0]),
            ..Envelope::default()
        }
    }

    #[test]
    fn each_envelope_has_a_number_as_long_as_there_are_numbers() {
        let mut envelopes = Envelopes::new();
        let capacity = envelopes.numbers.capacity();
        for _ in 0..2 {
            for id in 0..4096 {
                let number = envelopes.number(&in_vlan(id));
                assert_eq!(number, Some(id));
                assert_eq!(envelopes.get(id), in_vlan(id));
            }
            assert_eq!(envelopes.number(&in_vlan(4096)), None);
        }
        assert_eq!(envelopes.numbers.capacity(), capacity);
    }
}
