//! Where the ledger goes at the end of a run.

use std::io;

use anyhow::{Context, bail};
use flowtrack::{
    cli::SharedArgs,
    control::Ledger,
    export::{OutputFile, Target, same_file},
};

/// The file that was named for the ledger, if one was: whether it can be written is known before
/// anything is captured.
pub(crate) struct LedgerFile(Option<(Target, Option<OutputFile>)>);

impl LedgerFile {
    /// Opens it, and leaves what is in it.
    pub(crate) fn open(args: &SharedArgs) -> anyhow::Result<Self> {
        let Some(target) = args.ledger() else {
            return Ok(Self(None));
        };
        // Whoever reads a pipe may come to it only at the end, and opening it waits for that.
        let file = if target.is_pipe() {
            None
        } else {
            Some(OutputFile::open(&target)?)
        };
        for output in &args.outputs {
            if same_file(output.target.path(), target.path()) {
                bail!("{output} and the ledger are the same file: name one for each");
            }
        }
        Ok(Self(Some((target, file))))
    }

    /// Writes the ledger as JSON.
    pub(crate) fn write(self, ledger: &Ledger) -> anyhow::Result<()> {
        let Self(Some((target, file))) = self else {
            return Ok(());
        };
        let mut file = match file {
            Some(file) => file,
            None => OutputFile::open(&target)?,
        };
        let mut bytes = serde_json::to_vec_pretty(ledger)?;
        bytes.push(b'\n');
        let (_, result) = file.write(&bytes);
        match result {
            // The reader had enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.with_context(|| format!("cannot write the ledger to {target}")),
        }
    }
}
