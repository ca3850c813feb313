use std::{
    path::PathBuf,
    process::{Command, ExitStatus},
};

use anyhow::{Context as _, Result};
use flowtrack_tests::command::flowtrack;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    folder,
    table::Table,
    tuple::{Endpoint, Tuple},
};

/// `flowtrack read` on one capture, to its end.
pub(crate) struct Reading {
    pub(crate) status: ExitStatus,
    pub(crate) ledger: Value,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A flow, or the part of it between two cuts.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) proto: u8,
    pub(crate) initiator: Endpoint,
    pub(crate) responder: Endpoint,
    /// Seconds.
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) end_reason: String,
    /// What the initiator sent, then what the responder sent.
    pub(crate) volumes: [Volume; 2],
}

/// What one side has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Volume {
    pub(crate) packets: u64,
    pub(crate) wire_bytes: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) payload_bytes: u64,
}

impl Reading {
    /// Reads `capture`, a path below the folder of all captures; one output goes to standard output.
    pub(crate) fn new(capture: &str, output: &str, arguments: &[&str]) -> Result<Self> {
        let folder = TempDir::new()?;
        let ledger: PathBuf = folder.path().join("ledger");
        let result = Command::new(flowtrack()?)
            .arg("read")
            .arg(folder::capture(capture))
            .args(["-o", &format!("{output}:-")])
            .arg("--ledger")
            .arg(&ledger)
            .args(arguments)
            .output()
            .context("cannot start flowtrack")?;
        let stderr = String::from_utf8_lossy(&result.stderr).into_owned();
        let ledger = std::fs::read_to_string(&ledger)
            .with_context(|| format!("no ledger of {capture}: {stderr}"))?;
        Ok(Self {
            status: result.status,
            ledger: serde_json::from_str(&ledger)?,
            stdout: String::from_utf8(result.stdout)?,
            stderr,
        })
    }

    /// The records of `capture`.
    pub(crate) fn records(capture: &str, arguments: &[&str]) -> Result<Vec<Record>> {
        Self::new(capture, "json", arguments)?.json_records()
    }

    /// The connections of `capture`, in the format of Zeek.
    pub(crate) fn connections(capture: &str, arguments: &[&str]) -> Result<Table> {
        Table::parse_zeek_log(&Self::new(capture, "zeek", arguments)?.stdout)
    }

    pub(crate) fn json_records(&self) -> Result<Vec<Record>> {
        self.stdout.lines().map(Record::parse).collect()
    }

    /// A number of the ledger's total, by its path, for example `/records/packets`.
    pub(crate) fn total(&self, path: &str) -> Result<u64> {
        number(&self.ledger["total"], path)
    }
}

impl Record {
    fn parse(line: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(line)?;
        let endpoint = |address: &str, port: &str| -> Result<Endpoint> {
            let address = value[address].as_str().context("no address")?;
            Ok((address.parse()?, number(&value, port)?.try_into()?))
        };
        let seconds = |name: &str| value[name].as_f64().context(name.to_owned());
        Ok(Self {
            proto: number(&value, "/ip_proto")?.try_into()?,
            initiator: endpoint("src", "/src_port")?,
            responder: endpoint("dst", "/dst_port")?,
            start: seconds("start")?,
            end: seconds("end")?,
            end_reason: value["end_reason"].as_str().context("no end")?.to_owned(),
            volumes: [
                Volume::parse(&value["initiator"])?,
                Volume::parse(&value["responder"])?,
            ],
        })
    }

    pub(crate) fn tuple(&self) -> Tuple {
        Tuple::new(self.proto, self.initiator, self.responder)
    }
}

impl Volume {
    fn parse(side: &Value) -> Result<Self> {
        Ok(Self {
            packets: number(side, "/packets")?,
            wire_bytes: number(side, "/wire_bytes")?,
            ip_bytes: number(side, "/ip_bytes")?,
            payload_bytes: number(side, "/payload_bytes")?,
        })
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.wire_bytes += other.wire_bytes;
        self.ip_bytes += other.ip_bytes;
        self.payload_bytes += other.payload_bytes;
    }
}

fn number(value: &Value, path: &str) -> Result<u64> {
    let number = value.pointer(path).and_then(Value::as_u64);
    number.with_context(|| format!("no number {path} in {value:#}"))
}
