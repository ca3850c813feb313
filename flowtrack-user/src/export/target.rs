//! Where an output goes, as it is named.

use std::{
    fmt, fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file; one that is there is replaced.
    File(PathBuf),
}

/// An output could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The kernel says no.
    #[error("cannot write to {target}")]
    Io {
        /// The output.
        target: Target,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// It would be overwritten.
    #[error("cannot write to {0}: it is being written by another process; name another file")]
    Locked(Target),
}

impl From<&Path> for Target {
    fn from(path: &Path) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdout
        } else {
            Self::File(path.to_owned())
        }
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self::from(Path::new(text))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.pad("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Target {
    /// A path that leads to it.
    pub fn path(&self) -> &Path {
        match self {
            Self::Stdout => Path::new("/dev/stdout"),
            Self::File(path) => path,
        }
    }

    /// Whether it is a pipe: opening one may wait for its reader.
    pub fn is_pipe(&self) -> bool {
        fs::metadata(self.path()).is_ok_and(|metadata| metadata.file_type().is_fifo())
    }
}

/// Whether two paths lead to the same regular file or pipe, so that writing to both would mix them
/// up. A device is no such thing: whoever names a terminal or /dev/null twice means it.
pub fn same_file(a: &Path, b: &Path) -> bool {
    let id = |path| {
        let metadata = fs::metadata(path).ok()?;
        let ours = metadata.is_file() || metadata.file_type().is_fifo();
        ours.then(|| (metadata.dev(), metadata.ino()))
    };
    id(a).is_some_and(|a| id(b) == Some(a))
}
