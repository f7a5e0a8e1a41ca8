//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes `bytes` the content of `path`, whose folder is made if need be: written beside it, then renamed over it. Two
/// programs may do this at the same time. The permissions of a file that was there stay.
///
/// # Errors
/// The system's; the file is then as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, Readers::AsBefore)
}

/// The same, and only the user may read or write it.
///
/// # Errors
/// The system's; the file is then as it was.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, Readers::TheUser)
}

/// Whose the new file is.
#[derive(Clone, Copy)]
enum Readers {
    /// As the permissions of the old one say.
    AsBefore,
    /// Nobody else's, where the system has permissions of that kind.
    TheUser,
}

fn replace_with(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&partial, bytes, path, readers).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to tell; a leftover is only untidy.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write(partial: &Path, bytes: &[u8], like: &Path, readers: Readers) -> io::Result<()> {
    let mut file = match readers {
        Readers::AsBefore => File::create(partial)?,
        Readers::TheUser => private(partial)?,
    };
    file.write_all(bytes)?;
    match (readers, fs::metadata(like)) {
        (Readers::AsBefore, Ok(data)) => file.set_permissions(data.permissions())?,
        (Readers::AsBefore, Err(_)) | (Readers::TheUser, _) => (),
    }
    file.sync_all()
}

/// A new file that was never anybody else's to read.
fn private(path: &Path) -> io::Result<File> {
    // What is left of an earlier try may have other permissions.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
