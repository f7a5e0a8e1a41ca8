use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{HubFile, HubModel, Listing};
use crate::DownloadError;

/// The folder of a repository in the cache.
pub(super) struct CachedRepository {
    folder: PathBuf,
    /// Of its files: Hugging Face's own programs take the same.
    locks: PathBuf,
}

impl CachedRepository {
    pub(super) fn new(cache: &Path, model: &HubModel) -> Self {
        let name = format!("models--{}--{}", model.org, model.name);
        Self {
            locks: cache.join(".locks").join(&name),
            folder: cache.join(name),
        }
    }

    /// The folder of a commit.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    fn blob(&self, file: &HubFile) -> PathBuf {
        self.folder.join("blobs").join(file.hash.digits())
    }

    /// Where a file is while it comes.
    pub(super) fn part(&self, file: &HubFile) -> PathBuf {
        let digits = file.hash.digits();
        self.folder
            .join("blobs")
            .join(format!("{digits}.incomplete"))
    }

    /// True if the file is whole, by its length: what is called by its hash was tested when it came.
    pub(super) fn has(&self, commit: &str, file: &HubFile) -> bool {
        let whole = |path: &Path| fs::metadata(path).is_ok_and(|it| it.len() == file.bytes);
        whole(&self.blob(file)) || whole(&self.snapshot(commit).join(&file.path))
    }

    /// How much of it is there.
    pub(super) fn fetched(&self, commit: &str, file: &HubFile) -> u64 {
        match self.has(commit, file) {
            true => file.bytes,
            false => fs::metadata(self.part(file)).map_or(0, |it| it.len().min(file.bytes)),
        }
    }

    /// Held by who fetches `file`; `None` if that is somebody else.
    pub(super) fn lock(&self, file: &HubFile) -> Result<Option<File>, DownloadError> {
        make(&self.locks)?;
        make(&self.folder.join("blobs"))?;
        let path = self.locks.join(format!("{}.lock", file.hash.digits()));
        let lock = open_lock(&path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                // There are file systems without locks: a hash is tested in the end.
                Ok(Some(lock))
            }
            Err(fs::TryLockError::Error(error)) => Err(DownloadError::disk(&path)(error)),
        }
    }

    /// Gives a part that is whole its name.
    pub(super) fn keep(&self, file: &HubFile) -> Result<(), DownloadError> {
        let blob = self.blob(file);
        fs::rename(self.part(file), &blob).map_err(DownloadError::disk(&blob))
    }

    /// Puts the file into the folder of its commit: as a link, or itself where there are none.
    pub(super) fn link(&self, commit: &str, file: &HubFile) -> Result<(), DownloadError> {
        let place = self.snapshot(commit).join(&file.path);
        if fs::metadata(&place).is_ok_and(|it| it.len() == file.bytes) {
            return Ok(());
        }
        let folder = place.parent().unwrap_or(&place);
        make(folder)?;
        // A link to what is gone, or something cut short.
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(DownloadError::disk(&place)(error));
            }
            _ => (),
        }
        put(&self.blob(file), &place, file).map_err(DownloadError::disk(&place))
    }

    /// That `listing`'s revision is this commit.
    pub(super) fn refer(&self, listing: &Listing) -> Result<(), DownloadError> {
        if listing.model.revision == listing.commit {
            return Ok(());
        }
        let path = self.folder.join("refs").join(&listing.model.revision);
        // A cache that may not be written to has all there is.
        if fs::read_to_string(&path).is_ok_and(|it| it.trim() == listing.commit) {
            return Ok(());
        }
        make(path.parent().unwrap_or(&path))?;
        // Of two programs that are done at once one would take the other's file away.
        make(&self.locks)?;
        let lock_path = self.locks.join("refs.lock");
        let lock = open_lock(&lock_path)?;
        match lock.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(DownloadError::disk(&lock_path)(error));
            }
            // There are file systems without locks.
            Ok(()) | Err(_) => (),
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // No revision has a part that begins with a point, and no two share this name, as `v1.0` and `v1.1` would share what
        // replaces an ending.
        let fresh = path.with_file_name(format!(".{name}.new"));
        let written = fs::write(&fresh, &listing.commit).and_then(|()| replace(&fresh, &path));
        written.map_err(DownloadError::disk(&path))
    }
}

