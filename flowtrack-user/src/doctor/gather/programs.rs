//! XDP programs on an interface, and who holds them.

use aya::programs::loaded_programs;

use super::files;
use crate::{
    doctor::facts::{Process, Program},
    sys::netlink::XdpAttachment,
};

/// What is known of these programs.
pub(super) fn gather(attachments: &[XdpAttachment]) -> Vec<Program> {
    let program = |attachment: &XdpAttachment| Program {
        id: attachment.program,
        mode: attachment.mode,
        name: name(attachment.program),
        owners: owners(attachment.program),
    };
    attachments.iter().map(program).collect()
}

/// Only root may ask for it.
fn name(id: u32) -> Option<String> {
    let program = loaded_programs()
        .map_while(Result::ok)
        .find(|program| program.id() == id)?;
    Some(program.name_as_str()?.to_owned()).filter(|name| !name.is_empty())
}

/// Processes with a descriptor of the program or of its link.
fn owners(id: u32) -> Vec<Process> {
    let line = format!("prog_id:\t{id}");
    let holds = |process: u32| {
        let folder = format!("/proc/{process}/fdinfo");
        files::entries(&folder).iter().any(|descriptor| {
            let info = files::read(format!("{folder}/{descriptor}"));
            info.is_ok_and(|info| info.lines().any(|found| found == line))
        })
    };
    let processes = files::entries("/proc");
    let processes = processes.iter().filter_map(|entry| entry.parse().ok());
    processes
        .filter(|&process| holds(process))
        .map(|id| Process {
            id,
            name: files::read(format!("/proc/{id}/comm")).unwrap_or_default(),
        })
        .collect()
}
