//! Compiles the XDP programs of `flowtrack-ebpf` to `OUT_DIR/flowtrack-xdp`, with a compiler of
//! their own: the one that compiles flowtrack has no BPF target.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

const OBJECT: &str = "flowtrack-xdp";
/// Names a rustc that comes with `core` for BPF.
const RUSTC_VARIABLE: &str = "FLOWTRACK_EBPF_RUSTC";
/// Names an object that was compiled before, to be taken as it is.
const OBJECT_VARIABLE: &str = "FLOWTRACK_EBPF_OBJECT";
/// Debian's package rustc-web, beside which libstd-rust-web-dev-bpf puts such a `core`.
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";

fn main() -> ExitCode {
    let Err(error) = build() else {
        return ExitCode::SUCCESS;
    };
    for line in error.lines() {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}

fn build() -> Result<(), String> {
    let user = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = user.parent().ok_or("flowtrack-user has no parent")?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-env-changed={RUSTC_VARIABLE}");
    println!("cargo::rerun-if-env-changed={OBJECT_VARIABLE}");
    if let Some(object) = env::var_os(OBJECT_VARIABLE) {
        let object = PathBuf::from(object);
        println!("cargo::rerun-if-changed={}", object.display());
        return copy(&object, &out);
    }
    for input in [
        "flowtrack-ebpf",
        "flowtrack-common/src/abi.rs",
        "flowtrack-common/src/flow_hash.rs",
        "flowtrack-common/src/flow_hash",
        "Cargo.lock",
    ] {
        let input = workspace.join(input);
        println!("cargo::rerun-if-changed={}", input.display());
    }

    let target = match variable("CARGO_CFG_TARGET_ENDIAN")?.to_str() {
        Some("big") => "bpfeb-unknown-none",
        _ => "bpfel-unknown-none",
    };
    let target_dir = out.join("ebpf");
    let mut cargo = cargo_build(target)?;
    cargo
        .args(["--release", "--locked", "--quiet", "--target", target])
        .args(["--bin", OBJECT, "--manifest-path"])
        .arg(workspace.join("flowtrack-ebpf/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target_dir)
        .env("PATH", search_path()?)
        // The BTF, which a loader checks the maps against, is made from the debug information.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            "-Cdebuginfo=2\x1f-Clink-arg=--btf",
        );
    let status = cargo
        .status()
        .map_err(|error| format!("cannot start {cargo:?}: {error}"))?;
    if !status.success() {
        return Err(format!(
            "the XDP programs do not compile ({status}): see stderr below"
        ));
    }

    let built = target_dir.join(target).join("release").join(OBJECT);
    copy(&built, &out)
}

fn copy(object: &Path, out: &Path) -> Result<(), String> {
    match fs::copy(object, out.join(OBJECT)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot copy {}: {error}", object.display())),
    }
}

/// `cargo build` with a compiler that can make code for `target`.
fn cargo_build(target: &str) -> Result<Command, String> {
    if let Some(rustc) = env::var_os(RUSTC_VARIABLE) {
        return cargo_build_with(&rustc);
    }
    let nightly = sysroot(Command::new("rustup").args(["run", "nightly", "rustc"]));
    if nightly.is_some_and(|root| root.join("lib/rustlib/src/rust/library").is_dir()) {
        let mut cargo = clean(Command::new("rustup"));
        cargo.args(["run", "nightly", "cargo", "build", "-Zbuild-std=core"]);
        return Ok(cargo);
    }
    let system = sysroot(&mut Command::new(SYSTEM_RUSTC));
    if system.is_some_and(|root| root.join("lib/rustlib").join(target).is_dir()) {
        return cargo_build_with(SYSTEM_RUSTC.as_ref());
    }
    Err(format!(
        "no compiler for {target}: no rustup nightly with rust-src, no {SYSTEM_RUSTC} with a core \
         for BPF, no ${RUSTC_VARIABLE}\nrun `cargo xtask setup`"
    ))
}

fn cargo_build_with(rustc: &OsStr) -> Result<Command, String> {
    let mut cargo = clean(Command::new(variable("CARGO")?));
    // aya-ebpf needs an unstable feature: inline assembly for BPF.
    cargo
        .arg("build")
        .env("RUSTC", rustc)
        .env("RUSTC_BOOTSTRAP", "1");
    Ok(cargo)
}

/// Where a compiler keeps its libraries; `None` if there is no such compiler.
fn sysroot(rustc: &mut Command) -> Option<PathBuf> {
    rustc.args(["--print", "sysroot"]).stderr(Stdio::null());
    let output = rustc.env("RUSTUP_AUTO_INSTALL", "0").output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| path.trim_end().into())
}

/// Removes what cargo, clippy or the user has set for the compiler of flowtrack itself.
fn clean(mut command: Command) -> Command {
    const PREFIXES: [&str; 5] = [
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
    ];
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&*name);
        }
    }
    command
}

/// `PATH` and then cargo's own folder of programs, where `cargo xtask setup` puts bpf-linker.
fn search_path() -> Result<OsString, String> {
    let home = env::home_dir().map(|home| home.join(".cargo"));
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
    let mut folders: Vec<PathBuf> = env::split_paths(&variable("PATH")?).collect();
    folders.extend(cargo_home.map(|home| home.join("bin")));
    if !folders
        .iter()
        .any(|folder| folder.join("bpf-linker").is_file())
    {
        return Err("bpf-linker is missing\nrun `cargo xtask setup`".into());
    }
    env::join_paths(folders).map_err(|error| format!("PATH: {error}"))
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("{name} is not set"))
}
