use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ureq::Agent;

use super::cache::CachedRepository;
use super::{Hub, HubFile, Listing};
use crate::{DownloadError, FileProgress, fetch};

/// Files that come at the same time.
const AT_ONCE: usize = 4;
/// How often the caller hears of it, and may end it.
const LOOK: Duration = Duration::from_millis(100);

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullProgress {
    /// Bytes that are here, of all files.
    pub fetched: u64,
    /// Bytes of all files.
    pub total: u64,
    /// Files that are done.
    pub files: usize,
    /// Another program holds a file, or the server asks for patience.
    pub is_waiting: bool,
}

/// What a pull gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The folder with the files.
    pub folder: PathBuf,
    /// Bytes that came now.
    pub fetched: u64,
}

/// Bytes of `files` that are not in the cache yet.
#[must_use]
pub fn missing(hub: &Hub, listing: &Listing, files: &[HubFile]) -> u64 {
    let repository = CachedRepository::new(&hub.cache, &listing.model);
    let here = |file: &HubFile| repository.fetched(&listing.commit, file);
    files.iter().map(|file| file.bytes - here(file)).sum()
}

/// Brings `files` of `listing` into the cache, several at once. `told` hears of progress a few times a second, and may end it:
/// what has come is kept for the next time.
///
/// # Errors
/// [`DownloadError`], that of the first file that failed.
pub fn pull(
    hub: &Hub,
    agent: &Agent,
    listing: &Listing,
    files: &[HubFile],
    told: &mut dyn FnMut(PullProgress) -> ControlFlow<()>,
) -> Result<Pulled, DownloadError> {
    let repository = CachedRepository::new(&hub.cache, &listing.model);
    let work = Work {
        hub,
        agent,
        listing,
        repository: &repository,
        files,
        next: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        fetched: files
            .iter()
            .map(|file| AtomicU64::new(repository.fetched(&listing.commit, file)))
            .collect(),
        waiting: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        failed: Mutex::new(None),
    };
    let total = files.iter().map(|it| it.bytes).sum();
    let before = work.here();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE.min(files.len()))
            .map(|_| scope.spawn(|| work.run()))
            .collect();
        loop {
            let is_over = workers.iter().all(thread::ScopedJoinHandle::is_finished);
            let progress = PullProgress {
                fetched: work.here(),
                total,
                files: work.done.load(Ordering::Relaxed),
                is_waiting: work.waiting.load(Ordering::Relaxed) > 0,
            };
            if told(progress).is_break() {
                work.stop.store(true, Ordering::Relaxed);
            }
            if is_over {
                break;
            }
            thread::sleep(LOOK);
        }
    });
    let fetched = work.here().saturating_sub(before);
    match work.failed.into_inner() {
        Ok(None) => (),
        Ok(Some(error)) => return Err(error),
        // A worker's panic has come out of the scope.
        Err(_) => return Err(DownloadError::Stopped),
    }
    repository.refer(listing)?;
    Ok(Pulled {
        folder: repository.snapshot(&listing.commit),
        fetched,
    })
}

/// What the workers share.
struct Work<'a> {
    hub: &'a Hub,
    agent: &'a Agent,
    listing: &'a Listing,
    repository: &'a CachedRepository,
    files: &'a [HubFile],
    /// The file that is begun next.
    next: AtomicUsize,
    done: AtomicUsize,
    /// Bytes that are here, by file.
    fetched: Vec<AtomicU64>,
    /// Files that wait.
    waiting: AtomicUsize,
    stop: AtomicBool,
    failed: Mutex<Option<DownloadError>>,
}

impl Work<'_> {
    fn here(&self) -> u64 {
        let fetched = self.fetched.iter();
        fetched.map(|it| it.load(Ordering::Relaxed)).sum()
    }

    fn run(&self) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = self.files.get(index) else {
                break;
            };
            if let Err(error) = self.bring(index, file) {
                // Before the others are stopped, which is not what was wrong.
                if let Ok(mut failed) = self.failed.lock() {
                    failed.get_or_insert(error);
                }
                self.stop.store(true, Ordering::Relaxed);
                break;
            }
            self.fetched[index].store(file.bytes, Ordering::Relaxed);
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn bring(&self, index: usize, file: &HubFile) -> Result<(), DownloadError> {
        let commit = &self.listing.commit;
        while !self.repository.has(commit, file) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(DownloadError::Stopped);
            }
            let Some(_lock) = self.repository.lock(file)? else {
                // Another program fetches it.
                self.waiting.fetch_add(1, Ordering::Relaxed);
                thread::sleep(LOOK);
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                continue;
            };
            // It may have come while the lock was waited for.
            if !self.repository.has(commit, file) {
                self.fetch(index, file)?;
                self.repository.keep(file)?;
            }
        }
        self.repository.link(commit, file)
    }

    fn fetch(&self, index: usize, file: &HubFile) -> Result<(), DownloadError> {
        let remote = self.hub.remote(self.listing, file);
        let part = self.repository.part(file);
        let mut waits = false;
        let mut told = |progress| {
            if waits != (progress == FileProgress::Waiting) {
                waits = !waits;
                match waits {
                    true => self.waiting.fetch_add(1, Ordering::Relaxed),
                    false => self.waiting.fetch_sub(1, Ordering::Relaxed),
                };
            }
            if let FileProgress::Fetched(bytes) = progress {
                self.fetched[index].store(bytes, Ordering::Relaxed);
            }
            match self.stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let fetched = fetch(self.agent, &remote, &part, &mut told);
        if waits {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        fetched
    }
}
