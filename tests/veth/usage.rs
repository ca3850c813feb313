//! Wrong usage: what is said, and the exit status.

/// What becomes of the files that are written to.
mod outputs;

use std::{fs, process::Command};

use anyhow::Result;
use flowtrack_tests::{link::Link, netns::NetNs};
use tempfile::TempDir;

use crate::{
    probe::{flowtrack, run},
    protocols::wire,
};

/// Asserts that `arguments` end with `status` and a message of a few lines with all of `words`.
fn assert_says(
    command: &mut Command,
    arguments: &[&str],
    status: i32,
    words: &[&str],
) -> Result<()> {
    let (code, stdout, stderr) = run(command, arguments)?;
    assert_eq!(code, Some(status), "{arguments:?}: {stderr}");
    for word in words {
        assert!(
            stderr.contains(word),
            "{arguments:?} does not say '{word}': {stderr}"
        );
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(stdout.is_empty(), "{stdout}");
    Ok(())
}

fn in_netns(link: &Link) -> Result<Command> {
    Ok(link.netns().command(flowtrack()?))
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn without_capabilities_it_names_those_that_are_missing() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let mut command = tapped.netns().command("setpriv");
    command
        .args(["--bounding-set", "-all", "--inh-caps", "-all"])
        .arg(flowtrack()?);
    let words = ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_BPF", "root"];
    assert_says(&mut command, &["run", "v1"], 1, &words)
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_unknown_interface_is_named() -> Result<()> {
    let netns = NetNs::new("empty")?;
    let mut command = netns.command(flowtrack()?);
    assert_says(&mut command, &["run", "eth7"], 1, &["eth7", "ip link"])
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_carries_an_address_is_tapped_only_on_demand() -> Result<()> {
    let (_sender, tapped) = wire()?;
    tapped.add_address("10.9.0.1/24")?;
    let run = ["run", "v1", "--quiet", "--duration", "100ms"];
    assert_says(
        &mut in_netns(&tapped)?,
        &run,
        1,
        &["10.9.0.1", "--take-over"],
    )?;
    let (status, _, stderr) = crate::probe::run(in_netns(&tapped)?.args(run), &["--take-over"])?;
    assert_eq!(status, Some(0), "{stderr}");
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_interface_that_carries_the_default_route_is_refused() -> Result<()> {
    let (_sender, tapped) = wire()?;
    flowtrack_tests::command::run(
        tapped
            .netns()
            .ip()
            .args(["route", "add", "default", "dev", "v1"]),
    )?;
    assert_says(
        &mut in_netns(&tapped)?,
        &["run", "v1"],
        1,
        &["default route", "--take-over"],
    )
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_mode_that_the_driver_does_not_have_is_named() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let arguments = ["run", "v1", "--require-zero-copy"];
    assert_says(&mut in_netns(&tapped)?, &arguments, 1, &["zero-copy", "v1"])
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn an_output_that_cannot_be_written_is_named_before_anything_is_captured() -> Result<()> {
    let (_sender, tapped) = wire()?;
    let arguments = ["run", "v1", "-o", "json:/no/such/folder/x"];
    assert_says(
        &mut in_netns(&tapped)?,
        &arguments,
        1,
        &["/no/such/folder/x", "No such file"],
    )
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_full_disk_costs_counted_records_and_the_exit_status_says_so() -> Result<()> {
    let folder = TempDir::new()?;
    let capture = folder.path().join("one.pcap");
    fs::write(&capture, one_packet())?;
    let capture = capture.display().to_string();
    let arguments = ["read", &capture, "-o", "json:/dev/full"];
    let mut command = Command::new(flowtrack()?);
    assert_says(
        &mut command,
        &arguments,
        3,
        &["records or events were lost", "No space left"],
    )
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn bad_captures_are_named_with_what_is_wrong() -> Result<()> {
    let folder = TempDir::new()?;
    let file = |name: &str, bytes: &[u8]| -> Result<String> {
        let path = folder.path().join(name);
        fs::write(&path, bytes)?;
        Ok(path.display().to_string())
    };
    let whole = one_packet();
    let cases = [
        ("/no/such/capture".to_owned(), "No such file"),
        (folder.path().display().to_string(), "cannot read"),
        (file("empty", &[])?, "is empty"),
        (
            file(
                "text",
                b"this is no capture, but it is long enough to be one",
            )?,
            "neither pcap nor pcapng",
        ),
        (
            file("cut", &whole[..whole.len() - 5])?,
            "cut off after packet 0",
        ),
    ];
    for (path, words) in &cases {
        let mut command = Command::new(flowtrack()?);
        let (status, _, stderr) = run(&mut command, &["read", path, "-o", "json:-"])?;
        assert_eq!(status, Some(1), "{path}: {stderr}");
        assert!(
            stderr.contains(words) && stderr.contains(path.as_str()),
            "{path}: {stderr}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_table_that_does_not_fit_in_memory_is_named_with_its_size() -> Result<()> {
    let arguments = ["read", "-", "--shards", "64", "--max-flows", "268435456"];
    let words = ["64 tables", "MiB", "--max-flows"];
    assert_says(&mut Command::new(flowtrack()?), &arguments, 1, &words)
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn wrong_arguments_have_a_status_of_their_own() -> Result<()> {
    let cases: [(&[&str], &str); 11] = [
        (&[], "Usage"),
        (&["run"], "IFACE"),
        (&["run", "v1", "v1"], "v1 is named twice"),
        (&["read"], "FILE"),
        (&["read", "x", "-o", "xml:-"], "no output format"),
        (&["read", "x", "--idle-timeout", "udp=soon"], "no duration"),
        (&["read", "x", "--max-flows", "0"], "max-flows"),
        (&["run", "x", "--ring-size", "1000"], "power of two"),
        (&["run", "x", "--filter", "tcp prot 80"], "\n      ^^^^\n"),
        (&["read", "x", "--filter", "port"], "expected a port number"),
        (
            &["read", "x", "-o", "json:-", "-o", "zeek:-"],
            "standard output",
        ),
    ];
    for (arguments, words) in cases {
        assert_says(&mut Command::new(flowtrack()?), arguments, 2, &[words])?;
    }
    Ok(())
}

/// A pcap of one UDP packet.
fn one_packet() -> Vec<u8> {
    flows(1)
}

/// A pcap of UDP flows of a packet each.
fn flows(count: u16) -> Vec<u8> {
    let mut pcap = Vec::new();
    pcap.extend(0xa1b2_c3d4_u32.to_le_bytes());
    pcap.extend([2, 0, 4, 0]);
    pcap.extend([0; 8]);
    pcap.extend(65535_u32.to_le_bytes());
    pcap.extend(1_u32.to_le_bytes());
    for flow in 0..count {
        let client = ([10, 1, 0, 1], 5000 + flow).into();
        let frame = flowtrack_tests::frames::Frame::udp(client, ([10, 1, 0, 2], 53).into())
            .payload([0; 18])
            .build();
        let len = u32::try_from(frame.len())
            .expect("a short frame")
            .to_le_bytes();
        pcap.extend(1_700_000_000_u32.to_le_bytes());
        pcap.extend(0_u32.to_le_bytes());
        pcap.extend(len);
        pcap.extend(len);
        pcap.extend(frame);
    }
    pcap
}
