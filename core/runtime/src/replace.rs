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
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&partial, bytes, path).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to tell; a leftover is only untidy.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write(partial: &Path, bytes: &[u8], like: &Path) -> io::Result<()> {
    let mut file = File::create(partial)?;
    file.write_all(bytes)?;
    if let Ok(data) = fs::metadata(like) {
        file.set_permissions(data.permissions())?;
    }
    file.sync_all()
}
