//! The XDP program: load, attach, read its counters, detach.
#![forbid(unsafe_code)]

use std::{error::Error as _, os::fd::AsRawFd};

use aya::{
    Ebpf, EbpfError, EbpfLoader,
    maps::{Array, DevMap, MapData, MapError, PerCpuArray, XskMap, xdp::XdpMapError},
    programs::{ProgramError as AyaProgramError, Xdp, XdpMode, links::FdLink},
};
use flowtrack_common::abi::{
    self, CaptureSettings, Verdicts,
    filter::{FILTERS_MAP, FilterProgram},
};

use crate::capture::headers::HeaderMap;

/// The eBPF object: the capture program and the traffic generator.
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/flowtrack-xdp"));

/// How the program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachMode {
    /// In the driver.
    Native,
    /// In the network stack: any interface can do that, slowly.
    Generic,
}

/// The program could not be loaded or attached.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The kernel does not take the object.
    #[error("cannot load the XDP program")]
    Load(#[from] EbpfError),
    /// The object is not the one that this was written for.
    #[error("the XDP object has no '{0}'")]
    Missing(&'static str),
    /// A map cannot be used.
    #[error("cannot use a map of the XDP program")]
    Map(#[from] MapError),
    /// Nothing can be forwarded.
    #[error("cannot forward to the other interface")]
    Peer(#[from] XdpMapError),
    /// The verifier does not take the program.
    #[error("cannot load the XDP program '{name}'")]
    Verify {
        /// Its name.
        name: &'static str,
        /// The reason.
        #[source]
        source: Box<AyaProgramError>,
    },
    /// Somebody else has an XDP program on the interface.
    #[error(
        "another XDP program is on the interface; `ip link show` names it, `ip link set IFACE xdp off` \
         or ending the process that owns it removes it"
    )]
    Busy,
    /// The interface takes no XDP program.
    #[error("cannot attach the XDP program")]
    Attach(#[source] Box<AyaProgramError>),
    /// The kernel has no BPF links for XDP, so a program would stay on after a crash.
    #[error("this kernel cannot attach an XDP program by a BPF link: it takes Linux 5.9")]
    NoLink,
}

/// A loaded capture program.
pub struct Program {
    ebpf: Ebpf,
    sockets: XskMap<MapData>,
    verdicts: PerCpuArray<MapData, Verdicts>,
    settings: Array<MapData, CaptureSettings>,
    /// What stands in `settings`.
    current: CaptureSettings,
    filters: Array<MapData, FilterProgram>,
    bypass: Array<MapData, u32>,
    headers: HeaderMap,
    peer: DevMap<MapData>,
    link: Option<FdLink>,
}

impl Program {
    /// Loads it; with `stamp` it puts a [`abi::Stamp`] in front of each packet that it redirects, and in
    /// the modes that copy it copies the first `snap` bytes, at least 14.
    pub fn load(stamp: bool, snap: u32) -> Result<Self, ProgramError> {
        let stamp = u32::from(stamp);
        let mut ebpf = EbpfLoader::new()
            .override_global(abi::STAMP_GLOBAL, &stamp, true)
            .override_global(abi::SNAP_GLOBAL, &snap, true)
            .load(OBJECT)?;
        let mut map = |name| ebpf.take_map(name).ok_or(ProgramError::Missing(name));
        let (sockets, verdicts) = (map(abi::XSKS_MAP)?, map(abi::VERDICTS_MAP)?);
        let filters = map(FILTERS_MAP)?;
        let (settings, bypass) = (map(abi::SETTINGS_MAP)?, map(abi::BYPASS_MAP)?);
        let (headers, peer) = (map(abi::HEADERS_MAP)?, map(abi::PEER_MAP)?);
        let mut program = Self {
            ebpf,
            sockets: XskMap::try_from(sockets)?,
            verdicts: PerCpuArray::try_from(verdicts)?,
            settings: Array::try_from(settings)?,
            current: CaptureSettings::default(),
            filters: Array::try_from(filters)?,
            bypass: Array::try_from(bypass)?,
            headers: HeaderMap::new(headers)?,
            peer: DevMap::try_from(peer)?,
            link: None,
        };
        program
            .xdp()?
            .load()
            .map_err(|source| ProgramError::Verify {
                name: abi::CAPTURE_PROGRAM,
                source: Box::new(source),
            })?;
        Ok(program)
    }

    /// The loaded object, for its log.
    pub fn ebpf(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    /// Redirects the packets of `queue` to `socket`.
    pub fn set_socket(&mut self, queue: u32, socket: impl AsRawFd) -> Result<(), ProgramError> {
        Ok(self.sockets.set(queue, socket, 0)?)
    }

    /// Where it looks for the rings that it copies headers into.
    pub fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// Forwards packets out of the interface with this index.
    pub fn set_peer(&mut self, index: u32) -> Result<(), ProgramError> {
        Ok(self.peer.set(0, index, None, 0)?)
    }

    /// Changes what it does with packets, from the next one on; the filter and the bypassed queues stay.
    pub fn set(&mut self, settings: CaptureSettings) -> Result<(), ProgramError> {
        self.write(CaptureSettings {
            filter: self.current.filter,
            bypass: self.current.bypass,
            ..settings
        })
    }

    fn write(&mut self, settings: CaptureSettings) -> Result<(), ProgramError> {
        self.settings.set(0, settings, 0)?;
        self.current = settings;
        Ok(())
    }

    /// Takes only the packets that `filter` wants, from the next one on, or all of them. A packet is
    /// decided by the filter before or by this one, never by parts of both.
    pub fn set_filter(&mut self, filter: Option<&FilterProgram>) -> Result<(), ProgramError> {
        let number = match filter {
            Some(filter) => {
                // The slot that does not decide at present.
                let slot = u32::from(self.current.filter == 1);
                self.filters.set(slot, filter, 0)?;
                slot + 1
            }
            None => 0,
        };
        self.write(CaptureSettings {
            filter: number,
            ..self.current
        })
    }

    /// Leaves the packets of `queue` to the kernel, or captures them again.
    pub fn bypass(&mut self, queue: u32, bypass: bool) -> Result<(), ProgramError> {
        self.bypass.set(queue, u32::from(bypass), 0)?;
        self.write(CaptureSettings {
            bypass: 1,
            ..self.current
        })
    }

    /// Attaches it: native if the driver can, else generic.
    ///
    /// The attachment is a BPF link: the kernel removes it when the process ends, however it ends.
    pub fn attach(&mut self, index: u32) -> Result<AttachMode, ProgramError> {
        let native = match self.attach_as(index, XdpMode::Driver) {
            Ok(()) => return Ok(AttachMode::Native),
            Err(error) => error,
        };
        if matches!(native, ProgramError::Busy) {
            return Err(native);
        }
        self.attach_as(index, XdpMode::Skb)?;
        let reason = native
            .source()
            .map_or_else(String::new, |source| format!(": {source}"));
        log::warn!("native XDP is not possible, generic XDP is slow: {native}{reason}");
        Ok(AttachMode::Generic)
    }

    fn attach_as(&mut self, index: u32, mode: XdpMode) -> Result<(), ProgramError> {
        let attach = |error: AyaProgramError| {
            if is_busy(&error) {
                ProgramError::Busy
            } else {
                ProgramError::Attach(Box::new(error))
            }
        };
        let program = self.xdp()?;
        let id = program.attach_to_if_index(index, mode).map_err(attach)?;
        let link = program.take_link(id).map_err(attach)?;
        // A link of the older kind would outlive the process; dropping it takes the program off.
        self.link = Some(FdLink::try_from(link).map_err(|_| ProgramError::NoLink)?);
        Ok(())
    }

    /// Takes it off the interface. Packets go to the kernel from now on.
    pub fn detach(&mut self) {
        self.link = None;
    }

    /// What was decided about the packets of `queue` so far, on all CPUs.
    pub fn verdicts(&self, queue: u32) -> Result<Verdicts, ProgramError> {
        let mut sum = Verdicts::default();
        for verdicts in self.verdicts.get(&queue, 0)?.iter() {
            sum += *verdicts;
        }
        Ok(sum)
    }

    /// What was decided about the packets of each CPU so far, on all queues; one for each possible CPU.
    pub fn verdicts_by_cpu(&self) -> Result<Vec<Verdicts>, ProgramError> {
        let mut sums = Vec::new();
        for slot in 0..=abi::OTHER_QUEUES {
            let cpus = self.verdicts.get(&slot, 0)?;
            sums.resize(cpus.len(), Verdicts::default());
            for (sum, verdicts) in sums.iter_mut().zip(cpus.iter()) {
                *sum += *verdicts;
            }
        }
        Ok(sums)
    }

    fn xdp(&mut self) -> Result<&mut Xdp, ProgramError> {
        let name = abi::CAPTURE_PROGRAM;
        let program = self
            .ebpf
            .program_mut(name)
            .ok_or(ProgramError::Missing(name))?;
        program.try_into().map_err(|source| ProgramError::Verify {
            name,
            source: Box::new(source),
        })
    }
}

fn is_busy(error: &AyaProgramError) -> bool {
    matches!(error, AyaProgramError::SyscallError(syscall)
        if matches!(syscall.io_error.raw_os_error(), Some(libc::EBUSY | libc::EEXIST)))
}
