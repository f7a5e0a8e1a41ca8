//! A small fork-join: a job index is handed to whoever is free, the caller works too, and nothing is allocated for a run.

use std::any::Any;
use std::cell::UnsafeCell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Error, InstructionSet};

/// How long a thread looks for news before it sleeps: about the time between two products of a network.
const PATIENCE: Duration = Duration::from_micros(50);

type Job = dyn Fn(usize) + Sync;

/// Threads that share the jobs of one run after the other, and the instructions that they use.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held during a run; a run that finds it taken does its jobs alone.
    running: Mutex<()>,
    set: InstructionSet,
}

#[derive(Debug)]
struct Shared {
    /// Bits 0..16: workers within the run; [`OPEN`]; above it the run's number.
    state: AtomicU64,
    /// What the newest run is; written only while its run is closed and empty.
    task: UnsafeCell<Task>,
    next: AtomicUsize,
    stop: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Workers that sleep.
    asleep: Mutex<usize>,
    work: Condvar,
    done: Condvar,
}

/// Workers may enter.
const OPEN: u64 = 1 << 16;
const WITHIN: u64 = OPEN - 1;
const RUN: u64 = OPEN << 1;
/// No job has this index: those that are left are skipped.
const SKIP: usize = usize::MAX / 2;

// SAFETY: `task` is written by the caller of `run` alone, while the run is closed and nobody is within it; opening it
// releases the task to those who enter.
unsafe impl Sync for Shared {}
// SAFETY: the pointer within `task` is used only during the run that it belongs to.
unsafe impl Send for Shared {}

#[derive(Debug, Clone, Copy)]
struct Task {
    job: Option<*const Job>,
    jobs: usize,
}

impl Pool {
    /// `threads` with the caller's, so `threads - 1` are started, with the best instructions of the processor, or those
    /// that the environment variable `UNMASK_KERNELS` names.
    ///
    /// # Errors
    /// [`Error::Unknown`] or [`Error::Unavailable`] if the variable names instructions that are unknown or not there.
    pub fn new(threads: NonZeroUsize) -> Result<Self, Error> {
        Ok(Self::start(threads, InstructionSet::acquired()?))
    }

    /// A pool that uses `set`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the processor has no such instructions, or its system does not let them be used.
    pub fn with_set(threads: NonZeroUsize, set: InstructionSet) -> Result<Self, Error> {
        set.acquire()?;
        Ok(Self::start(threads, set))
    }

