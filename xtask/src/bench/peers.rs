//! Other trackers beside flowtrack, on the same packets.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{cpu, result, result::Measured};
use crate::{
    cargo,
    exec::{Cmd, word},
    repository, setup,
};

/// Packets that are timed, behind those that open the flows.
const PACKETS: &str = "4000000";
const SYNTHETIC: &str = "flows=1M,proto=tcp";
/// Flows that each tracker has room for: twice as many as there are.
const ROOM: &str = "2000000";
/// Times that each program reads the capture, by turns; the shortest counts.
const ROUNDS: usize = 3;

/// A program that reads a capture and makes flows of it.
struct Tool {
    name: &'static str,
    /// What to install where it is missing.
    package: &'static str,
    /// Its arguments, `FILE` and `FOLDER` in them.
    line: &'static str,
}

/// Each as it needs least: records are thrown away where it can do that.
const TOOLS: [Tool; 3] = [
    Tool {
        name: "softflowd",
        package: "softflowd",
        line: "-d -m 2000000 -p FOLDER/pid -c FOLDER/ctl -r FILE",
    },
    Tool {
        name: "nfpcapd",
        package: "nfdump",
        line: "-w FOLDER -r FILE",
    },
    Tool {
        name: "argus",
        package: "argus-server",
        line: "-w /dev/null -r FILE",
    },
];

/// nfstream without deep inspection and statistics, in one process beside its own.
const NFSTREAM: &str = "import sys, nfstream\n\
    for flow in nfstream.NFStreamer(sys.argv[1], n_dissections=0, n_meters=1): pass";

/// Measures flowscope in one process with flowtrack, and the tools that are installed by the time that
/// they keep processors busy. Without a capture one is made.
pub(super) fn measure(flowtrack: &Path, file: Option<&Path>) -> Result<Vec<Measured>> {
    let target = flowtrack.ancestors().nth(2).context("no target folder")?;
    let folder = target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let (file, synthetic) = match file {
        Some(file) => (file.to_owned(), false),
        None => (trace(flowtrack, &folder)?, true),
    };
    let in_memory = Cmd::new([word(&build(target)?)?, word(&file)?, "--json".into()]);
    let in_memory = if synthetic {
        in_memory.args(["--last", PACKETS, "--max-flows", ROOM])
    } else {
        in_memory
    };
    Ok(vec![
        result(&in_memory)?,
        times(&commands(flowtrack, &file, &folder, synthetic)?)?,
    ])
}

/// Writes a capture of synthetic packets.
fn trace(flowtrack: &Path, folder: &Path) -> Result<PathBuf> {
    let path = folder.join("trace.pcap");
    Cmd::new([word(flowtrack)?])
        .args(["bench", "track", "--synthetic", SYNTHETIC])
        .args(["--packets", PACKETS, "--write"])
        .args([word(&path)?])
        .run()?;
    Ok(path)
}

/// Builds the program that has flowscope in it.
fn build(target: &Path) -> Result<PathBuf> {
    let manifest = word(&repository().join("xtask/peers/Cargo.toml"))?;
    let text = Cmd::line("cargo build --release --locked --message-format=json-render-diagnostics")
        .args(["--manifest-path".into(), manifest])
        .args(["--target-dir".into(), word(target)?])
        .read()?;
    cargo::Messages::parse(&text)?.executable("bin", "flowtrack-peers")
}

/// flowtrack first, and what there is of the others.
fn commands(
    flowtrack: &Path,
    file: &Path,
    folder: &Path,
    synthetic: bool,
) -> Result<Vec<(&'static str, Cmd)>> {
    let (capture, folder) = (word(file)?, word(folder)?);
    let room: &[&str] = if synthetic {
        &["--max-flows", ROOM]
    } else {
        &[]
    };
    let own = Cmd::new([
        word(flowtrack)?.as_str(),
        "read",
        &capture,
        "-o",
        "json:/dev/null",
    ]);
    let mut commands = vec![("flowtrack", own.args(room.iter().copied()))];
    for tool in TOOLS {
        let Some(program) = setup::program(tool.name) else {
            eprintln!("{} is missing: apt-get install {}", tool.name, tool.package);
            continue;
        };
        let words = tool.line.split_whitespace();
        let words = words.map(|word| word.replace("FILE", &capture).replace("FOLDER", &folder));
        commands.push((tool.name, Cmd::new([word(&program)?]).args(words)));
    }
    let nfstream = |script: &str| Cmd::new(["python3", "-c", script]);
    match cpu::time(&nfstream("import nfstream")) {
        Ok(_) => commands.push(("nfstream", nfstream(NFSTREAM).args([capture]))),
        Err(_) => eprintln!("nfstream is missing: pip install nfstream"),
    }
    Ok(commands)
}

/// Seconds of each command, and what the others need for each of the first one.
fn times(commands: &[(&'static str, Cmd)]) -> Result<Measured> {
    let mut least = vec![Duration::MAX; commands.len()];
    for _ in 0..ROUNDS {
        for ((_, command), least) in commands.iter().zip(&mut least) {
            eprintln!("running {command}");
            *least = cpu::time(command)?.min(*least);
        }
    }
    let mut measured = Measured::new("reading");
    let own = least.first().map(Duration::as_secs_f64).unwrap_or_default();
    for ((name, _), time) in commands.iter().zip(&least) {
        let seconds = time.as_secs_f64();
        measured.put(format!("{name}_cpu_seconds"), seconds);
        // A time of less than a tick is no time to compare with.
        if own > 0.0 {
            measured.put(format!("{name}_ratio"), seconds / own);
        }
    }
    Ok(measured)
}
