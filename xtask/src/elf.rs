//! As much of ELF as shows what is in an eBPF object.

/// A section that holds instructions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

const MAGIC: &[u8] = b"\x7fELF";
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const EM_BPF: u64 = 247;
const SHF_EXECINSTR: u64 = 4;

/// The sections of an eBPF object that hold programs, subprograms (`.text`) included; `None` if
/// the bytes are no such object.
pub(crate) fn programs(object: &[u8]) -> Option<Vec<Section>> {
    let ident = object.get(..16)?;
    let is_bpf =
        ident.starts_with(MAGIC) && ident[4] == CLASS_64 && number(object, 18, 2)? == EM_BPF;
    if !is_bpf || ident[5] != LITTLE_ENDIAN {
        return None;
    }
    let table = number(object, 40, 8)?;
    let entry_size = number(object, 58, 2)?;
    let entries = number(object, 60, 2)?;
    let names = number(object, 62, 2)?;
    let header = |index: u64| -> Option<&[u8]> {
        let start = usize::try_from(table + index * entry_size).ok()?;
        object.get(start..)
    };
    let names_start = number(header(names)?, 24, 8)?;

    let mut sections = Vec::new();
    for index in 0..entries {
        let section = header(index)?;
        let bytes = number(section, 32, 8)?;
        if number(section, 8, 8)? & SHF_EXECINSTR != 0 && bytes > 0 {
            let name = text(object, names_start + number(section, 0, 4)?)?;
            sections.push(Section { name, bytes });
        }
    }
    Some(sections)
}

/// A little-endian number of up to 8 bytes.
fn number(bytes: &[u8], start: usize, len: usize) -> Option<u64> {
    let digits = bytes.get(start..start.checked_add(len)?)?;
    Some(
        digits
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)),
    )
}

/// A string that a zero byte ends.
fn text(bytes: &[u8], start: u64) -> Option<String> {
    let rest = bytes.get(usize::try_from(start).ok()?..)?;
    let text = rest.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Section, programs};

    /// An object with an empty section, the section names, and a program of 16 bytes.
    fn object() -> Vec<u8> {
        let mut object = vec![0; 64 + 3 * 64];
        object[..6].copy_from_slice(b"\x7fELF\x02\x01");
        object[18] = 247;
        object[40] = 64;
        object[58] = 64;
        object[60] = 3;
        object[62] = 1;
        object[64 + 64 + 24] = 0;
        object[64 + 64 + 25] = 1;
        let program = 64 + 2 * 64;
        object[program] = 1;
        object[program + 8] = 4;
        object[program + 32] = 16;
        object.extend(b"\0xdp.frags\0");
        object
    }

    #[test]
    fn program_sections_are_listed() {
        let section = Section {
            name: "xdp.frags".into(),
            bytes: 16,
        };
        assert_eq!(programs(&object()), Some(vec![section]));
    }

    #[test]
    fn what_is_no_ebpf_object_is_refused() {
        assert_eq!(programs(b""), None);
        assert_eq!(programs(b"#!/bin/sh\nexit 0\n# not an object"), None);
        let mut host = object();
        host[18] = 62;
        assert_eq!(programs(&host), None);
        let whole = object();
        assert_eq!(programs(&whole[..whole.len() - 64]), None);
    }
}
