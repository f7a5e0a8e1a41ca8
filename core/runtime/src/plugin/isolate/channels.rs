//! The sockets by which workers say hello: each lies in a temporary folder for the moment until its worker has started.

/// Removes those of processes that ended in that moment.
///
/// The crate that makes them gives them no name of ours: a folder `.tmp` and six letters, the user's alone, with nothing in
/// it but `socket`. The kernel's list of sockets tells whether anybody listens at it still.
#[cfg(target_os = "linux")]
pub fn sweep_channels() {
    // Read after the folders: what is made meanwhile is in the list.
    let folders = linux::channels(&std::env::temp_dir());
    let Ok(open) = std::fs::read("/proc/net/unix") else {
        return;
    };
    for folder in folders {
        linux::remove(&folder, &open);
    }
}

/// Elsewhere they are no files.
#[cfg(not(target_os = "linux"))]
pub fn sweep_channels() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::FileTypeExt as _;
    use std::path::{Path, PathBuf};

    const PREFIX: &str = ".tmp";
    const LETTERS: usize = 6;

    /// The folders in `folder` that hold nothing but a socket.
    pub(super) fn channels(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_named = |name: &str| {
            let rest = name.strip_prefix(PREFIX).unwrap_or_default();
            rest.len() == LETTERS && rest.bytes().all(|it| it.is_ascii_alphanumeric())
        };
        let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_named));
        named
            .map(|entry| entry.path())
            .filter(|it| holds_a_socket(it))
            .collect()
    }

    fn holds_a_socket(folder: &Path) -> bool {
        // Those of other users cannot be read.
        let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let is_socket = |entry: &fs::DirEntry| {
            let is_socket = entry.file_type().is_ok_and(|it| it.is_socket());
            is_socket && entry.file_name() == "socket"
        };
        entries.next().as_ref().is_some_and(is_socket) && entries.next().is_none()
    }

    /// Removes `folder` if `open`, the kernel's list of sockets, does not have its socket.
    pub(super) fn remove(folder: &Path, open: &[u8]) {
        let socket = folder.join("socket");
        let path = socket.as_os_str().as_bytes();
        let is_open = |line: &[u8]| line.ends_with(path);
        if open.split(|&byte| byte == b'\n').any(is_open) {
            return;
        }
        // It may be another user's, or gone.
        if fs::remove_file(&socket).is_ok() {
            fs::remove_dir(folder).ok();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::unix::net::UnixListener;

        #[test]
        fn a_socket_that_nobody_listens_at_goes_and_all_else_stays() {
            let temporary = tempfile::tempdir().expect("a folder can be made");
            let make = |name: &str| {
                let folder = temporary.path().join(name);
                fs::create_dir(&folder).expect("it is new");
                let listener = UnixListener::bind(folder.join("socket"));
                (folder, listener.expect("it can be bound"))
            };
            let (dead, listener) = make(".tmpAbC123");
            drop(listener);
            let (living, _listener) = make(".tmpDeF456");
            let (foreign, listener) = make("other");
            drop(listener);
            let open = fs::read("/proc/net/unix").expect("Linux has it");
            for folder in channels(temporary.path()) {
                remove(&folder, &open);
            }
            assert!(!dead.exists() && living.exists() && foreign.exists());
        }
    }
}
