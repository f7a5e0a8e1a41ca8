use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

const CHUNK: usize = 1 << 20;

/// What a file's content has to give, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentHash {
    /// SHA-256 of its bytes.
    Sha256(String),
    /// What git names it by: SHA-1 of `blob`, its length and its bytes.
    GitBlob(String),
}

impl ContentHash {
    /// Its digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        match self {
            Self::Sha256(digits) | Self::GitBlob(digits) => digits,
        }
    }

    /// True if they are as many digits as it has to have, and nothing else: they become the name of a file.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let (digits, length) = match self {
            Self::Sha256(digits) => (digits, 64),
            Self::GitBlob(digits) => (digits, 40),
        };
        digits.len() == length && digits.bytes().all(|it| it.is_ascii_hexdigit())
    }
}

/// The digits of `path` in the manner of `like`; `None` if `go_on`, which is told the bytes read so far, ended it.
///
/// # Errors
/// The system's.
pub fn hash_file(
    path: &Path,
    like: &ContentHash,
    go_on: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    match like {
        ContentHash::Sha256(_) => run(Sha256::new(), file, go_on),
        ContentHash::GitBlob(_) => {
            let length = file.metadata()?.len();
            let header = format!("blob {length}\0");
            run(Sha1::new_with_prefix(header), file, go_on)
        }
    }
}

fn run<D: Digest>(
    mut hasher: D,
    mut file: File,
    go_on: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> io::Result<Option<String>> {
    let (mut buffer, mut done) = (vec![0; CHUNK], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => {
                hasher.update(&buffer[..n]);
                done += n as u64;
            }
        }
        if go_on(done).is_break() {
            return Ok(None);
        }
    }
    let digits = hasher.finalize();
    Ok(Some(
        digits.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_what_their_programs_print() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("hello");
        std::fs::write(&path, "hello\n").expect("it is ours");
        let digits = |like| {
            let hashed = hash_file(&path, &like, &mut |_| ControlFlow::Continue(()));
            hashed.expect("it is there").expect("nobody ended it")
        };
        // `sha256sum` and `git hash-object`.
        assert_eq!(
            digits(ContentHash::Sha256(String::new())),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        );
        assert_eq!(
            digits(ContentHash::GitBlob(String::new())),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
        let ended = hash_file(&path, &ContentHash::Sha256(String::new()), &mut |_| {
            ControlFlow::Break(())
        });
        assert_eq!(ended.expect("it is there"), None);
    }
}
