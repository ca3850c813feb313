//! Many packets a second: the XDP program `generator`, run by the kernel on a template packet.
#![forbid(unsafe_code)]

use std::net::SocketAddrV4;

use anyhow::Context as _;
use aya::{
    Ebpf, TestRunAttrs, TestRunOptions,
    maps::{Array, DevMap, MapData},
    programs::{TestRun as _, Xdp},
};
use flowtrack_common::abi::{
    GENERATOR_PORT_MAP, GENERATOR_PROGRAM, GENERATOR_SETTINGS_MAP, GeneratorSettings,
};

use super::BenchError;
use crate::capture::xdp::OBJECT;

/// Packets that the kernel hands to the link at once: a veth ring has room for four times as many.
const BATCH: u32 = 64;

/// The loaded generator of one interface. The other end of a veth pair must have an XDP program: it
/// takes packets from XDP only then.
pub struct Generator {
    ebpf: Ebpf,
}

impl Generator {
    /// Loads it; it will send on the interface with this index.
    pub fn new(index: u32) -> Result<Self, BenchError> {
        let mut ebpf = Ebpf::load(OBJECT).context("cannot load the eBPF object")?;
        program(&mut ebpf)?
            .load()
            .context("the verifier refused the generator")?;
        let port = ebpf
            .map_mut(GENERATOR_PORT_MAP)
            .context("no map of ports")?;
        let mut port = DevMap::try_from(port).context("no map of ports")?;
        port.set(0, index, None, 0)
            .with_context(|| format!("cannot redirect to interface {index}"))?;
        Ok(Self { ebpf })
    }

    /// The packets from now on belong to `flows` flows, round robin: the source of the first one is
    /// `source`, the others follow, first by port.
    pub fn set_up(&mut self, flows: u64, source: SocketAddrV4) -> Result<(), BenchError> {
        let settings = GeneratorSettings {
            flows: flows.max(1),
            next: 0,
            source_address: source.ip().to_bits(),
            source_port: source.port().into(),
        };
        self.settings()?
            .set(0, settings, 0)
            .context("cannot set the generator up")?;
        Ok(())
    }

    /// Sends `packets` copies of `template`, an untagged frame with IPv4 and UDP or TCP, on the core of
    /// this thread and as fast as it can.
    pub fn send(&mut self, template: &[u8], packets: u32) -> Result<(), BenchError> {
        let mut options = TestRunOptions::new();
        options.data_in = Some(template);
        options.repeat = packets;
        options.attrs = TestRunAttrs::new().xdp_live_frames(BATCH);
        program(&mut self.ebpf)?
            .test_run(options)
            .context("BPF_PROG_RUN of the generator failed")?;
        Ok(())
    }

    /// Packets made since it was set up.
    pub fn sent(&mut self) -> Result<u64, BenchError> {
        let settings = self.settings()?.get(&0, 0);
        Ok(settings.context("the generator does not tell")?.next)
    }

    fn settings(&mut self) -> anyhow::Result<Array<&mut MapData, GeneratorSettings>> {
        let map = self
            .ebpf
            .map_mut(GENERATOR_SETTINGS_MAP)
            .context("no map of settings")?;
        Ok(Array::try_from(map)?)
    }
}

fn program(ebpf: &mut Ebpf) -> anyhow::Result<&mut Xdp> {
    let program = ebpf
        .program_mut(GENERATOR_PROGRAM)
        .with_context(|| format!("no program {GENERATOR_PROGRAM} in the eBPF object"))?;
    Ok(program.try_into()?)
}
