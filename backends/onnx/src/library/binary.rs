//! What system and processor a shared library was built for, read from its first bytes, so that the loader need not try.

use std::env::consts::{ARCH, OS};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// As much of a file as its headers take.
const HEAD: u64 = 4096;

/// Tests that `path` is a library for this machine, as far as its first bytes tell; else why it is not.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| {
        let length = file.metadata()?.len();
        file.take(HEAD).read_to_end(&mut head)?;
        Ok(length)
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Err("is not there".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
        Ok(length) => check_head(&head, OS, ARCH).and_then(|()| check_length(&head, length)),
    }
}

/// Tests that an ELF file of `length` bytes has all that the loader would map of it: touching what lies beyond its end would
/// end the process. Other systems' loaders look for themselves.
fn check_length(head: &[u8], length: u64) -> Result<(), String> {
    /// The kind of a segment that is mapped.
    const LOAD: u32 = 1;
    // 64-bit, little-endian, as every machine is that this is built for.
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return Ok(());
    }
    let table = || {
        let at = usize::try_from(u64_at(head, 32)?).ok()?;
        let (size, count) = (u16_at(head, 54)?, u16_at(head, 56)?);
        Some((at, usize::from(size), usize::from(count)))
    };
    let (at, size, count) = table().ok_or("was cut short; fetch it again")?;
    let end = |index: usize| {
        let at = at.checked_add(index * size)?;
        let is_mapped = u32_at(head, at)? == LOAD;
        let end = u64_at(head, at + 8)?.saturating_add(u64_at(head, at + 32)?);
        is_mapped.then_some(end)
    };
    match (0..count).filter_map(end).max() {
        Some(needed) if needed > length => Err(format!(
            "was cut short: it has {length} of at least {needed} bytes; fetch it again"
        )),
        Some(_) | None => Ok(()),
    }
}

fn check_head(head: &[u8], os: &str, arch: &str) -> Result<(), String> {
    let Some((systems, processors)) = kind(head) else {
        return Err("is no shared library".to_owned());
    };
    let fits_system = match systems {
        Format::Elf => !matches!(os, "windows" | "macos"),
        Format::MachO => os == "macos",
        Format::Pe => os == "windows",
    };
    // A processor that the list does not know is left to the loader.
    let fits_processor = processors.iter().any(|it| it.is_none_or(|it| it == arch));
    if fits_system && fits_processor {
        return Ok(());
    }
    let known: Vec<&str> = processors.into_iter().flatten().collect();
    let wants = match known.is_empty() {
        true => systems.name().to_owned(),
        false => format!("{} on {}", systems.name(), known.join(" and ")),
    };
    Err(format!(
        "was built for {wants}, and this machine is {os} on {arch}"
    ))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf,
    MachO,
    Pe,
}

impl Format {
    /// The system that has it; those with ELF are as good as one here.
    fn name(self) -> &'static str {
        match self {
            Self::Elf => "linux",
            Self::MachO => "macos",
            Self::Pe => "windows",
        }
    }
}

/// The format, and the processors in the words of `std::env::consts::ARCH`; `None` for those without a word here.
fn kind(head: &[u8]) -> Option<(Format, Vec<Option<&'static str>>)> {
    match head.get(..4)? {
        b"\x7fELF" => Some((Format::Elf, vec![elf(u16_at(head, 18)?)])),
        b"\xcf\xfa\xed\xfe" => Some((Format::MachO, vec![mach(u32_at(head, 4)?)])),
        b"\xca\xfe\xba\xbe" => Some((Format::MachO, universal(head)?)),
        [b'M', b'Z', ..] => {
            let at = u32_at(head, 0x3c)? as usize;
            let is_pe = head.get(at..at.checked_add(4)?)? == b"PE\0\0";
            is_pe.then_some((Format::Pe, vec![pe(u16_at(head, at + 4)?)]))
        }
        _ => None,
    }
}