    fn start(threads: NonZeroUsize, set: InstructionSet) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            task: UnsafeCell::new(Task { job: None, jobs: 0 }),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
            asleep: Mutex::new(0),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        // With fewer threads than asked for the work is done all the same.
        // The state counts those within a run in so many bits.
        let workers = (1..threads.get().min(WITHIN as usize))
            .map_while(|_| {
                let shared = Arc::clone(&shared);
                let thread = std::thread::Builder::new().name("kernels".to_owned());
                thread.spawn(move || shared.work()).ok()
            })
            .collect();
        Self {
            shared,
            workers,
            running: Mutex::new(()),
            set,
        }
    }

    /// Threads that share a run.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// The instructions that products on this pool use.
    pub fn set(&self) -> InstructionSet {
        self.set
    }

    /// Calls `job` once for every index below `jobs` and returns when all have returned. A run within a run, or beside
    /// another thread's, is done by its caller alone.
    ///
    /// # Panics
    /// If a job panics, once the others have ended.
    pub fn run(&self, jobs: usize, job: impl Fn(usize) + Sync) {
        let alone = || (0..jobs).for_each(&job);
        if self.workers.is_empty() || jobs < 2 {
            return alone();
        }
        let _running = match self.running.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) => return alone(),
        };
        let shared = &*self.shared;
        let job: *const (dyn Fn(usize) + Sync + '_) = &raw const job;
        // SAFETY: only the lifetime changes; `Finish` below waits, even while unwinding, until no worker can use it.
        let job: *const Job = unsafe { std::mem::transmute(job) };
        // SAFETY: `running` is held and the run before is closed and empty, so no worker reads `task`.
        unsafe {
            *shared.task.get() = Task {
                job: Some(job),
                jobs,
            }
        };
        // Of a run whose caller panicked too.
        *lock(&shared.panic) = None;
        shared.next.store(0, Ordering::Relaxed);
        shared.open();
        let finish = Finish(shared);
        // SAFETY: `job` outlives `finish`.
        unsafe { shared.take_jobs(job, jobs) };
        drop(finish);
        let panic = lock(&shared.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
    /// As [`Self::run`], but for jobs that read on where the one before ended: the indices come in turn from as many regions
    /// as there are threads, so that each thread reads one stream as long as all are equally fast.
    pub(crate) fn run_streams(&self, jobs: usize, job: impl Fn(usize) + Sync) {
        let regions = self.threads();
        let each = jobs.div_ceil(regions);
        self.run(each * regions, |turn| {
            let index = turn % regions * each + turn / regions;
            if index < jobs {
                job(index);
            }
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.open();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its jobs, so it ends well.
            let _ended = worker.join();
        }
    }
}

/// Closes the run and waits for the workers within it, also if the caller's own job panics; what is left is skipped then.
struct Finish<'a>(&'a Shared);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        let shared = self.0;
        if std::thread::panicking() {
            shared.next.store(SKIP, Ordering::Relaxed);
        }
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let left = || shared.state.load(Ordering::Acquire) & WITHIN == 0;
        if !spin(left) {
            let mut guard = lock(&shared.asleep);
            while !left() {
                guard = (shared.done.wait(guard)).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Shared {
    /// Lets workers into the next run. Nobody is within the one before.
    fn open(&self) {
        let before = self.state.load(Ordering::Relaxed);
        self.state
            .store((before / RUN + 1) * RUN + OPEN, Ordering::Release);
        if *lock(&self.asleep) > 0 {
            self.work.notify_all();
        }
    }

    /// Enters the open run, unless it is the one that was `seen`; its number.
    fn enter(&self, seen: u64) -> Option<u64> {
        let mut state = self.state.load(Ordering::Acquire);
        while state & OPEN != 0 && state / RUN != seen {
            let entered = (self.state).compare_exchange_weak(
                state,
                state + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match entered {
                Ok(_) => return Some(state / RUN),
                Err(now) => state = now,
            }
        }
        None
    }

    fn work(&self) {
        let mut seen = 0;
        loop {
            let mut entered = None;
            let mut enter = || {
                entered = self.enter(seen);
                entered.is_some()
            };
            if !spin(&mut enter) {
                let mut asleep = lock(&self.asleep);
                while !enter() {
                    *asleep += 1;
                    asleep = (self.work.wait(asleep)).unwrap_or_else(PoisonError::into_inner);
                    *asleep -= 1;
                }
            }
            seen = entered.unwrap_or(seen);
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            // SAFETY: this worker is within the run, so `task` is not written meanwhile.
            let task = unsafe { *self.task.get() };
            if let Some(job) = task.job {
                // SAFETY: the caller of `run` keeps the job until nobody is within the run.
                let result = catch_unwind(AssertUnwindSafe(|| unsafe {
                    self.take_jobs(job, task.jobs)
                }));
                if let Err(panic) = result {
                    self.next.store(SKIP, Ordering::Relaxed);
                    *lock(&self.panic) = Some(panic);
                }
            }
            let before = self.state.fetch_sub(1, Ordering::AcqRel);
            if before & WITHIN == 1 && before & OPEN == 0 {
                // Under the lock: the caller is either waiting, or has yet to look.
                drop(lock(&self.asleep));
                self.done.notify_one();
            }
        }
    }

    /// # Safety
    /// `job` must point to a job.
    unsafe fn take_jobs(&self, job: *const Job, jobs: usize) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= jobs {
                return;
            }
            // SAFETY: promised by the caller.
            unsafe { (*job)(index) };
        }
    }
}

/// Looks for a while; whether it came.
fn spin(mut come: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        for _ in 0..32 {
            if come() {
                return true;
            }
            std::hint::spin_loop();
        }
        if begun.elapsed() > PATIENCE {
            return false;
        }
    }
}

/// No code that panics runs under these locks, so a poisoned one holds what it should.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
