//! A report for a terminal.

use std::fmt::{self, Display, Formatter, Write};

use super::{Finding, Report, Severity};

/// Columns before the text of a finding: severity and subject.
const SEVERITY: usize = 9;
const SUBJECT: usize = 13;
const INDENT: usize = 2 + SEVERITY + SUBJECT;
/// Narrower than that nothing can be read.
const NARROWEST: usize = INDENT + 30;

impl Report {
    /// The report for people, in lines of at most `width` characters. Commands are not broken, so that they
    /// can be copied.
    pub fn text(&self, width: usize) -> impl Display + '_ {
        Text {
            report: self,
            width: width.max(NARROWEST),
        }
    }
}

struct Text<'a> {
    report: &'a Report,
    width: usize,
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "host")?;
        self.section(f, &self.report.host)?;
        for examined in &self.report.interfaces {
            writeln!(f, "\n{}", examined.interface)?;
            self.section(f, &examined.findings)?;
        }
        writeln!(f, "\n{}", summary(self.report))
    }
}

impl Text<'_> {
    /// What matters most comes first; what is alike stays in its order.
    fn section(&self, f: &mut Formatter<'_>, findings: &[Finding]) -> fmt::Result {
        let mut sorted: Vec<_> = findings.iter().collect();
        sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        sorted
            .into_iter()
            .try_for_each(|finding| self.finding(f, finding))
    }

    fn finding(&self, f: &mut Formatter<'_>, finding: &Finding) -> fmt::Result {
        let room = self.width.saturating_sub(INDENT);
        let head = format!(
            "  {:SEVERITY$}{:SUBJECT$}",
            finding.severity.word(),
            finding.subject
        );
        let found = wrap(&finding.found, room);
        let why = finding.why.iter().flat_map(|why| wrap(why, room));
        let fix = finding.fix.iter().map(|fix| format!("$ {fix}"));
        for (number, line) in found.into_iter().chain(why).chain(fix).enumerate() {
            let margin = if number == 0 { &head } else { "" };
            writeln!(f, "{margin:INDENT$}{line}")?;
        }
        Ok(())
    }
}

fn summary(report: &Report) -> String {
    let mut text = String::new();
    let kinds = [
        (Severity::Problem, "problem"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    for (severity, word) in kinds {
        let count = report
            .findings()
            .filter(|finding| finding.severity == severity)
            .count();
        let separator = if text.is_empty() { "" } else { ", " };
        let s = if count == 1 { "" } else { "s" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{count} {word}{s}");
    }
    text + match (report.interfaces.is_empty(), report.can_capture) {
        (_, true) => ": capture will work",
        (true, false) => ": there is no interface that could be tapped",
        (false, false) => ": capture will not work",
    }
}

/// Breaks `text` between words into lines of at most `width` characters; longer words stand alone.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn wrapped_text_keeps_its_words_and_its_width(
            words in prop::collection::vec("[a-z]{1,12}", 0..40),
            width in 12_usize..60,
        ) {
            let text = words.join(" ");
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.len() <= width), "{lines:?}");
            prop_assert_eq!(lines.join(" "), text);
        }
    }
}
