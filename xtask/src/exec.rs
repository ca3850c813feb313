//! Commands that can be shown before they run, and that name themselves when they fail.

use std::{
    fmt,
    path::Path,
    process::{Command, ExitStatus, Output, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// A program with its arguments and what is added to its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cmd {
    env: Vec<(String, String)>,
    argv: Vec<String>,
}

impl Cmd {
    /// A command from its words; the first one is the program.
    pub(crate) fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            env: Vec::new(),
            argv: words.into_iter().map(Into::into).collect(),
        }
    }

    /// A command from a line without quoting.
    pub(crate) fn line(line: &str) -> Self {
        Self::new(line.split_whitespace())
    }

    /// Adds arguments.
    pub(crate) fn args<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.argv.extend(words.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The same command started by another program, as `sudo`, which may clear the environment.
    pub(crate) fn through(self, runner: &[String]) -> Self {
        if runner.is_empty() {
            return self;
        }
        let mut argv = runner.to_vec();
        if !self.env.is_empty() {
            argv.push("env".into());
            argv.extend(
                self.env
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            );
        }
        argv.extend(self.argv);
        Self {
            env: Vec::new(),
            argv,
        }
    }

    /// For the standard library. No command may make rustup download a toolchain.
    pub(crate) fn command(&self) -> Command {
        let (program, args) = self
            .argv
            .split_first()
            .map_or(("", &[][..]), |(p, a)| (p, a));
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("RUSTUP_AUTO_INSTALL", "0");
        command
    }

    /// Runs the command to its end; fails unless it succeeds.
    pub(crate) fn run(&self) -> Result<()> {
        let status = self.status()?;
        if !status.success() {
            bail!("`{self}` failed: {status}");
        }
        Ok(())
    }

    /// Runs the command to its end, whatever its status.
    pub(crate) fn status(&self) -> Result<ExitStatus> {
        let status = self.command().status();
        status.with_context(|| self.cannot_start())
    }

    /// Runs the command to its end and returns its output, whatever its status; what it writes to
    /// standard error is passed on.
    pub(crate) fn output(&self) -> Result<Output> {
        let mut command = self.command();
        command.stderr(Stdio::inherit());
        command.output().with_context(|| self.cannot_start())
    }

    /// Runs the command and returns what it writes to standard output; fails unless it succeeds.
    pub(crate) fn read(&self) -> Result<String> {
        let output = self.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("`{self}` failed: {}", output.status);
        }
        Ok(text)
    }

    /// What to say when the program does not start.
    pub(crate) fn cannot_start(&self) -> String {
        format!("cannot start `{self}`: is it installed and on PATH?")
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = self
            .env
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)));
        let argv = self.argv.iter().map(|word| quoted(word));
        let words: Vec<_> = variables.chain(argv).collect();
        f.write_str(&words.join(" "))
    }
}

/// A path as a word of a command.
pub(crate) fn word(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(word) => Ok(word.into()),
        None => bail!("{} is not UTF-8: rename the folder", path.display()),
    }
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) {
        format!("'{word}'")
    } else {
        word.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Cmd;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let cmd = Cmd::line("apt-get install -y")
            .args(["m4"])
            .env("LC_ALL", "C");
        assert_eq!(cmd.to_string(), "LC_ALL=C apt-get install -y m4");
    }

    #[test]
    fn a_word_with_a_space_is_quoted() {
        let cmd = Cmd::new(["cargo", "doc"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(cmd.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc");
    }

    #[test]
    fn the_environment_goes_through_a_runner_that_clears_it() {
        let cmd = Cmd::line("apt-get update").env("LC_ALL", "C");
        assert_eq!(
            cmd.clone().through(&["sudo".into()]).to_string(),
            "sudo env LC_ALL=C apt-get update"
        );
        assert_eq!(cmd.clone().through(&[]), cmd);
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = Cmd::line("false now").run().unwrap_err().to_string();
        assert!(error.starts_with("`false now` failed"), "{error}");
        let error = Cmd::line("/nonexistent").run().unwrap_err().to_string();
        assert!(error.starts_with("cannot start `/nonexistent`"), "{error}");
    }
}
