//! Reads whole files: only regular ones, and only so much of them.
//!
//! A pipe would be waited for, a device never ends, and a folder or a loop of links is not the same as nothing: whoever
//! looks for a file asks here, so that each of them is named.

use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::path::Path;

/// Bytes that a file of settings, a template or a list may have.
pub const SMALL: u64 = 16 << 20;

/// Bytes that a file may have that grows with its use.
pub const LARGE: u64 = 1 << 30;

/// Whether a regular file is at `path`, or a link to one.
///
/// # Errors
/// If anything else is there, or it cannot be looked at.
pub fn is_there(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(data) if data.is_file() => Ok(true),
        Ok(data) => Err(refusal(format!(
            "it is {}, not a file",
            kind(data.file_type())
        ))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) => match fs::symlink_metadata(path) {
            Ok(_) => Err(refusal("it is a link to nothing".to_owned())),
            Err(_) => Ok(false),
        },
    }
}

/// The bytes of the regular file at `path`, at most `limit` of them.
///
/// # Errors
/// As [`is_there`]; [`io::ErrorKind::NotFound`] if nothing is there; if there are more bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    is_there(path)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(refusal(format!(
            "it has more than the {} MiB that such a file may have",
            limit >> 20
        ))),
        false => Ok(bytes),
    }
}

/// The text of the regular file at `path`, at most `limit` bytes.
///
/// # Errors
/// As [`read`]; if it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refusal(format!("byte {at} is not UTF-8 text"))
    })
}

fn refusal(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(unix)]
fn kind(of: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match of {
        of if of.is_dir() => "a folder",
        of if of.is_fifo() => "a named pipe",
        of if of.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn kind(of: FileType) -> &'static str {
    match of.is_dir() {
        true => "a folder",
        false => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(path: &Path, what: &str) {
        for error in [is_there(path).map(drop), read(path, SMALL).map(drop)] {
            let error = error.expect_err("it is no file").to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        fs::write(file.path(), "four").expect("it can be written");
        assert_eq!(read_text(file.path(), 4).ok().as_deref(), Some("four"));
        let error = read(file.path(), 3).expect_err("it is longer").to_string();
        assert!(error.starts_with("it has more than"), "{error}");
        fs::write(file.path(), b"ok\xFF").expect("it can be written");
        let error = read_text(file.path(), 4).expect_err("it is no text");
        assert_eq!(error.to_string(), "byte 2 is not UTF-8 text");
    }

    #[test]
    fn what_is_no_file_is_named_and_what_is_missing_is_missing() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        refused(folder.path(), "it is a folder, not a file");
        let absent = folder.path().join("absent");
        assert_eq!(is_there(&absent).ok(), Some(false));
        let error = read(&absent, SMALL).expect_err("nothing is there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_links_that_lead_nowhere_are_named_at_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo")
            .arg(path("pipe"))
            .status();
        assert!(made.is_ok_and(|status| status.success()));
        refused(&path("pipe"), "it is a named pipe, not a file");
        refused(Path::new("/dev/zero"), "it is a device, not a file");
        symlink("nothing", path("dangling")).expect("a link can be made");
        refused(&path("dangling"), "it is a link to nothing");
        symlink("loop", path("loop")).expect("a link can be made");
        refused(&path("loop"), "os error");
    }
}