/// The processors of a universal library: big-endian, an entry of 20 bytes each.
fn universal(head: &[u8]) -> Option<Vec<Option<&'static str>>> {
    let count = u32_at(head, 4)?.swap_bytes() as usize;
    let entry = |index: usize| Some(mach(u32_at(head, 8 + 20 * index)?.swap_bytes()));
    // Java's classes begin with the same four bytes, and then have a version that no number of processors reaches.
    (0..count).take(16).map(entry).collect()
}

fn elf(machine: u16) -> Option<&'static str> {
    match machine {
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        _ => None,
    }
}

fn mach(processor: u32) -> Option<&'static str> {
    match processor {
        0x0100_0007 => Some("x86_64"),
        0x0100_000c => Some("aarch64"),
        _ => None,
    }
}

fn pe(machine: u16) -> Option<&'static str> {
    match machine {
        0x8664 => Some("x86_64"),
        0xaa64 => Some("aarch64"),
        _ => None,
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// The first bytes of a library for a system and a processor.
#[cfg(test)]
pub(super) fn head_for(os: &str, arch: &str) -> Vec<u8> {
    let is_arm = arch == "aarch64";
    let mut head = vec![0; 128];
    match os {
        "windows" => {
            head[..2].copy_from_slice(b"MZ");
            head[0x3c] = 0x40;
            head[0x40..0x44].copy_from_slice(b"PE\0\0");
            let machine: u16 = if is_arm { 0xaa64 } else { 0x8664 };
            head[0x44..0x46].copy_from_slice(&machine.to_le_bytes());
        }
        "macos" => {
            head[..4].copy_from_slice(b"\xcf\xfa\xed\xfe");
            let processor: u32 = if is_arm { 0x0100_000c } else { 0x0100_0007 };
            head[4..8].copy_from_slice(&processor.to_le_bytes());
        }
        _ => {
            head[..4].copy_from_slice(b"\x7fELF");
            head[18] = if is_arm { 183 } else { 62 };
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &[u8], os: &str, arch: &str, refusal: Option<&str>) {
        let said = check_head(head, os, arch).err();
        assert_eq!(said.as_deref(), refusal);
    }

    #[test]
    fn a_library_for_this_machine_passes() {
        for os in ["linux", "macos", "windows"] {
            for arch in ["x86_64", "aarch64"] {
                check(&head_for(os, arch), os, arch, None);
            }
        }
        check(&head_for("linux", "x86_64"), "freebsd", "x86_64", None);
    }

    #[test]
    fn another_system_or_processor_is_named() {
        check(
            &head_for("linux", "aarch64"),
            "linux",
            "x86_64",
            Some("was built for linux on aarch64, and this machine is linux on x86_64"),
        );
        check(
            &head_for("windows", "x86_64"),
            "linux",
            "x86_64",
            Some("was built for windows on x86_64, and this machine is linux on x86_64"),
        );
    }

    #[test]
    fn a_universal_library_fits_each_of_its_processors() {
        let mut head = b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec();
        for processor in [0x0100_0007_u32, 0x0100_000c] {
            head.extend(processor.to_be_bytes());
            head.extend([0; 16]);
        }
        check(&head, "macos", "x86_64", None);
        check(&head, "macos", "aarch64", None);
        check(
            &head,
            "linux",
            "x86_64",
            Some("was built for macos on x86_64 and aarch64, and this machine is linux on x86_64"),
        );
    }

    #[test]
    fn a_processor_without_a_word_is_left_to_the_loader() {
        let mut head = head_for("linux", "x86_64");
        head[18] = 243;
        check(&head, "linux", "riscv64", None);
    }

    #[test]
    fn text_and_stumps_are_no_libraries() {
        for head in [&b""[..], b"GIF", b"no library at all", b"\x7fELF", b"MZ"] {
            check(head, "linux", "x86_64", Some("is no shared library"));
        }
    }
}
