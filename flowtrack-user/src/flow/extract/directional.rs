//! Each direction a flow of its own.

use flowtrack_common::{Extracted, FlowExtractor, FlowKey, Frame, Orientation};

/// The flows of another extractor, each direction for itself.
///
/// TCP is not followed: one direction alone does not tell how a connection goes. A flow ends by its
/// timeout, and all of its packets are the initiator's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directional<E>(pub E);

impl<E: FlowExtractor> FlowExtractor for Directional<E> {
    type Key = E::Key;

    fn extract(&mut self, frame: &Frame<'_>) -> Option<Extracted<E::Key>> {
        let packet = self.0.extract(frame)?;
        let key = match packet.orientation {
            Orientation::Forward => packet.key,
            Orientation::Reverse => packet.key.reversed(),
        };
        Some(Extracted {
            key,
            orientation: Orientation::Forward,
            tcp: None,
            ..packet
        })
    }
}
