//! `cargo xtask test`: format, lints, documentation, and all tests, those that need root included.

mod steps;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use self::steps::Steps;
use crate::{
    asan,
    captures::{self, Shared},
    cargo::{self, cargo},
    exec::{Cmd, word},
    instructions, privilege, setup,
};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only tests with this in their name, and leave out the comparison of captures, the sanitizer and
    /// the count of instructions.
    #[arg(long)]
    filter: Option<String>,
    /// Program that starts the tests that need root [default: none for root, else `sudo -E`].
    #[arg(long)]
    runner: Option<String>,
    /// Leave out format, clippy and documentation.
    #[arg(long)]
    no_lint: bool,
    #[command(flatten)]
    consent: setup::Consent,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let mut steps = Steps::default();
    if !steps.run("set-up", || setup::ready(&options.consent)) {
        return steps.finish();
    }
    if !options.no_lint {
        lint(&mut steps);
    }
    let filter = options.filter.as_slice();
    steps.run("unit, integration and doc tests", || {
        cargo("test --no-fail-fast")?.args(filter).run()
    });
    if filter.is_empty() {
        sanitize(&mut steps);
    }
    steps.run("tests on veth pairs", || veth(options));
    if filter.is_empty() {
        compare(&mut steps);
        steps.run("instructions of a packet", instructions::check);
    }
    steps.finish()
}

fn lint(steps: &mut Steps) {
    steps.run("format", || cargo("fmt --all --check")?.run());
    steps.run("clippy", || {
        let packages = "--workspace --exclude flowtrack-ebpf --all-targets";
        let clippy = cargo(&format!("clippy --keep-going {packages}"))?;
        clippy.args(["--", "-D", "warnings"]).run()
    });
    // For the host, since BPF's compiler may come without clippy. By itself, or the panic handler
    // meets that of std; and a binary without std cannot unwind.
    steps.run("clippy on the XDP programs", || {
        let clippy = cargo("clippy --lib --bins -p flowtrack-ebpf")?;
        let clippy = clippy.env("CARGO_PROFILE_DEV_PANIC", "abort");
        clippy.args(["--", "-D", "warnings"]).run()
    });
    steps.run("documentation", || {
        let doc = cargo("doc --no-deps")?;
        doc.env("RUSTDOCFLAGS", "-D warnings").run()
    });
}

/// The tests of the table once more, where the compiler comes with the sanitizer.
fn sanitize(steps: &mut Steps) {
    const NAME: &str = "the table under AddressSanitizer";
    match asan::is_available() {
        Ok(false) => println!("\n== {NAME}: LEFT OUT, the compiler has none for this machine"),
        available => {
            steps.run(NAME, || available.and_then(|_| asan::check()));
        }
    }
}

/// The tests on captures, where there are captures.
fn compare(steps: &mut Steps) {
    if let Some(shared) = Shared::find() {
        steps.run("tests on captures", || captures::tests(false));
        steps.run("captures as Zeek has them", || shared.compare());
    } else {
        let path = Shared::path();
        println!("\n== captures: LEFT OUT, there is no {}", path.display());
    }
}

/// The tests that need root: built by the user, and only then started through the runner.
fn veth(options: &Options) -> Result<()> {
    let runner = privilege::runner(options.runner.as_deref())?;
    // They start the binary that lies beside them.
    cargo::build("build --release -p flowtrack --bins")?;
    let built = cargo::build("test --release -p flowtrack-tests --no-run")?;
    let mut count = 0;
    let tests = built.executables("test");
    let tests = tests.filter(|(name, _)| *name != captures::TESTS);
    // The tests of the harness lie in the library.
    for (_, path) in built.executables("lib").chain(tests) {
        Cmd::new([word(&path)?])
            .args(["--include-ignored", "--test-threads=1"])
            .args(&options.filter)
            .env("RUST_BACKTRACE", "1")
            .through(&runner)
            .run()?;
        count += 1;
    }
    ensure!(count > 0, "flowtrack-tests has no test target");
    Ok(())
}
