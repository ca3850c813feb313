//! What the program copies of single frames, by `BPF_PROG_TEST_RUN`.

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader, TestRunOptions,
    maps::{Array, PerCpuArray},
    programs::{TestRun as _, Xdp},
};
use flowtrack::{
    capture::{
        headers::{Burst, HeaderMap, HeaderRing, RingConfig},
        xdp::OBJECT,
    },
    sys::clock::TaiClock,
};
use flowtrack_common::abi::{
    CAPTURE_PROGRAM, CaptureSettings, HEADERS_MAP, MODE_INLINE, MODE_OBSERVE, SETTINGS_MAP,
    SNAP_GLOBAL, VERDICTS_MAP, Verdicts,
};
use flowtrack_tests::inject::on_one_cpu;

use crate::test_run::frames;

const XDP_PASS: u32 = 2;
const SNAP: u32 = 100;

struct Program {
    ebpf: Ebpf,
    /// Of the first CPU.
    ring: HeaderRing,
}

fn xdp(ebpf: &mut Ebpf) -> Result<&mut Xdp> {
    let program = ebpf.program_mut(CAPTURE_PROGRAM);
    Ok(program.context("no capture program")?.try_into()?)
}

impl Program {
    fn load(mode: u32, packets: u32) -> Result<Self> {
        let mut ebpf = EbpfLoader::new()
            .override_global(SNAP_GLOBAL, &SNAP, true)
            .load(OBJECT)?;
        xdp(&mut ebpf)?.load()?;
        let map = ebpf.take_map(HEADERS_MAP).context("no map of rings")?;
        let config = RingConfig {
            cpu: 0,
            packets,
            snap: SNAP,
            burst: 64,
        };
        let ring = HeaderRing::open(&config, &[HeaderMap::new(map)?])?;
        let settings = ebpf.map_mut(SETTINGS_MAP).context("no settings")?;
        let settings_of_mode = CaptureSettings {
            mode,
            ..CaptureSettings::default()
        };
        Array::try_from(settings)?.set(0, settings_of_mode, 0)?;
        Ok(Self { ebpf, ring })
    }

    /// The verdict about `frame`, which the program leaves as it is.
    fn run(&mut self, frame: &[u8]) -> Result<u32> {
        let mut out = vec![0; frame.len() + 256];
        let result = xdp(&mut self.ebpf)?.test_run(TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::default()
        })?;
        assert_eq!(&out[..result.data_size_out as usize], frame);
        Ok(result.return_value)
    }

    fn verdicts(&self) -> Result<Verdicts> {
        let map = self.ebpf.map(VERDICTS_MAP).context("no verdicts")?;
        let mut sum = Verdicts::default();
        let cpus = PerCpuArray::<_, Verdicts>::try_from(map)?.get(&0, 0)?;
        cpus.iter().for_each(|cpu| sum += *cpu);
        Ok(sum)
    }

    /// What lies in the ring: bytes and length of each frame.
    fn copies(&mut self) -> (Vec<(Vec<u8>, u32)>, Burst) {
        let mut copies = Vec::new();
        let burst = self.ring.receive(TaiClock::measure(), |frame| {
            copies.push((frame.bytes.to_vec(), frame.wire_len));
        });
        (copies, burst)
    }
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn the_first_bytes_of_every_frame_are_copied_and_the_frame_passes_unchanged() -> Result<()> {
    on_one_cpu(|| {
        let mut program = Program::load(MODE_OBSERVE, 64)?;
        let frames = frames();
        for frame in &frames {
            assert_eq!(program.run(frame)?, XDP_PASS);
        }
        let expected: Vec<_> = frames
            .iter()
            .map(|frame| {
                let copied = frame.len().min(SNAP as usize);
                (
                    frame[..copied].to_vec(),
                    u32::try_from(frame.len()).expect("short"),
                )
            })
            .collect();
        let (copies, burst) = program.copies();
        assert_eq!(copies, expected);
        assert_eq!((burst.packets, burst.lost), (frames.len() as u64, 0));
        let verdicts = program.verdicts()?;
        assert_eq!(verdicts.observed.packets, frames.len() as u64);
        let bytes: u64 = frames.iter().map(|frame| frame.len() as u64).sum();
        assert_eq!(verdicts.observed.bytes, bytes);
        Ok(())
    })
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn a_full_ring_counts_what_it_has_no_room_for_and_the_next_copy_tells_of_it() -> Result<()> {
    on_one_cpu(|| {
        let mut program = Program::load(MODE_OBSERVE, 64)?;
        let frame = vec![0; 60];
        for _ in 0..2000 {
            assert_eq!(program.run(&frame)?, XDP_PASS);
        }
        let verdicts = program.verdicts()?;
        let (observed, full) = (verdicts.observed.packets, verdicts.ring_full.packets);
        assert_eq!(observed + full, 2000);
        assert!(observed >= 64 && full > 0, "{verdicts:?}");
        let mut taken = 0;
        loop {
            let (_, burst) = program.copies();
            assert_eq!(burst.lost, 0, "before the gap");
            taken += burst.packets;
            if burst.packets == 0 {
                break;
            }
        }
        assert_eq!(taken, observed);
        for lost in [full, 0] {
            program.run(&frame)?;
            let (_, burst) = program.copies();
            assert_eq!((burst.packets, burst.lost), (1, lost));
        }
        Ok(())
    })
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn without_another_interface_nothing_is_copied_and_the_frame_passes() -> Result<()> {
    on_one_cpu(|| {
        let mut program = Program::load(MODE_INLINE, 64)?;
        let frames = frames();
        for frame in &frames {
            assert_eq!(program.run(frame)?, XDP_PASS);
        }
        assert_eq!(program.copies().1, Burst::default());
        let verdicts = program.verdicts()?;
        assert_eq!(verdicts.no_peer.packets, frames.len() as u64);
        assert_eq!(verdicts.captured().packets, 0);
        Ok(())
    })
}
