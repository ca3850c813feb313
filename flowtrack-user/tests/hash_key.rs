//! With a key for its hashes `flowtrack read` tells the same twice, even if it has to give flows up.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// A capture of more flows than the tables take; deleted when dropped.
struct Capture(PathBuf);

impl Capture {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("flowtrack-hash-key-{}.pcap", process::id()));
        let traffic = "flows=500,proto=mix,new=10%";
        let arguments = ["bench", "track", "--synthetic", traffic, "--packets", "5K"];
        flowtrack(&arguments, Some(&path));
        Self(path)
    }

    /// The lines of the output.
    fn read(&self, options: &str) -> Vec<String> {
        let path = self.0.to_str().unwrap();
        let mut arguments = vec!["read", path, "-o", "json:-", "--max-flows", "64"];
        arguments.extend(options.split_whitespace());
        let text = flowtrack(&arguments, None);
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What the program prints.
fn flowtrack(arguments: &[&str], write: Option<&Path>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowtrack"));
    command.args(arguments);
    command.args(
        write
            .into_iter()
            .flat_map(|path| [Path::new("--write"), path]),
    );
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn the_same_key_gives_the_same_lines_in_the_same_order() {
    let capture = Capture::new();
    let lines = capture.read("--hash-key 7");
    assert!(
        lines.len() > 1000,
        "{} lines: flows were given up",
        lines.len()
    );
    assert_eq!(capture.read("--hash-key 7"), lines);

    // The key decides which shard a flow is on, and so which flows make room for it.
    let shards = |key| sorted(capture.read(&format!("--shards 3 --hash-key {key}")));
    assert_eq!(shards(7), shards(7));
    assert_ne!(shards(7), shards(8));
}
