//! What becomes of the files that are written to.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::{assert_says, flows, in_netns};
use crate::{
    probe::{Probe, flowtrack, run},
    protocols::wire,
};

/// Flows of the capture.
const FLOWS: usize = 2000;

/// A folder with a capture in it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Result<Self> {
        let desk = Self {
            folder: TempDir::new()?,
        };
        fs::write(desk.at("capture"), flows(FLOWS.try_into()?))?;
        Ok(desk)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// flowtrack, with the folder as its own.
    fn flowtrack(&self) -> Result<Command> {
        let mut command = Command::new(flowtrack()?);
        command.current_dir(&self.folder);
        Ok(command)
    }

    /// A shell in the folder that finds flowtrack in `$F`.
    fn shell(&self, script: &str) -> Result<(Option<i32>, String, String)> {
        let mut shell = Command::new("bash");
        shell.current_dir(&self.folder).env("F", flowtrack()?);
        run(&mut shell, &["-c", script])
    }

    fn lines(&self, name: &str) -> Result<usize> {
        let text = fs::read_to_string(self.at(name))?;
        for line in text.lines() {
            serde_json::from_str::<Value>(line).with_context(|| format!("not whole: {line}"))?;
        }
        Ok(text.lines().count())
    }

    /// What was sent and what has failed.
    fn output_of_ledger(&self, number: usize) -> Result<(usize, usize)> {
        let ledger: Value = serde_json::from_str(&fs::read_to_string(self.at("ledger"))?)?;
        let count = |name: &str| -> Result<usize> {
            let count = ledger["outputs"][number][name].as_u64();
            Ok(count.with_context(|| format!("{ledger:#}"))?.try_into()?)
        };
        Ok((count("sent")?, count("failed")?))
    }
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_file_is_not_written_over_itself() -> Result<()> {
    let desk = Desk::new()?;
    let capture = fs::read(desk.at("capture"))?;
    std::os::unix::fs::symlink("capture", desk.at("link"))?;
    let cases: [(&[&str], i32, &str); 6] = [
        (&["capture", "-o", "json:capture"], 2, "destroy"),
        (&["capture", "-o", "json:./link"], 2, "destroy"),
        (&["capture", "--ledger", "link"], 2, "destroy"),
        (
            &["capture", "-o", "json:x", "-o", "zeek:./x"],
            1,
            "same file",
        ),
        (
            &["capture", "-o", "json:y", "--ledger", "./y"],
            1,
            "same file",
        ),
        (&["-", "-o", "json:capture"], 2, "destroy"),
    ];
    for (arguments, status, words) in cases {
        let mut command = desk.flowtrack()?;
        command.stdin(File::open(desk.at("capture"))?);
        assert_says(command.arg("read"), arguments, status, &[words])?;
        assert_eq!(fs::read(desk.at("capture"))?, capture, "{arguments:?}");
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_run_that_cannot_start_leaves_its_outputs_alone() -> Result<()> {
    let desk = Desk::new()?;
    let (_sender, tapped) = wire()?;
    let files = [
        "-o",
        "json:out",
        "-o",
        "zeek:conn.log",
        "--ledger",
        "ledger",
    ];
    let names = ["out", "conn.log", "ledger"];
    for name in names {
        fs::write(desk.at(name), "from before")?;
    }
    let mut read = desk.flowtrack()?;
    assert_says(read.args(["read", "nosuch"]), &files, 1, &["nosuch"])?;
    let mut run = in_netns(&tapped)?;
    run.current_dir(&desk.folder)
        .args(["run", "v1", "--require-zero-copy"]);
    assert_says(&mut run, &files, 1, &["zero-copy"])?;
    for name in names {
        assert_eq!(fs::read_to_string(desk.at(name))?, "from before", "{name}");
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_output_of_another_process_is_refused_and_stays() -> Result<()> {
    let desk = Desk::new()?;
    let (_sender, tapped) = wire()?;
    let output = format!("json:{}", desk.at("out").display());
    let first = Probe::start(&tapped, &["-o", &output])?;
    let arguments = ["read", "capture", "-o", &output];
    let words = ["being written by another process"];
    assert_says(&mut desk.flowtrack()?, &arguments, 1, &words)?;
    assert_eq!(first.stop()?.status.code(), Some(0));
    // It is free again, and what was in it is replaced.
    fs::write(desk.at("out"), "x".repeat(1 << 20))?;
    assert_says(&mut desk.flowtrack()?, &arguments, 0, &[])?;
    assert_eq!(desk.lines("out")?, FLOWS);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_reader_that_goes_away_costs_the_other_outputs_nothing() -> Result<()> {
    let desk = Desk::new()?;
    let (status, _, stderr) = desk.shell(
        "\"$F\" read capture -o json:- -o json:out --ledger ledger | head -c 1 >/dev/null
         exit ${PIPESTATUS[0]}",
    )?;
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert_eq!(desk.lines("out")?, FLOWS);
    assert_eq!(desk.output_of_ledger(1)?, (FLOWS, 0));
    let (sent, failed) = desk.output_of_ledger(0)?;
    assert_eq!(sent + failed, FLOWS);
    // The reader had enough, but a full device had not.
    let (status, _, stderr) = desk.shell(
        "\"$F\" read capture -o json:- -o json:/dev/full | head -c 1 >/dev/null
         exit ${PIPESTATUS[0]}",
    )?;
    assert_eq!(status, Some(3), "{stderr}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_disk_that_fills_up_keeps_whole_records_and_true_counts() -> Result<()> {
    let desk = Desk::new()?;
    let (status, stdout, stderr) = desk.shell(
        "mkdir disk; unshare -m bash -c '
            mount -t tmpfs -o size=300k none disk
            \"$F\" read capture -o json:disk/out --ledger ledger
            echo $?
            cp disk/out out'",
    )?;
    assert_eq!((status, stdout.as_str()), (Some(0), "3\n"), "{stderr}");
    assert!(stderr.contains("No space left"), "{stderr}");
    let (sent, failed) = desk.output_of_ledger(0)?;
    assert_eq!(desk.lines("out")?, sent);
    assert!(sent > 0 && failed > 0, "{sent} sent, {failed} failed");
    assert_eq!(sent + failed, FLOWS);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn devices_and_pipes_are_outputs_too() -> Result<()> {
    let desk = Desk::new()?;
    // The ledger's reader comes only when the one of the records is done.
    let (status, stdout, stderr) = desk.shell(
        "mkfifo fifo ledger
         \"$F\" read capture -o json:fifo -o zeek:/dev/null -o events:/dev/null --ledger ledger &
         wc -l <fifo
         grep -c '\"sent\": 2000' ledger
         wait $! || exit
         \"$F\" read capture -o json:/dev/stdout | wc -l
         \"$F\" read capture -o json:/dev/stdout >out",
    )?;
    assert_eq!(
        (status, stdout.as_str()),
        (Some(0), "2000\n2\n2000\n"),
        "{stderr}"
    );
    assert_eq!(desk.lines("out")?, FLOWS);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_ledger_that_cannot_be_written_is_named() -> Result<()> {
    let desk = Desk::new()?;
    let (_sender, tapped) = wire()?;
    // Before anything is captured, if that can be known.
    let arguments = ["run", "v1", "--ledger", "/no/such/folder/x"];
    let words = ["/no/such/folder/x", "No such file"];
    assert_says(&mut in_netns(&tapped)?, &arguments, 1, &words)?;
    // And if not, what was counted is shown all the same.
    let arguments = ["run", "v1", "--quiet", "--duration", "100ms"];
    let words = ["unexplained (residual)", "No space left"];
    let mut command = in_netns(&tapped)?;
    command.args(arguments);
    assert_says(&mut command, &["--ledger", "/dev/full"], 1, &words)?;
    let arguments = ["read", "capture", "-o", "json:out", "--ledger", "/dev/full"];
    assert_says(&mut desk.flowtrack()?, &arguments, 1, &["No space left"])?;
    assert_eq!(desk.lines("out")?, FLOWS);
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn nobody_at_standard_error_is_no_failure() -> Result<()> {
    let desk = Desk::new()?;
    let (_sender, tapped) = wire()?;
    let closed = || -> Result<Stdio> { Ok(std::io::pipe()?.1.into()) };
    let read = ["read", "capture"];
    let status = desk.flowtrack()?.args(read).stderr(closed()?).status()?;
    assert_eq!(status.code(), Some(0));
    let run = ["run", "v1", "--duration", "1500ms"];
    let status = in_netns(&tapped)?.args(run).stderr(closed()?).status()?;
    assert_eq!(status.code(), Some(0));
    Ok(())
}
