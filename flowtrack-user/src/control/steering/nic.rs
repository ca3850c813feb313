//! Making the RSS of a NIC symmetric.

use std::io;

use super::toeplitz;
use crate::sys::ethtool::rss::{self, FlowType, HashFields, HashFunction, Rss, Symmetry};

/// What a driver is asked and told.
pub(super) trait Nic {
    /// How it spreads packets; `None` if it does not say.
    fn rss(&self) -> io::Result<Option<Rss>>;
    /// Sets that. What is empty stays as it is.
    fn set_rss(&self, rss: &Rss) -> io::Result<()>;
    /// What it hashes of such packets; `None` if it does not say.
    fn fields(&self, flow: FlowType) -> io::Result<Option<HashFields>>;
}

/// A NIC, by the name of its interface.
#[derive(Clone, Debug)]
pub(super) struct Ethtool(pub(super) String);

impl Nic for Ethtool {
    fn rss(&self) -> io::Result<Option<Rss>> {
        rss::read(&self.0)
    }

    fn set_rss(&self, rss: &Rss) -> io::Result<()> {
        rss::set(&self.0, rss)
    }

    fn fields(&self, flow: FlowType) -> io::Result<Option<HashFields>> {
        rss::hash_fields(&self.0, flow)
    }
}

/// The NIC cannot put both directions of each flow on one queue.
#[derive(Debug, thiserror::Error)]
pub(super) enum RssError {
    /// Nothing is known of it.
    #[error("the driver does not show how it spreads packets")]
    Unknown,
    /// No key and no transformation helps.
    #[error("the driver hashes fields of one direction only")]
    Fields,
    /// It was tried.
    #[error("the driver takes neither symmetric-xor nor a symmetric key")]
    Refused,
    /// The driver.
    #[error("cannot ask the driver how it spreads packets: {0}")]
    Ask(#[source] io::Error),
    /// The settings from before could not be kept safe.
    #[error("cannot save how the driver spreads packets, to restore it: {0}")]
    Save(#[source] io::Error),
}

/// Whether both directions of each flow go to one queue.
fn is_symmetric(rss: &Rss) -> bool {
    let by_key = rss.function == HashFunction::Toeplitz && toeplitz::is_symmetric(&rss.key);
    rss.symmetry.is_symmetric() || by_key
}

/// Settings that are symmetric, the best first. The table stays as it is: whatever it says, the same hash
/// goes to the same queue.
fn symmetric(before: &Rss) -> impl Iterator<Item = Rss> {
    let with = |symmetry, key| Rss {
        function: HashFunction::Toeplitz,
        key,
        table: Vec::new(),
        symmetry,
    };
    let by_key = (!before.key.is_empty())
        .then(|| with(Symmetry::None, toeplitz::symmetric_key(before.key.len())));
    [with(Symmetry::Xor, Vec::new())].into_iter().chain(by_key)
}

/// Makes it symmetric. `save` gets what it was before that is changed. Returns what `save` returned, or
/// `None` if it was symmetric already.
pub(super) fn make_symmetric<T>(
    nic: &impl Nic,
    save: impl FnOnce(&Rss) -> io::Result<T>,
) -> Result<Option<T>, RssError> {
    const FLOWS: [FlowType; 4] = [
        FlowType::TcpV4,
        FlowType::UdpV4,
        FlowType::TcpV6,
        FlowType::UdpV6,
    ];
    let before = nic.rss().map_err(RssError::Ask)?.ok_or(RssError::Unknown)?;
    for flow in FLOWS {
        let fields = nic.fields(flow).map_err(RssError::Ask)?;
        if fields.is_some_and(|fields| !fields.pairs()) {
            return Err(RssError::Fields);
        }
    }
    if is_symmetric(&before) {
        return Ok(None);
    }
    let saved = save(&before).map_err(RssError::Save)?;
    for rss in symmetric(&before) {
        // A driver may take what it does not do.
        let taken = nic.set_rss(&rss).and_then(|()| nic.rss());
        if let Ok(Some(now)) = taken
            && is_symmetric(&now)
        {
            return Ok(Some(saved));
        }
    }
    // What was saved restores it when it is dropped.
    drop(saved);
    Err(RssError::Refused)
}

#[cfg(test)]
pub(super) mod fake {
    //! A NIC that is none.

    use std::{cell::RefCell, rc::Rc};

    use super::*;

    /// What a driver can do.
    #[derive(Clone, Debug)]
    pub(crate) struct Fake {
        pub(crate) rss: Rc<RefCell<Option<Rss>>>,
        pub(crate) takes_xor: bool,
        pub(crate) takes_key: bool,
        /// It says that it has done what it has not.
        pub(crate) lies: bool,
        pub(crate) fields: Option<HashFields>,
    }

    impl Fake {
        /// A usual NIC: Toeplitz with a key of its own.
        pub(crate) fn new(takes_xor: bool, takes_key: bool) -> Self {
            let rss = Rss {
                function: HashFunction::Toeplitz,
                key: (0..40).collect(),
                table: vec![0, 1, 0, 1],
                symmetry: Symmetry::None,
            };
            Self {
                rss: Rc::new(RefCell::new(Some(rss))),
                takes_xor,
                takes_key,
                lies: false,
                fields: None,
            }
        }

        pub(crate) fn now(&self) -> Rss {
            self.rss.borrow().clone().unwrap()
        }
    }

    impl Nic for Fake {
        fn rss(&self) -> io::Result<Option<Rss>> {
            Ok(self.rss.borrow().clone())
        }

        fn set_rss(&self, rss: &Rss) -> io::Result<()> {
            if rss.symmetry != Symmetry::None && !self.takes_xor {
                return Err(io::ErrorKind::Unsupported.into());
            }
            let mut now = self.rss.borrow_mut();
            let now = now.as_mut().unwrap();
            if !rss.key.is_empty() && rss.key != now.key && !self.takes_key {
                return Err(io::ErrorKind::Unsupported.into());
            }
            if self.lies {
                return Ok(());
            }
            now.symmetry = rss.symmetry;
            now.function = rss.function;
            if !rss.key.is_empty() {
                now.key.clone_from(&rss.key);
            }
            assert!(rss.table.is_empty(), "it is nobody's business");
            Ok(())
        }

        fn fields(&self, _: FlowType) -> io::Result<Option<HashFields>> {
            Ok(self.fields)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fake::Fake, *};

    #[test]
    fn the_transformation_is_taken_where_the_driver_has_it_and_the_key_where_it_has_not() {
        let nic = Fake::new(true, true);
        let before = nic.now();
        let saved = make_symmetric(&nic, |rss| Ok(rss.clone())).unwrap();
        assert_eq!(
            saved,
            Some(before.clone()),
            "it is saved before it is changed"
        );
        let expected = Rss {
            symmetry: Symmetry::Xor,
            ..before.clone()
        };
        assert_eq!(nic.now(), expected);

        let nic = Fake::new(false, true);
        make_symmetric(&nic, |_| Ok(())).unwrap();
        assert!(toeplitz::is_symmetric(&nic.now().key));
        assert_eq!(nic.now().table, before.table);
    }

    #[test]
    fn what_is_symmetric_is_left_alone() {
        let nic = Fake::new(true, true);
        make_symmetric(&nic, |_| Ok(())).unwrap();
        let before = nic.now();
        let saved = make_symmetric(&nic, |_| -> io::Result<()> { panic!("nothing to save") });
        assert_eq!(saved.unwrap(), None);
        assert_eq!(nic.now(), before);
    }

    #[test]
    fn a_driver_that_cannot_do_it_says_why() {
        let reason = |nic: &Fake| make_symmetric(nic, |_| Ok(())).unwrap_err().to_string();
        let refuses = reason(&Fake::new(false, false));
        assert!(refuses.contains("neither"), "{refuses}");
        let lies = reason(&Fake {
            lies: true,
            ..Fake::new(true, true)
        });
        assert!(lies.contains("neither"), "{lies}");
        let silent = Fake::new(true, true);
        silent.rss.replace(None);
        assert!(reason(&silent).contains("does not show"));
    }

    #[test]
    fn what_cannot_be_saved_is_not_changed() {
        let nic = Fake::new(true, true);
        let before = nic.now();
        let failed = make_symmetric(&nic, |_| -> io::Result<()> {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        });
        assert!(matches!(failed, Err(RssError::Save(_))));
        assert_eq!(nic.now(), before);
    }
}
