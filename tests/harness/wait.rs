//! Waiting for a condition instead of for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

const PAUSE: Duration = Duration::from_millis(5);

/// Returns as soon as `predicate` holds; fails when it does not within `timeout`. `what` completes
/// the sentence "timed out waiting for ...".
pub fn wait_until(
    what: &str,
    timeout: Duration,
    mut predicate: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + timeout;
    while !predicate()? {
        ensure!(
            Instant::now() < deadline,
            "timed out after {timeout:?} waiting for {what}"
        );
        thread::sleep(PAUSE);
    }
    Ok(())
}
