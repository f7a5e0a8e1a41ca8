//! A folder's lock, for whoever makes it and for whoever would remove it: each keeps the other away, and it ends with the
//! process however that ends. `held` is for the maker, `taken` for who would remove it.

#[cfg(not(windows))]
pub(super) use elsewhere::{held, held as taken};
#[cfg(windows)]
pub(super) use windows::{held, taken};

#[cfg(not(windows))]
mod elsewhere {
    use std::fs::{File, TryLockError};
    use std::path::Path;

    pub(in super::super) fn held(folder: &Path) -> Result<File, TryLockError> {
        let file = File::open(folder).map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(file)
    }
}

/// Folders have no locks there, but one who opens one says what others may do with it meanwhile, and is kept out by those who
/// do something else. Only makers may write, and allow all, so that theirs can be renamed; removers allow all but writing.
#[cfg(windows)]
mod windows {
    use std::fs::{File, TryLockError};
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::path::Path;

    const LIST: u32 = 1;
    const ADD_FILE: u32 = 2;
    const SHARE_READ: u32 = 1;
    const SHARE_WRITE: u32 = 2;
    const SHARE_DELETE: u32 = 4;
    /// Without it only files are opened.
    const BACKUP_SEMANTICS: u32 = 0x0200_0000;
    const SHARING_VIOLATION: i32 = 32;

    pub(in super::super) fn held(folder: &Path) -> Result<File, TryLockError> {
        open(
            folder,
            LIST | ADD_FILE,
            SHARE_READ | SHARE_WRITE | SHARE_DELETE,
        )
    }

    pub(in super::super) fn taken(folder: &Path) -> Result<File, TryLockError> {
        open(folder, LIST, SHARE_READ | SHARE_DELETE)
    }

    fn open(folder: &Path, access: u32, shared: u32) -> Result<File, TryLockError> {
        let opened = File::options()
            .access_mode(access)
            .share_mode(shared)
            .custom_flags(BACKUP_SEMANTICS)
            .open(folder);
        opened.map_err(|error| match error.raw_os_error() {
            Some(SHARING_VIOLATION) => TryLockError::WouldBlock,
            _ => TryLockError::Error(error),
        })
    }
}
