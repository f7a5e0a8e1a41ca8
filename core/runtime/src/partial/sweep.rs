use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::beside::{SUFFIX, parent, prefix};
use super::folder_lock;

/// Removes everything unfinished in `folder` that no process holds.
pub fn sweep(folder: &Path) {
    each(folder, |_| ());
}

/// Removes what is unfinished of `place` and held by no process.
pub(super) fn beside(place: &Path) {
    let prefix = prefix(place);
    let prefix = prefix.as_encoded_bytes();
    for path in unfinished(parent(place)) {
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(prefix) {
            remove(&path, |_| ());
        }
    }
}

/// Removes everything unfinished in `folder` that no process holds; `before` sees it first.
pub(super) fn each(folder: &Path, before: impl Fn(&Path)) {
    for path in unfinished(folder) {
        remove(&path, &before);
    }
}

fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| is_unfinished(path)).collect()
}

/// True for the name of something that is being made: `.NAME.….partial`, or `NAME.PROCESS.partial` as earlier versions had it.
/// What a person calls `config.toml.partial` is none of ours.
#[must_use]
pub fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let Some(name) = name.strip_suffix(SUFFIX.as_bytes()) else {
        return false;
    };
    let process = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let is_number = !process.is_empty() && process.iter().all(u8::is_ascii_digit);
    name.starts_with(b".") || (is_number && process.len() < name.len())
}

/// Removes what is at `path`, unless a process holds it or it is not ours to open.
fn remove(path: &Path, before: impl Fn(&Path)) {
    let Ok(kind) = fs::symlink_metadata(path).map(|it| it.file_type()) else {
        return;
    };
    let lock = match (kind.is_dir(), kind.is_file()) {
        (true, _) => folder_lock::taken(path),
        (_, true) => file_lock(path),
        _ => return,
    };
    let Ok(_lock) = lock else { return };
    before(path);
    let removed = match kind.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match removed {
        Ok(()) => tracing::info!(path = %path.display(), "removed what an earlier run left"),
        Err(error) => tracing::warn!(path = %path.display(), %error, "a leftover stays"),
    }
}

/// It keeps all others away, which takes the right to write on some shared folders.
fn file_lock(path: &Path) -> Result<File, TryLockError> {
    let file = File::options().read(true).write(true).open(path);
    let file = file.map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}
