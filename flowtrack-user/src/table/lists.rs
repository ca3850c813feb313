//! Records in lists, each in the order of last use. The links are in the records.
#![forbid(unsafe_code)]

use super::{NIL, SlotId};

/// Lists that a table can have: as many as there are bits in the mask of those in use.
pub(super) const MAX_LISTS: usize = 128;

/// A flow in a [`RecordTable`](super::RecordTable), which keeps its place in a list in it.
pub trait Record: Copy {
    /// The neighbours in the list, as last set.
    fn links(&self) -> Links;

    /// Keeps the neighbours in the list.
    fn set_links(&mut self, links: Links);

    /// The list that the record is in, as last set. None: there is no flow.
    fn list(&self) -> Option<u8>;

    /// Keeps the list that the record is in.
    fn set_list(&mut self, list: Option<u8>);
}

/// The neighbours of a record in its list: slots, or `u32::MAX` at the ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Used just before.
    pub older: u32,
    /// Used just after.
    pub newer: u32,
}

#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
    len: u32,
}

/// The ends of the lists.
#[derive(Debug)]
pub(super) struct Lists<const LISTS: usize> {
    lists: [List; LISTS],
    /// A bit for each list that is not empty.
    used: u128,
}

impl<const LISTS: usize> Lists<LISTS> {
    pub(super) const EMPTY: Self = {
        assert!(LISTS > 0 && LISTS <= MAX_LISTS);
        let list = List {
            oldest: NIL,
            newest: NIL,
            len: 0,
        };
        Self {
            lists: [list; LISTS],
            used: 0,
        }
    };

    pub(super) fn len(&self, list: usize) -> usize {
        self.lists.get(list).map_or(0, |list| list.len as usize)
    }

    pub(super) fn oldest(&self, list: usize) -> Option<SlotId> {
        let oldest = self.lists.get(list)?.oldest;
        (oldest != NIL).then_some(SlotId(oldest))
    }

    #[inline]
    pub(super) fn is_newest(&self, list: usize, SlotId(id): SlotId) -> bool {
        self.lists.get(list).is_some_and(|list| list.newest == id)
    }

    /// The lists with a record, in ascending order.
    #[inline]
    pub(super) fn used(&self) -> impl Iterator<Item = usize> + use<LISTS> {
        let mut used = self.used;
        std::iter::from_fn(move || {
            let lowest = (used != 0).then_some(used.trailing_zeros() as usize)?;
            used &= used - 1;
            Some(lowest)
        })
    }

    /// Puts the record at `id`, which is in no list, at the end of `list`, or of the last one if there
    /// is no such list.
    pub(super) fn append<R: Record>(&mut self, records: &mut [R], id: u32, list: usize) {
        let list = list.min(LISTS - 1);
        let (Some(ends), Ok(number)) = (self.lists.get_mut(list), u8::try_from(list)) else {
            return;
        };
        self.used |= 1 << list;
        ends.len += 1;
        let older = std::mem::replace(&mut ends.newest, id);
        if older == NIL {
            ends.oldest = id;
        }
        set_newer(records, older, id);
        if let Some(record) = records.get_mut(id as usize) {
            record.set_list(Some(number));
            record.set_links(Links { older, newer: NIL });
        }
    }

    /// Takes the record at `id` out of its list. The record itself still says where it was.
    pub(super) fn unlink<R: Record>(&mut self, records: &mut [R], id: u32) {
        let Some(record) = records.get(id as usize) else {
            return;
        };
        let (Links { older, newer }, Some(list)) = (record.links(), record.list()) else {
            return;
        };
        let Some(ends) = self.lists.get_mut(usize::from(list)) else {
            return;
        };
        ends.len -= 1;
        if ends.oldest == id {
            ends.oldest = newer;
        }
        if ends.newest == id {
            ends.newest = older;
        }
        if ends.len == 0 {
            self.used &= !(1 << list);
        }
        set_newer(records, older, newer);
        set_older(records, newer, older);
    }
}

fn set_newer<R: Record>(records: &mut [R], id: u32, newer: u32) {
    if let Some(record) = records.get_mut(id as usize) {
        let links = record.links();
        record.set_links(Links { newer, ..links });
    }
}

fn set_older<R: Record>(records: &mut [R], id: u32, older: u32) {
    if let Some(record) = records.get_mut(id as usize) {
        let links = record.links();
        record.set_links(Links { older, ..links });
    }
}
