//! RSS settings that were changed, kept in files until they are restored: a process that is killed leaves
//! them to the next one.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    process,
};

use serde::{Deserialize, Serialize};

use crate::sys::ethtool::rss::{HashFunction, Rss, Symmetry};

/// Where the files are, the first one that can be written to. Only root can write to either.
const FOLDERS: [&str; 2] = ["/run/flowtrack", "/var/lib/flowtrack"];

/// What has to be the same for settings to be restored: names and numbers of interfaces mean nothing after
/// another boot, or in another network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Host {
    boot: String,
    namespace: u64,
}

/// An interface, and what its RSS was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved {
    host: Host,
    pub(super) interface: String,
    pub(super) index: u32,
    function: u8,
    symmetry: u8,
    key: Vec<u8>,
}

/// Files of settings that were changed.
#[derive(Clone, Debug)]
pub(super) struct State {
    folder: PathBuf,
    host: Host,
}

/// A file. It is locked for as long as the process lives that has changed the settings.
#[derive(Debug)]
pub(super) struct Entry {
    path: PathBuf,
    _locked: File,
}

impl Host {
    fn here() -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        Ok(Self {
            boot: boot.trim_end().to_owned(),
            namespace: fs::metadata("/proc/thread-self/ns/net")?.ino(),
        })
    }
}

impl Saved {
    /// What has to be set to restore it. The table was not changed.
    pub(super) fn rss(&self) -> Rss {
        Rss {
            function: HashFunction::from_bits(self.function),
            key: self.key.clone(),
            table: Vec::new(),
            symmetry: Symmetry::from_bits(self.symmetry),
        }
    }
}

impl State {
    /// The files of this host.
    pub(super) fn here() -> io::Result<Self> {
        let host = Host::here()?;
        let mut tried = Err(io::ErrorKind::NotFound.into());
        for folder in FOLDERS {
            tried = Self::in_folder(Path::new(folder), host.clone());
            if tried.is_ok() {
                break;
            }
        }
        tried
    }

    /// Files of this host in another folder.
    #[cfg(test)]
    pub(super) fn for_tests(folder: &Path) -> Self {
        Self::in_folder(folder, Host::here().unwrap()).unwrap()
    }

    fn in_folder(folder: &Path, host: Host) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)?;
        let folder = folder.to_owned();
        Ok(Self { folder, host })
    }

    /// Keeps the settings of an interface.
    pub(super) fn save(
        &self,
        interface: &str,
        index: u32,
        rss: &Rss,
    ) -> io::Result<(Saved, Entry)> {
        let path = self.folder.join(format!("rss-{interface}.json"));
        if path.exists() {
            let message = format!("{} is there already", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let saved = Saved {
            host: self.host.clone(),
            interface: interface.to_owned(),
            index,
            function: rss.function.bits(),
            symmetry: rss.symmetry.bits(),
            key: rss.key.clone(),
        };
        // Nobody sees it before it is locked and whole.
        let draft = self
            .folder
            .join(format!(".rss-{interface}.{}", process::id()));
        let mut file = File::create(&draft)?;
        file.lock()?;
        let written = serde_json::to_vec(&saved)
            .map_err(io::Error::from)
            .and_then(|bytes| file.write_all(&bytes))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = written {
            // What could not be written may not be there either.
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
        let entry = Entry {
            path,
            _locked: file,
        };
        Ok((saved, entry))
    }

    /// Settings that processes which are gone have not restored. Files of another boot are removed.
    pub(super) fn leftovers(&self) -> Vec<(Saved, Entry)> {
        let Ok(files) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let names = files.flatten().map(|file| file.path());
        names.filter_map(|path| self.leftover(path)).collect()
    }

    fn leftover(&self, path: PathBuf) -> Option<(Saved, Entry)> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("rss-")?.strip_suffix(".json")?;
        let file = File::open(&path).ok()?;
        // It belongs to a process that lives.
        file.try_lock().ok()?;
        let text = fs::read(&path).ok()?;
        let entry = Entry {
            path,
            _locked: file,
        };
        let Ok(saved) = serde_json::from_slice::<Saved>(&text) else {
            entry.remove();
            return None;
        };
        if saved.host.boot != self.host.boot {
            entry.remove();
            return None;
        }
        (saved.host == self.host).then_some((saved, entry))
    }
}

impl Entry {
    /// Removes the file: the settings are restored, or there is nothing any more to restore them on.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rss() -> Rss {
        Rss {
            function: HashFunction::Toeplitz,
            key: (0..52).collect(),
            table: vec![1, 2, 3],
            symmetry: Symmetry::None,
        }
    }

    #[test]
    fn what_a_process_that_is_gone_has_changed_can_be_restored() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::for_tests(folder.path());
        let (saved, entry) = state.save("eth0", 7, &rss()).unwrap();
        assert!(folder.path().join("rss-eth0.json").exists());
        assert!(state.leftovers().is_empty(), "its process lives");
        assert!(
            state.save("eth0", 7, &rss()).is_err(),
            "it has been changed"
        );
        // As when it is killed: the file stays, the lock does not.
        drop(entry);
        let (again, entry) = state.leftovers().pop().unwrap();
        assert_eq!(again, saved);
        let expected = Rss {
            table: Vec::new(),
            ..rss()
        };
        assert_eq!((again.rss(), again.index), (expected, 7));
        entry.remove();
        assert!(state.leftovers().is_empty());
    }

    #[test]
    fn another_boot_is_forgotten_and_another_namespace_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let here = State::for_tests(folder.path());
        let path = folder.path().join("rss-eth0.json");
        let mut elsewhere = here.clone();
        elsewhere.host.namespace += 1;
        drop(elsewhere.save("eth0", 7, &rss()).unwrap());
        assert!(here.leftovers().is_empty());
        assert!(path.exists(), "who lives there may restore it");
        fs::remove_file(&path).unwrap();
        let mut before = here.clone();
        before.host.boot.push('x');
        drop(before.save("eth0", 7, &rss()).unwrap());
        assert!(here.leftovers().is_empty());
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_is_none_of_ours_or_no_settings_restores_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::for_tests(folder.path());
        for name in ["rss-eth0.json", "notes.json"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        assert!(state.leftovers().is_empty());
        assert!(!folder.path().join("rss-eth0.json").exists());
        assert!(folder.path().join("notes.json").exists());
    }
}
