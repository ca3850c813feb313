//! The open end of an output: a file, a device, a pipe or standard output.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    os::fd::AsFd,
};

use super::{OpenError, Target};

/// An output that is open. A regular file is locked, and what was in it stays until there is
/// something to replace it with: a run that fails to start destroys nothing.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    /// A regular file that is ours: it can be emptied and cut.
    regular: bool,
    /// What was in it before is gone.
    emptied: bool,
    /// Bytes written.
    len: u64,
}

impl OutputFile {
    /// Opens `target` for writing.
    pub fn open(target: &Target) -> Result<Self, OpenError> {
        let (file, regular) = open(target).map_err(|source| OpenError::Io {
            target: target.clone(),
            source,
        })?;
        // A file system that knows no locks cannot be asked.
        if regular && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(OpenError::Locked(target.clone()));
        }
        Ok(Self::new(file, regular))
    }

    pub(super) fn new(file: File, regular: bool) -> Self {
        Self {
            file,
            regular,
            emptied: false,
            len: 0,
        }
    }

    /// Removes what a regular file had in it before, if that has not been done.
    pub fn empty(&mut self) -> io::Result<()> {
        if self.regular && !self.emptied {
            self.file.set_len(0)?;
            self.emptied = true;
        }
        Ok(())
    }

    /// Writes `bytes` and tells how many of them are out, and why not all.
    pub fn write(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        let result = self.empty().and_then(|()| {
            while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                match self.file.write(rest) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(more) => written += more,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        self.len += written as u64;
        (written, result)
    }

    /// Takes the last `excess` bytes back; tells whether writing can go on before them. It cannot
    /// where nothing can be taken back.
    pub fn take_back(&mut self, excess: usize) -> bool {
        self.len = self.len.saturating_sub(excess as u64);
        self.regular
            && self.file.set_len(self.len).is_ok()
            && self.file.seek(SeekFrom::Start(self.len)).is_ok()
    }
}

/// Opens `target`; tells whether it is a regular file that is ours.
fn open(target: &Target) -> io::Result<(File, bool)> {
    match target {
        // Without the buffer of the standard library, which would hide what became of the bytes.
        Target::Stdout => Ok((io::stdout().as_fd().try_clone_to_owned()?.into(), false)),
        Target::File(path) => {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let regular = file.metadata()?.is_file();
            Ok((file, regular))
        }
    }
}