fn open_lock(path: &Path) -> Result<File, DownloadError> {
    let mut options = File::options();
    let opened = options.create(true).truncate(false).write(true).open(path);
    opened.map_err(DownloadError::disk(path))
}

fn make(folder: &Path) -> Result<(), DownloadError> {
    fs::create_dir_all(folder).map_err(DownloadError::disk(folder))
}

/// Moves a file over another. Windows does not while somebody has that open, which readers have for a moment.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let mut tries = if cfg!(windows) { 40 } else { 1 };
    loop {
        tries -= 1;
        match fs::rename(from, to) {
            Err(error) if tries > 0 && error.kind() == io::ErrorKind::PermissionDenied => {
                std::thread::sleep(Duration::from_millis(25));
            }
            moved => return moved,
        }
    }
}

/// Relative, so that the cache may be moved.
#[cfg(unix)]
fn put(blob: &Path, place: &Path, file: &HubFile) -> io::Result<()> {
    // snapshots/COMMIT/FOLDERS/NAME
    let up = "../".repeat(2 + file.path.matches('/').count());
    let name = blob.file_name().unwrap_or_default();
    let target = Path::new(&up).join("blobs").join(name);
    match std::os::unix::fs::symlink(target, place) {
        // Another program was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Links need a right there that few users have; Hugging Face's own programs do the same.
#[cfg(not(unix))]
fn put(blob: &Path, place: &Path, _: &HubFile) -> io::Result<()> {
    fs::rename(blob, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_noted_whatever_others_are_called() {
        let cache = tempfile::tempdir().expect("a folder");
        let repository = CachedRepository::new(cache.path(), &listing("main", "0").model);
        let refs = repository.folder.join("refs");
        let revisions = ["v1.new", "v1.0", "v1.1", "main.new", "main", "refs/pr/3"];
        for (number, revision) in revisions.iter().enumerate() {
            let listing = listing(revision, &number.to_string());
            repository.refer(&listing).expect("it is noted");
        }
        for (number, revision) in revisions.iter().enumerate() {
            let noted = fs::read_to_string(refs.join(revision)).expect("it is there");
            assert_eq!(noted, number.to_string(), "{revision}");
        }
        let others = fs::read_dir(&refs).expect("it is there").flatten();
        let others = others.filter(|it| it.path().to_string_lossy().ends_with(".new"));
        assert_eq!(others.count(), 2, "the two revisions that are called so");
    }

    fn listing(revision: &str, commit: &str) -> Listing {
        Listing {
            model: HubModel {
                org: "Org".to_owned(),
                name: "Tiny".to_owned(),
                revision: revision.to_owned(),
            },
            commit: commit.to_owned(),
            files: Vec::new(),
        }
    }

    #[test]
    fn what_is_noted_already_is_not_written_again() {
        let cache = tempfile::tempdir().expect("a folder");
        let listing = |commit: &str| listing("main", commit);
        let repository = CachedRepository::new(cache.path(), &listing("1").model);
        repository.refer(&listing("1")).expect("it is noted");
        // As in a cache that may not be written to.
        fs::create_dir(repository.folder.join("refs/.main.new")).expect("it is ours");
        repository.refer(&listing("1")).expect("nothing is new");
        repository
            .refer(&listing("2"))
            .expect_err("it cannot be written");
    }

    #[test]
    fn programs_that_note_the_same_at_once_do_not_fail() {
        let cache = tempfile::tempdir().expect("a folder");
        let repository = CachedRepository::new(cache.path(), &listing("main", "1").model);
        std::thread::scope(|scope| {
            for number in 0..4 {
                let repository = &repository;
                scope.spawn(move || {
                    for commit in (number..400).step_by(4) {
                        repository
                            .refer(&listing("main", &commit.to_string()))
                            .expect("it is noted");
                    }
                });
            }
        });
    }
}
