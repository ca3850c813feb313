//! Steps that all run, whatever the others did; the failures are told at the end.

use std::{process::ExitCode, time::Instant};

use anyhow::Result;

#[derive(Default)]
pub(super) struct Steps {
    passed: usize,
    /// Name and error of each step that failed.
    failed: Vec<(&'static str, String)>,
}

impl Steps {
    /// Runs one step and says how long it took; whether it passed.
    pub(super) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name}");
        let start = Instant::now();
        let result = step();
        let seconds = start.elapsed().as_secs_f64();
        match &result {
            Ok(()) => {
                println!("== {name}: passed in {seconds:.1} s");
                self.passed += 1;
            }
            Err(error) => {
                println!("== {name}: FAILED in {seconds:.1} s: {error:#}");
                self.failed.push((name, format!("{error:#}")));
            }
        }
        result.is_ok()
    }

    /// Repeats the failures and counts: the last line is `N passed, N failed`.
    pub(super) fn finish(self) -> ExitCode {
        println!();
        for (name, error) in &self.failed {
            println!("{name}: {error}");
        }
        println!("{} passed, {} failed", self.passed, self.failed.len());
        if self.failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use anyhow::anyhow;

    use super::Steps;

    #[test]
    fn a_failed_step_stops_no_other_and_fails_the_whole() {
        let mut steps = Steps::default();
        assert!(!steps.run("first", || Err(anyhow!("no"))));
        assert!(steps.run("second", || Ok(())));
        assert_eq!((steps.passed, steps.failed.len()), (1, 1));
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }
}
