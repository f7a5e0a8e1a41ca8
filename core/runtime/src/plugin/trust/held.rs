#[cfg(windows)]
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use super::opened;
use super::{Approval, Granted, sha256};
use crate::plugin::PluginError;

/// What the loader is given: the bytes that were granted, which nobody exchanges before it has opened them.
pub(in super::super) struct HeldLibrary {
    path: PathBuf,
    /// What keeps them.
    _keeper: Option<Keeper>,
}

impl HeldLibrary {
    /// Takes hold of a library: of one that was approved by its content, the bytes that are hashed are those that are opened.
    ///
    /// # Errors
    /// [`PluginError`] if others may change it, it is not what was approved, or it cannot be read.
    pub(in super::super) fn of(library: &Granted) -> Result<Self, PluginError> {
        library.test_exposure()?;
        let path = library.path();
        let Some(approval) = library.approval() else {
            return Ok(Self {
                path: path.to_owned(),
                _keeper: None,
            });
        };
        match hold(path, approval) {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(PluginError::Changed {
                path: path.to_owned(),
            }),
            Err(error) => Err(PluginError::Open {
                path: path.to_owned(),
                reason: error.to_string(),
            }),
        }
    }

    /// What to open.
    pub(in super::super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A copy beside the library. It is hashed itself, so that whatever happens to the library's file is of no account, and lies
/// in a folder that only the user and root may write to. Beside it, so that `$ORIGIN` and `@loader_path` lead where they
/// would: an open descriptor, or memory (`/proc/self/fd`), has no neighbours, and libraries that a backend brings along would
/// not be found. It is gone as soon as the loader has opened it.
#[cfg(unix)]
type Keeper = tempfile::NamedTempFile;

#[cfg(unix)]
fn hold(path: &Path, approval: &Approval) -> io::Result<Option<HeldLibrary>> {
    let mut file = opened(path)?;
    if is_roots_alone(path) {
        // The user's programs cannot change it, nor lay a copy beside it.
        let is_approved = sha256(&mut file)? == approval.sha256;
        return Ok(is_approved.then(|| HeldLibrary {
            path: path.to_owned(),
            _keeper: None,
        }));
    }
    let mut copy = crate::partial::private_beside(path).or_else(|error| match error.kind() {
        // Where the folder takes no copy the library is opened without neighbours.
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            tempfile::NamedTempFile::new()
        }
        _ => Err(error),
    })?;
    io::copy(&mut file, copy.as_file_mut())?;
    let is_approved = sha256(copy.as_file_mut())? == approval.sha256;
    Ok(is_approved.then(|| HeldLibrary {
        path: copy.path().to_owned(),
        _keeper: Some(copy),
    }))
}

/// True if this user, who is not root, can change neither the file nor any folder above it.
#[cfg(unix)]
fn is_roots_alone(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let is_roots = |part: &Path| part.metadata().is_ok_and(|it| it.uid() == 0);
    let named = |part: &&Path| !part.as_os_str().is_empty();
    !rustix::process::geteuid().is_root() && path.ancestors().filter(named).all(is_roots)
}

/// The file, opened so that nobody may write, rename or remove it meanwhile.
#[cfg(windows)]
type Keeper = File;

#[cfg(windows)]
fn hold(path: &Path, approval: &Approval) -> io::Result<Option<HeldLibrary>> {
    use std::os::windows::fs::OpenOptionsExt as _;
    const FILE_SHARE_READ: u32 = 1;
    let mut file = File::options()
        .read(true)
        .share_mode(FILE_SHARE_READ)
        .open(path)?;
    let is_approved = sha256(&mut file)? == approval.sha256;
    Ok(is_approved.then(|| HeldLibrary {
        path: path.to_owned(),
        _keeper: Some(file),
    }))
}
