//! Ends a piece of the runtime's work when the host asks for it: the runtime looks at flags of its own, a thread raises them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

/// Does `work`; `stop` is called once if `is_unwanted`, asked at every `interval`, says so in the meantime.
pub(crate) fn watched<T>(
    interval: Duration,
    is_unwanted: impl Fn() -> bool + Send + Sync,
    stop: impl FnOnce() + Send,
    work: impl FnOnce() -> T,
) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                if is_unwanted() {
                    stop();
                    return;
                }
                thread::park_timeout(interval);
            }
        });
        let _end = End {
            over: &over,
            watcher: watcher.thread(),
        };
        work()
    })
}

/// Lets the watcher go, also when the work panics.
struct End<'a> {
    over: &'a AtomicBool,
    watcher: &'a Thread,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.watcher.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_becomes_unwanted_is_stopped() {
        let (unwanted, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        let is_unwanted = || unwanted.load(Ordering::Relaxed);
        let stop = || stopped.store(true, Ordering::Relaxed);
        let often = Duration::from_millis(1);
        let answer = watched(often, is_unwanted, stop, || {
            unwanted.store(true, Ordering::Relaxed);
            while !stopped.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            7
        });
        assert_eq!(answer, 7);
        assert_eq!(
            watched(often, || false, || panic!("not asked for"), || 8),
            8
        );
    }
}
