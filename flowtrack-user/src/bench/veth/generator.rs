//! The XDP program `generator`, run by the kernel on a template packet.
#![forbid(unsafe_code)]

use anyhow::Context as _;
use aya::{
    Ebpf, TestRunAttrs, TestRunOptions,
    maps::{Array, DevMap},
    programs::{TestRun as _, Xdp},
};
use flowtrack_common::abi::{
    GENERATOR_PORT_MAP, GENERATOR_PROGRAM, GENERATOR_SETTINGS_MAP, GeneratorSettings,
};

use crate::{bench::template, capture::xdp::OBJECT};

/// Packets that the kernel hands to the link at once: a veth ring has room for four times as many.
const BATCH: u32 = 64;

/// The loaded generator of one interface.
pub(super) struct Generator {
    ebpf: Ebpf,
}

impl Generator {
    /// Loads it; it will send on the interface with this index.
    pub(super) fn new(index: u32) -> anyhow::Result<Self> {
        let mut ebpf = Ebpf::load(OBJECT).context("cannot load the eBPF object")?;
        program(&mut ebpf)?
            .load()
            .context("the verifier refused the generator")?;
        let port = ebpf
            .map_mut(GENERATOR_PORT_MAP)
            .context("no map of ports")?;
        DevMap::try_from(port)?.set(0, index, None, 0)?;
        Ok(Self { ebpf })
    }

    /// Makes `packets` packets of `flows` flows, on the core of this thread, as fast as it can; returns
    /// how many it has made.
    pub(super) fn send(&mut self, packets: u64, flows: u64) -> anyhow::Result<u64> {
        let (source_address, source_port) = template::SOURCE;
        let settings = GeneratorSettings {
            flows: flows.max(1),
            next: 0,
            source_address,
            source_port,
        };
        self.settings()?.set(0, settings, 0)?;
        let template = template::udp();
        let program = program(&mut self.ebpf)?;
        let mut left = packets;
        while left > 0 {
            let step = u32::try_from(left).unwrap_or(u32::MAX);
            let mut options = TestRunOptions::new();
            options.data_in = Some(&template);
            options.repeat = step;
            options.attrs = TestRunAttrs::new().xdp_live_frames(BATCH);
            program
                .test_run(options)
                .context("BPF_PROG_RUN of the generator failed")?;
            left -= u64::from(step);
        }
        Ok(self.settings()?.get(&0, 0)?.next)
    }

    fn settings(&mut self) -> anyhow::Result<Array<&mut aya::maps::MapData, GeneratorSettings>> {
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
