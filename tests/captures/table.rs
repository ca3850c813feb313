use std::{collections::BTreeMap, fs, net::IpAddr, path::Path, sync::Arc};

use anyhow::{Context as _, Result};

/// A table: one line names the columns, each line behind it is a row.
#[derive(Clone, Debug)]
pub(crate) struct Table(Vec<Row>);

/// A row, and the names of its columns.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    columns: Arc<Vec<String>>,
    values: Vec<String>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (columns, rows) = text.split_once('\n').context("no line names the columns")?;
        Ok(Self::of(columns, rows.lines()))
    }

    /// A log of Zeek: the line `#fields` names the columns, other lines with `#` are comments.
    pub(crate) fn parse_zeek_log(text: &str) -> Result<Self> {
        let columns = text.lines().find_map(|line| line.strip_prefix("#fields\t"));
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        Ok(Self::of(columns.context("no line #fields")?, rows))
    }

    fn of<'a>(columns: &'a str, rows: impl Iterator<Item = &'a str>) -> Self {
        let columns = Arc::new(split(columns));
        let row = |line| Row {
            columns: Arc::clone(&columns),
            values: split(line),
        };
        Self(rows.map(row).collect())
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.0
    }

    /// A table for each capture.
    pub(crate) fn by_capture(self) -> Result<Vec<(String, Self)>> {
        let mut captures: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in self.0 {
            let capture = row.text("capture")?.to_owned();
            captures.entry(capture).or_default().push(row);
        }
        let tables = captures.into_iter();
        Ok(tables
            .map(|(capture, rows)| (capture, Self(rows)))
            .collect())
    }
}

impl Row {
    pub(crate) fn text(&self, column: &str) -> Result<&str> {
        let index = self.columns.iter().position(|name| name == column);
        let value = index.and_then(|index| self.values.get(index));
        value
            .map(String::as_str)
            .with_context(|| format!("no column {column} in {}", self.values.join("\t")))
    }

    /// A count; `-` is none.
    pub(crate) fn count(&self, column: &str) -> Result<u64> {
        match self.text(column)? {
            "-" => Ok(0),
            text => text.parse().with_context(|| format!("{column}: {text}")),
        }
    }

    /// Seconds; `-` is none.
    pub(crate) fn seconds(&self, column: &str) -> Result<f64> {
        match self.text(column)? {
            "-" => Ok(0.0),
            text => text.parse().with_context(|| format!("{column}: {text}")),
        }
    }

    /// An address and a port, in columns of their own.
    pub(crate) fn endpoint(&self, address: &str, port: &str) -> Result<(IpAddr, u16)> {
        let (address, port) = (self.text(address)?, self.text(port)?);
        Ok((
            address.parse().with_context(|| address.to_owned())?,
            port.parse().with_context(|| port.to_owned())?,
        ))
    }
}

fn split(line: &str) -> Vec<String> {
    line.split('\t').map(str::to_owned).collect()
}

#[test]
fn a_log_of_zeek_is_a_table() {
    let log = "#path\tconn\n#fields\tts\tid.orig_h\n#types\ttime\taddr\n1.5\t::1\n#close\n";
    let table = Table::parse_zeek_log(log).expect("a table");
    assert_eq!(table.rows().len(), 1);
    assert_eq!(
        table.rows()[0].text("id.orig_h").expect("an address"),
        "::1"
    );
    assert!(table.rows()[0].text("history").is_err());
}
