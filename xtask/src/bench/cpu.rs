//! How long a command keeps processors busy.

use std::{fs, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::exec::Cmd;

/// Where the kernel tells the times of children that have ended, in ticks.
const STAT: &str = "/proc/self/stat";
/// `USER_HZ` of all Linux systems that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of a command and of its children. What it prints is thrown away.
pub(super) fn time(command: &Cmd) -> Result<Duration> {
    let before = of_children()?;
    let status = command
        .command()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| command.cannot_start())?;
    ensure!(status.success(), "`{command}` failed: {status}");
    Ok(of_children()?.saturating_sub(before))
}

fn of_children() -> Result<Duration> {
    let stat = fs::read_to_string(STAT).with_context(|| format!("cannot read {STAT}"))?;
    parse(&stat).with_context(|| format!("unexpected content of {STAT}: {stat}"))
}

/// `cutime` and `cstime`, fields 16 and 17 of proc_pid_stat(5). The name of the program, field 2, is in
/// parentheses and may have anything in it.
fn parse(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, time};
    use crate::exec::Cmd;

    #[test]
    fn times_of_children_stand_behind_any_name() {
        let stat = "7 (a ) b) R 1 7 7 0 -1 4194304 95 0 0 0 1 2 30 4 20 0 1 0 0 0 0";
        assert_eq!(parse(stat), Some(Duration::from_millis(340)));
        assert_eq!(parse("7 (a) R 1"), None);
    }

    #[test]
    fn a_command_that_fails_has_no_time() {
        assert!(time(&Cmd::line("false")).is_err());
    }
}
