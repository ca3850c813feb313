//! What was changed on a NIC is changed back.

use super::{
    nic::Nic,
    state::{Entry, Saved, State},
};

/// Restores the RSS of an interface when it is dropped.
#[derive(Debug)]
pub(super) struct Restore<N: Nic> {
    nic: N,
    saved: Saved,
    /// The interface of that name now; `None` if there is none.
    index: fn(&str) -> Option<u32>,
    /// None when it is done.
    entry: Option<Entry>,
}

impl<N: Nic> Restore<N> {
    pub(super) fn new(
        nic: N,
        (saved, entry): (Saved, Entry),
        index: fn(&str) -> Option<u32>,
    ) -> Self {
        Self {
            nic,
            saved,
            index,
            entry: Some(entry),
        }
    }
}

impl<N: Nic> Drop for Restore<N> {
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else {
            return;
        };
        let interface = &self.saved.interface;
        // Another one of that name has settings of its own.
        if (self.index)(interface) != Some(self.saved.index) {
            log::info!("{interface} is gone: nothing to restore of its RSS");
            entry.remove();
            return;
        }
        match self.nic.set_rss(&self.saved.rss()) {
            Ok(()) => {
                log::info!("RSS of {interface} is restored");
                entry.remove();
            }
            // The file stays for the next start.
            Err(error) => log::error!("cannot restore the RSS of {interface}: {error}"),
        }
    }
}

/// Restores what processes that are gone have left changed.
pub(super) fn leftovers<N: Nic>(
    state: &State,
    nic: impl Fn(&str) -> N,
    index: fn(&str) -> Option<u32>,
) {
    for (saved, entry) in state.leftovers() {
        log::info!(
            "an earlier run did not come to restore the RSS of {}",
            saved.interface
        );
        drop(Restore::new(nic(&saved.interface), (saved, entry), index));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::control::steering::nic::{fake::Fake, make_symmetric};

    const INDEX: u32 = 7;

    /// A NIC that was made symmetric, and what restores it.
    fn changed(folder: &Path, index: fn(&str) -> Option<u32>) -> (Fake, State, Restore<Fake>) {
        let nic = Fake::new(true, true);
        let state = State::for_tests(folder);
        let restore = make_symmetric(&nic, |rss| {
            let saved = state.save("eth0", INDEX, rss)?;
            Ok(Restore::new(nic.clone(), saved, index))
        });
        (nic.clone(), state, restore.unwrap().unwrap())
    }

    #[test]
    fn the_settings_from_before_are_restored_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let before = Fake::new(true, true).now();
        let (nic, state, restore) = changed(folder.path(), |_| Some(INDEX));
        assert_ne!(nic.now(), before);
        drop(restore);
        assert_eq!(nic.now(), before);
        assert!(state.leftovers().is_empty());
    }

    #[test]
    fn what_a_killed_process_has_changed_is_restored_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let (nic, state, mut restore) = changed(folder.path(), |_| Some(INDEX));
        // As by SIGKILL: nothing is restored, and the lock is gone.
        drop(restore.entry.take());
        drop(restore);
        leftovers(&state, |_| nic.clone(), |_| Some(INDEX));
        assert_eq!(nic.now(), Fake::new(true, true).now());
        assert!(state.leftovers().is_empty());
    }

    #[test]
    fn another_interface_of_that_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for index in [|_: &str| Some(INDEX + 1), |_: &str| None] {
            let (nic, state, restore) = changed(folder.path(), index);
            let changed = nic.now();
            drop(restore);
            assert_eq!(nic.now(), changed);
            assert!(state.leftovers().is_empty());
        }
    }

    #[test]
    fn a_driver_that_refuses_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let nic = Fake::new(false, false);
        let before = nic.now();
        let state = State::for_tests(folder.path());
        let refused = make_symmetric(&nic, |rss| {
            let saved = state.save("eth0", INDEX, rss)?;
            Ok(Restore::new(nic.clone(), saved, |_| Some(INDEX)))
        });
        assert!(refused.is_err());
        assert_eq!(nic.now(), before);
        assert!(!folder.path().join("rss-eth0.json").exists());
    }
}
