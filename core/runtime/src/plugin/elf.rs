//! Whether a library is whole, before the loader maps it: what lies beyond the end of a file that was cut short would end the
//! process at the first touch. The loaders of other systems than those with ELF look for themselves.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of the header of a 64-bit file, and of one entry of its table of segments.
const HEADER: usize = 64;
const ENTRY: usize = 56;
/// The kind of a segment that is mapped.
const LOAD: u32 = 1;

/// Why the library at `path` cannot be whole; `None` if it may be, or is of another format.
pub(super) fn cut_short(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    // A file that cannot be read is the loader's to refuse.
    let length = file.metadata().ok()?.len();
    let needed = needed(&mut file).ok()??;
    (needed > length).then(|| {
        format!(
            "it was cut short: it has {length} of at least {needed} bytes; copy or build it again"
        )
    })
}

/// Bytes up to the end of the last segment that is mapped; `None` for another format.
fn needed(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let mut header = [0; HEADER];
    let mut read = 0;
    while read < HEADER {
        match file.read(&mut header[read..])? {
            0 => break,
            n => read += n,
        }
    }
    // 64-bit, little-endian, as every machine is that this is built for.
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    if read < HEADER {
        return Ok(Some(HEADER as u64));
    }
    let table = u64_at(&header, 32);
    let (size, count) = (u16_at(&header, 54), u16_at(&header, 56));
    let end_of_table = table.saturating_add(u64::from(size) * u64::from(count));
    let mut needed = end_of_table.max(HEADER as u64);
    for index in 0..u64::from(count) {
        let mut entry = [0; ENTRY];
        let at = table.saturating_add(index * u64::from(size));
        let found = file.seek(SeekFrom::Start(at));
        if found.and_then(|_| file.read_exact(&mut entry)).is_err() {
            // It ends within its table.
            break;
        }
        if u32_at(&entry, 0) == LOAD {
            let end = u64_at(&entry, 8).saturating_add(u64_at(&entry, 32));
            needed = needed.max(end);
        }
    }
    Ok(Some(needed))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    number(&bytes[at..at + 2]) as u16
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    number(&bytes[at..at + 4]) as u32
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    number(&bytes[at..at + 8])
}

fn number(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(all(test, unix, not(target_vendor = "apple")))]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_a_library_that_takes_a_segment_is_seen() {
        let whole = std::env::current_exe().expect("a test binary has a path");
        assert_eq!(cut_short(&whole), None);
        let mut file = File::open(whole).expect("it is readable");
        let needed = needed(&mut file)
            .expect("it is readable")
            .expect("it is ELF");
        file.rewind().expect("it is a file");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("it is readable");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let cut = folder.path().join("cut.so");
        for length in [6, 40, 64, 100, 4096, needed / 2, needed - 1] {
            std::fs::write(&cut, &bytes[..length as usize]).expect("it can be written");
            let why = cut_short(&cut).expect("it lacks its end");
            assert!(
                why.starts_with(&format!("it was cut short: it has {length} of ")),
                "{why}"
            );
        }
        std::fs::write(&cut, &bytes[..needed as usize]).expect("it can be written");
        assert_eq!(cut_short(&cut), None);
        std::fs::write(&cut, "no library").expect("it can be written");
        assert_eq!(cut_short(&cut), None);
    }
}
