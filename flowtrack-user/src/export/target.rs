//! Files and standard output.

use std::{
    fmt,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Bytes gathered before they are written.
const BUFFER_SIZE: usize = 1 << 16;

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
#[error("cannot write to {target}")]
pub struct OpenError {
    target: Target,
    #[source]
    source: io::Error,
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
    /// Opens it for writing.
    pub fn open(&self) -> Result<Box<dyn Write + Send>, OpenError> {
        match self {
            Self::Stdout => Ok(Box::new(BufWriter::with_capacity(
                BUFFER_SIZE,
                io::stdout(),
            ))),
            Self::File(path) => match File::create(path) {
                Ok(file) => Ok(Box::new(BufWriter::with_capacity(BUFFER_SIZE, file))),
                Err(source) => Err(OpenError {
                    target: self.clone(),
                    source,
                }),
            },
        }
    }
}
