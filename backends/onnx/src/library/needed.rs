//! The libraries that a library of Linux names as needed, read out of its file, so that nothing of it runs.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::binary::{u16_at, u32_at, u64_at};

/// Kinds of program headers.
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
/// Kinds of entries of the dynamic section.
const NEEDED: u64 = 1;
const NAMES: u64 = 5;
/// More than any library has of headers, entries, or bytes of a name.
const ENOUGH: usize = 4096;

/// The names in the order of the file; none if it cannot be read as such a library.
pub(super) fn of(path: &Path) -> Vec<String> {
    File::open(path)
        .ok()
        .and_then(|mut file| names(&mut file))
        .unwrap_or_default()
}

/// A part of the file that is mapped, or that says what is.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    bytes: u64,
}

fn names(file: &mut File) -> Option<Vec<String>> {
    let head = part(file, 0, 64)?;
    // 64-bit, little-endian.
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (size, count) = (
        usize::from(u16_at(&head, 54)?),
        usize::from(u16_at(&head, 56)?),
    );
    let table = part(file, u64_at(&head, 32)?, size.checked_mul(count)?)?;
    let segment = |index: usize| {
        let at = index * size;
        Some(Segment {
            kind: u32_at(&table, at)?,
            offset: u64_at(&table, at + 8)?,
            address: u64_at(&table, at + 16)?,
            bytes: u64_at(&table, at + 32)?,
        })
    };
    let segments: Vec<Segment> = (0..count).map(segment).collect::<Option<_>>()?;
    let dynamic = segments.iter().find(|it| it.kind == DYNAMIC)?;
    let entries = part(file, dynamic.offset, usize::try_from(dynamic.bytes).ok()?)?;
    let entries: Vec<(u64, u64)> = (0..entries.len() / 16)
        .map(|index| {
            Some((
                u64_at(&entries, index * 16)?,
                u64_at(&entries, index * 16 + 8)?,
            ))
        })
        .collect::<Option<_>>()?;
    let (_, address) = *entries.iter().find(|(kind, _)| *kind == NAMES)?;
    let holds = |it: &&Segment| {
        it.kind == LOAD && (it.address..it.address.saturating_add(it.bytes)).contains(&address)
    };
    let holder = segments.iter().find(holds)?;
    let names_at = holder.offset.checked_add(address - holder.address)?;
    let needed = entries.iter().filter(|(kind, _)| *kind == NEEDED);
    needed
        .map(|(_, at)| name(file, names_at.checked_add(*at)?))
        .collect()
}

fn name(file: &mut File, at: u64) -> Option<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at)).ok()?;
    file.take(ENOUGH as u64).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    bytes.truncate(end);
    String::from_utf8(bytes).ok()
}

fn part(file: &mut File, at: u64, length: usize) -> Option<Vec<u8>> {
    if length > ENOUGH * 16 {
        return None;
    }
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_system_needs_the_c_library() {
        let own = std::env::current_exe().expect("it has a path");
        let needed = of(&own);
        assert!(needed.iter().any(|name| name == "libc.so.6"), "{needed:?}");
    }

    #[test]
    fn what_is_no_library_needs_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in [
            ("text", &b"no library at all"[..]),
            ("stump", b"\x7fELF\x02\x01"),
            ("empty", b""),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("it is ours");
            assert_eq!(of(&path), Vec::<String>::new(), "{name}");
        }
        assert_eq!(of(&folder.path().join("nowhere")), Vec::<String>::new());
    }

    #[test]
    fn a_damaged_library_is_read_to_no_harm() {
        let own = std::env::current_exe().expect("it has a path");
        let mut head = vec![0; 4096];
        File::open(own)
            .and_then(|mut file| file.read_exact(&mut head))
            .expect("it can be read");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("damaged");
        for at in 6..1024 {
            let mut bytes = head.clone();
            bytes[at] = 0xff;
            std::fs::write(&path, bytes).expect("it is ours");
            // Whatever it names, it ends.
            assert!(of(&path).len() < ENOUGH);
        }
    }
}
