//! `cargo build`, and what it says about what it built.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    exec::{Cmd, word},
    repository,
};

/// What cargo reported, one JSON message a line.
pub(crate) struct Messages(Vec<Value>);

/// A subcommand of cargo on this repository, from any folder.
pub(crate) fn cargo(line: &str) -> Result<Cmd> {
    let manifest = word(&repository().join("Cargo.toml"))?;
    Ok(Cmd::new(["cargo"])
        .args(line.split_whitespace())
        .args(["--manifest-path".into(), manifest]))
}

/// Runs a subcommand that builds, as `build --release -p flowtrack`; diagnostics go to the user.
pub(crate) fn build(line: &str) -> Result<Messages> {
    let text = cargo(line)?
        .args(["--message-format=json-render-diagnostics"])
        .read()?;
    Messages::parse(&text)
}

impl Messages {
    /// From what cargo printed.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let messages = text.lines().filter(|line| line.starts_with('{'));
        let values = messages.map(serde_json::from_str).collect::<Result<_, _>>();
        values.map(Self).context("cargo's messages are not JSON")
    }

    /// The executable of a target: `kind` is "bin", "test" or "bench".
    pub(crate) fn executable(&self, kind: &str, name: &str) -> Result<PathBuf> {
        let mut executables = self.executables(kind).filter(|(target, _)| *target == name);
        match executables.next() {
            Some((_, path)) => Ok(path),
            None => bail!("cargo did not report an executable for the {kind} target {name}"),
        }
    }

    /// Name and path of each executable of one kind.
    pub(crate) fn executables(&self, kind: &str) -> impl Iterator<Item = (&str, PathBuf)> {
        self.0.iter().filter_map(move |message| {
            let target = &message["target"];
            let is_kind = target["kind"].as_array()?.iter().any(|value| value == kind);
            let path = message["executable"].as_str()?;
            is_kind.then_some((target["name"].as_str()?, path.into()))
        })
    }

    /// The output folder of each build script.
    pub(crate) fn out_dirs(&self) -> impl Iterator<Item = PathBuf> {
        self.0
            .iter()
            .filter_map(|message| message["out_dir"].as_str().map(Into::into))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Messages;

    const TEXT: &str = r#"
{"reason":"build-script-executed","package_id":"path+file:///f#flowtrack@0.1.0","out_dir":"/t/out"}
{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"flowtrack"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"flowtrack"},"executable":"/t/flowtrack"}
{"reason":"compiler-artifact","target":{"kind":["test"],"name":"veth"},"executable":"/t/deps/veth-1"}
{"reason":"build-finished","success":true}
"#;

    #[test]
    fn executables_are_found_by_kind_and_name() {
        let messages = Messages::parse(TEXT).unwrap();
        let binary = messages.executable("bin", "flowtrack").unwrap();
        assert_eq!(binary, Path::new("/t/flowtrack"));
        let tests: Vec<_> = messages.executables("test").collect();
        assert_eq!(tests, [("veth", PathBuf::from("/t/deps/veth-1"))]);
        assert!(messages.executable("bin", "veth").is_err());
    }

    #[test]
    fn output_folders_of_build_scripts_are_found() {
        let messages = Messages::parse(TEXT).unwrap();
        assert_eq!(
            messages.out_dirs().collect::<Vec<_>>(),
            [Path::new("/t/out")]
        );
    }
}
