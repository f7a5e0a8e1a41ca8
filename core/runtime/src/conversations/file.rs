use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::SessionError;
use super::id::SessionId;

/// A conversation's file, locked and open to be appended to.
#[derive(Debug)]
pub struct ConversationWriter {
    /// Whose.
    pub id: SessionId,
    /// Where.
    pub path: PathBuf,
    file: File,
    /// Holds the lock where the file itself cannot; it goes with the writer.
    _lock: Option<File>,
    start: LineStart,
}

/// How often a lock is tried again.
const TRIES: u32 = 3;
/// How long after the last time.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Whether the file ends where a line may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineStart {
    /// It is empty, or its last line has its end.
    Yes,
    /// Somebody was cut off in the middle of a line.
    No,
}

impl ConversationWriter {
    /// Makes the file, with folders and rights.
    ///
    /// # Errors
    /// [`SessionError::Io`].
    pub(super) fn create(id: SessionId, path: &Path) -> Result<Self, SessionError> {
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(SessionError::io("make", folder))?;
        }
        let mut options = options();
        let file = options
            .create_new(true)
            .open(path)
            .map_err(SessionError::io("make", path))?;
        let lock = lock(id, &file, path)?;
        // The name must outlive a loss of power too; where a folder cannot be synced the system sees to it.
        if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
            folder.sync_all().ok();
        }
        Ok(Self {
            id,
            path: path.to_owned(),
            file,
            _lock: lock,
            start: LineStart::Yes,
        })
    }

    /// Opens a file and locks it.
    ///
    /// # Errors
    /// [`SessionError::InUse`] if another process has it, [`SessionError::Io`].
    pub(super) fn open(id: SessionId, path: &Path) -> Result<Self, SessionError> {
        let mut file = options()
            .open(path)
            .map_err(SessionError::io("write", path))?;
        let lock = lock(id, &file, path)?;
        let start = line_start(&mut file).map_err(SessionError::io("read", path))?;
        Ok(Self {
            id,
            path: path.to_owned(),
            file,
            _lock: lock,
            start,
        })
    }

    /// Everything in the file.
    pub(super) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Appends whole lines. After an error the file is as it was, or ends in the beginning of a line that the next call
    /// leaves behind.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let written = match self.start {
            LineStart::Yes => self.file.write_all(lines),
            LineStart::No => self.file.write_all(&[b"\n", lines].concat()),
        };
        if written.is_ok() {
            self.start = LineStart::Yes;
        } else if self.file.set_len(length).is_err() {
            self.start = LineStart::No;
        }
        written
    }

    /// Waits until the disk has everything.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Removes a file, unless another process has it.
///
/// # Errors
/// [`SessionError::InUse`], [`SessionError::Io`].
pub(super) fn remove(id: SessionId, path: &Path) -> Result<(), SessionError> {
    let writer = ConversationWriter::open(id, path)?;
    let removed = fs::remove_file(path).map_err(SessionError::io("remove", path));
    drop(writer);
    if cfg!(not(unix)) {
        // Without it the next lock is made anew.
        fs::remove_file(lock_path(path)).ok();
    }
    removed
}

/// True if another process, or another part of this one, has it.
pub(super) fn is_locked(id: SessionId, path: &Path) -> bool {
    let file = OpenOptions::new().read(true).open(path);
    file.is_ok_and(|file| matches!(lock(id, &file, path), Err(SessionError::InUse { .. })))
}

/// A folder that only the user can enter, and those above it that are missing.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens files to be read and appended to, new ones for the user alone.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Locks a conversation for as long as its file, or the returned one, is open.
///
/// A lock of Unix keeps nobody from reading; elsewhere it would, so another file is locked there.
fn lock(id: SessionId, file: &File, path: &Path) -> Result<Option<File>, SessionError> {
    let beside = match cfg!(unix) {
        true => None,
        false => {
            let path = lock_path(path);
            let open = options().create(true).open(&path);
            Some(open.map_err(SessionError::io("make", path))?)
        }
    };
    let target = beside.as_ref().unwrap_or(file);
    let mut locked = target.try_lock();
    // Somebody who makes a list looks whether it is locked, for a moment.
    for _ in 0..TRIES {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(BETWEEN_TRIES);
        locked = target.try_lock();
    }
    match locked {
        Ok(()) => Ok(beside),
        Err(TryLockError::WouldBlock) => Err(SessionError::InUse { id }),
        Err(TryLockError::Error(error)) => {
            // Some shared folders have no locks: better to write without one than not at all.
            tracing::warn!(path = %path.display(), %error, "a conversation cannot be locked");
            Ok(beside)
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Looks at the last byte.
pub(super) fn line_start(file: &mut File) -> io::Result<LineStart> {
    if file.metadata()?.len() == 0 {
        return Ok(LineStart::Yes);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(match last {
        [b'\n'] => LineStart::Yes,
        _ => LineStart::No,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder can be made")
    }

    #[test]
    fn a_line_cut_off_does_not_swallow_the_next() {
        let folder = folder();
        let (id, path) = (SessionId::generate(), folder.path().join("a.jsonl"));
        for (before, after) in [("", "b\n"), ("a\n", "a\nb\n"), ("a\n{\"t", "a\n{\"t\nb\n")] {
            fs::write(&path, before).expect("it can be written");
            let mut writer = ConversationWriter::open(id, &path).expect("it can be opened");
            writer.append(b"b\n").expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), after);
        }
    }

    #[test]
    fn a_second_writer_is_refused_until_the_first_is_gone() {
        let folder = folder();
        let (id, path) = (SessionId::generate(), folder.path().join("a.jsonl"));
        let first = ConversationWriter::create(id, &path).expect("it can be made");
        let second = ConversationWriter::open(id, &path);
        assert!(matches!(second, Err(SessionError::InUse { .. })));
        assert!(matches!(remove(id, &path), Err(SessionError::InUse { .. })));
        assert!(is_locked(id, &path));
        drop(first);
        assert!(!is_locked(id, &path));
        remove(id, &path).expect("nobody has it");
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_the_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let path = folder.path().join("sessions/2026/a.jsonl");
        let _writer =
            ConversationWriter::create(SessionId::generate(), &path).expect("it can be made");
        let mode = |path: &Path| {
            let data = fs::metadata(path).expect("it is there");
            data.permissions().mode() & 0o777
        };
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("it has a folder")), 0o700);
        assert_eq!(mode(&folder.path().join("sessions")), 0o700);
    }
}
