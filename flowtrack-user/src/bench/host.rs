//! The machine that a measurement was made on.

use std::{fs, thread};

/// What makes two measurements comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Model of the processor, as the kernel names it.
    pub(super) cpu: String,
    /// Cores that this process may use.
    pub(super) cores: usize,
    /// Release of the kernel.
    pub(super) kernel: String,
}

impl Host {
    /// This machine.
    pub(super) fn this() -> Self {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            cpu: model(&cpuinfo).unwrap_or("unknown").to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: release.trim().to_owned(),
        }
    }
}

/// The first model name in `/proc/cpuinfo`; not every architecture has one.
fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_the_first_one_that_the_kernel_names() {
        let x86 = "processor\t: 0\nmodel\t\t: 167\nmodel name\t: A CPU @ 3 GHz\nmodel name\t: B\n";
        assert_eq!(model(x86), Some("A CPU @ 3 GHz"));
        assert_eq!(model("processor\t: 0\nCPU part\t: 0xd0c\n"), None);
    }
}
