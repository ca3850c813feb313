//! Programs and C headers that building, testing and demonstrating flowtrack take, and where they
//! are looked for. Nothing is started to find them.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Something that a Debian package brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    pub(crate) package: &'static str,
    probe: Probe,
}

#[derive(Debug, PartialEq, Eq)]
enum Probe {
    Program,
    Header,
}

const TOOLS: [Tool; 13] = [
    program_tool(
        "clang",
        "compiles libxdp and libbpf for xsk-rs, and brings the libclang that reads their headers",
        "clang",
    ),
    program_tool("make", "builds libbpf for xsk-rs", "make"),
    program_tool("m4", "makes libxdp's dispatcher from its template", "m4"),
    program_tool("pkg-config", "finds what libbpf links with", "pkg-config"),
    header(
        "libelf.h",
        "libbpf reads ELF objects with libelf",
        "libelf-dev",
    ),
    header("zlib.h", "libbpf and libelf link with zlib", "zlib1g-dev"),
    program_tool(
        "ip",
        "tests and demo make namespaces and veth pairs",
        "iproute2",
    ),
    program_tool("tc", "tests and demo mirror packets with it", "iproute2"),
    program_tool(
        "ethtool",
        "tests and demo turn offloads off with it",
        "ethtool",
    ),
    program_tool(
        "strace",
        "a test counts the system calls of a worker with it",
        "strace",
    ),
    program_tool("tcpdump", "a test compares filters with it", "tcpdump"),
    program_tool(
        "python3",
        "the tests compare captures with a script",
        "python3",
    ),
    program_tool(
        "valgrind",
        "the tests count instructions with it",
        "valgrind",
    ),
];

const fn program_tool(name: &'static str, why: &'static str, package: &'static str) -> Tool {
    let probe = Probe::Program;
    Tool {
        name,
        why,
        package,
        probe,
    }
}

const fn header(name: &'static str, why: &'static str, package: &'static str) -> Tool {
    let probe = Probe::Header;
    Tool {
        name,
        why,
        package,
        probe,
    }
}

/// What is not here.
pub(crate) fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !tool.is_here()).collect()
}

/// The Debian packages of all of them.
pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.package)
}

impl Tool {
    fn is_here(&self) -> bool {
        match self.probe {
            Probe::Program => program(self.name).is_some(),
            Probe::Header => has_header(self.name),
        }
    }
}

/// Finds a program on PATH, in cargo's own folder, or where the system keeps programs for root.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(cargo_home().map(|home| home.join("bin")))
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn cargo_home() -> Option<PathBuf> {
    let default = || env::home_dir().map(|home| home.join(".cargo"));
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(default)
}

fn has_header(name: &str) -> bool {
    // Debian keeps headers that differ between architectures in a folder of their own.
    let multiarch = format!("/usr/include/{}-linux-gnu", env::consts::ARCH);
    ["/usr/include", "/usr/local/include", &multiarch]
        .iter()
        .any(|folder| Path::new(folder).join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::{has_header, program};

    #[test]
    fn a_program_is_found_on_path_or_not_at_all() {
        assert!(program("sh").is_some());
        assert!(program("no-such-program").is_none());
        assert!(!has_header("no-such-header.h"));
    }
}
