use std::{collections::BTreeMap, fmt};

use crate::{differences::Difference, tuple::Tuple};

/// What was compared, and what differs.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) differences: Vec<Difference>,
    /// For each column: how often it agrees, of how many times.
    columns: BTreeMap<&'static str, (u64, u64)>,
}

/// The comparison of what flowtrack and a table say of one tuple of a capture.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    report: &'a mut Report,
    what: Vec<String>,
}

impl Report {
    /// Compares what is said of `tuple` in `capture`.
    pub(crate) fn compare(
        &mut self,
        capture: &str,
        tuple: Tuple,
        compare: impl FnOnce(&mut Comparison<'_>),
    ) {
        let mut comparison = Comparison {
            report: self,
            what: Vec::new(),
        };
        compare(&mut comparison);
        let what = comparison.what.join("; ");
        if !what.is_empty() {
            self.differences.push(Difference {
                capture: capture.to_owned(),
                tuple: tuple.to_string(),
                what,
            });
        }
    }

    /// All reports in one.
    pub(crate) fn merge(reports: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for Self {
            differences,
            columns,
        } in reports
        {
            all.differences.extend(differences);
            for (column, (agree, compared)) in columns {
                let sum = all.columns.entry(column).or_default();
                *sum = (sum.0 + agree, sum.1 + compared);
            }
        }
        all
    }

    /// How many times a column was compared.
    pub(crate) fn compared(&self, column: &str) -> u64 {
        self.columns
            .get(column)
            .map_or(0, |(_, compared)| *compared)
    }
}

impl Comparison<'_> {
    /// Compares a value of ours with one of the table; whether they agree.
    pub(crate) fn check<T: PartialEq + fmt::Display + ?Sized>(
        &mut self,
        column: &'static str,
        ours: &T,
        theirs: &T,
    ) -> bool {
        let agree = ours == theirs;
        self.note(column, agree, || format!("{column} {ours} not {theirs}"));
        agree
    }

    /// The same where values agree that are close to each other, but not the same.
    pub(crate) fn check_close(&mut self, column: &'static str, ours: f64, theirs: f64, by: f64) {
        let agree = (ours - theirs).abs() <= by;
        self.note(column, agree, || {
            format!("{column} {ours:.6} not {theirs:.6}")
        });
    }

    fn note(&mut self, column: &'static str, agree: bool, what: impl FnOnce() -> String) {
        let sum = self.report.columns.entry(column).or_default();
        *sum = (sum.0 + u64::from(agree), sum.1 + 1);
        if !agree {
            self.what.push(what());
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (column, (agree, compared)) in &self.columns {
            write!(f, "{column} {agree}/{compared}; ")?;
        }
        write!(f, "{} differences", self.differences.len())
    }
}

#[test]
fn only_what_differs_is_kept_and_all_is_counted() {
    let endpoint = ("10.0.0.1".parse().expect("an address"), 53);
    let tuple = Tuple::new(17, endpoint, endpoint);
    let mut report = Report::default();
    report.compare("a", tuple, |c| {
        assert!(c.check("packets", &1, &1));
        assert!(!c.check("bytes", &3, &4));
        c.check_close("duration", 1.0, 1.5, 0.1);
    });
    report.compare("b", tuple, |c| c.check_close("duration", 1.0, 1.05, 0.1));
    let report = Report::merge([report, Report::default()]);
    assert_eq!(
        report.differences,
        [Difference {
            capture: "a".into(),
            tuple: "udp 10.0.0.1 53 10.0.0.1 53".into(),
            what: "bytes 3 not 4; duration 1.000000 not 1.500000".into(),
        }]
    );
    assert_eq!(report.compared("duration"), 2);
    assert_eq!(
        report.to_string(),
        "bytes 0/1; duration 1/2; packets 1/1; 1 differences"
    );
}
