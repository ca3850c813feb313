use std::path::PathBuf;

use anyhow::Result;
use flowtrack_tests::captures;
pub(crate) use flowtrack_tests::captures::present;

use crate::table::Table;

/// A folder of captures and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// Sound captures of real and made traffic.
    Open,
    /// Captures with broken packets.
    Malformed,
    /// Captures that were made to be broken, one defect each.
    Own,
}

impl Folder {
    pub(crate) const ALL: [Self; 3] = [Self::Open, Self::Malformed, Self::Own];

    /// Below the folder of all captures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Malformed => "malformed",
            Self::Own => "malformed/own",
        }
    }

    pub(crate) fn path(self) -> PathBuf {
        captures::folder().join(self.name())
    }

    /// One of its tables, for example `ORACLE.tsv`.
    pub(crate) fn table(self, name: &str) -> Result<Table> {
        Table::read(&self.path().join(name))
    }
}

/// A capture, written as its path below the folder of all captures.
pub(crate) fn capture(name: &str) -> PathBuf {
    captures::folder().join(name)
}
