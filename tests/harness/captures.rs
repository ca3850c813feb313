//! Recorded captures, which lie beside the repository.

use std::path::{Path, PathBuf};

/// The folder of all captures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures")
}

/// Whether there are captures; says so if there are none.
pub fn present() -> bool {
    let present = folder().is_dir();
    if !present {
        eprintln!("LEFT OUT: there are no captures in {}", folder().display());
    }
    present
}
