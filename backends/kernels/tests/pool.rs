//! The fork-join: every job once, panics handed on, no deadlock when runs meet.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use unmask_kernels::{InstructionSet, Pool};

fn pool(threads: usize) -> Pool {
    let threads = NonZeroUsize::new(threads).expect("tests have threads");
    Pool::with_set(threads, InstructionSet::Portable).expect("it is always there")
}

/// Fewer under Miri, which is slow.
fn rounds(many: usize) -> usize {
    if cfg!(miri) { many / 100 + 2 } else { many }
}

#[test]
fn every_job_is_done_once() {
    for threads in [1, 2, 3, 8] {
        let pool = pool(threads);
        for round in 0..rounds(2000) {
            let jobs = round % 17;
            let done: Vec<AtomicUsize> = (0..jobs).map(|_| AtomicUsize::new(0)).collect();
            pool.run(jobs, |job| {
                done[job].fetch_add(1, Ordering::Relaxed);
            });
            assert!(
                done.iter().all(|it| it.load(Ordering::Relaxed) == 1),
                "{threads} threads, {jobs} jobs"
            );
        }
    }
}

#[test]
fn workers_that_sleep_are_woken() {
    let pool = pool(2);
    for _ in 0..rounds(50) {
        // Longer than a worker looks for news.
        std::thread::sleep(std::time::Duration::from_millis(1));
        let sum = AtomicUsize::new(0);
        pool.run(64, |job| {
            sum.fetch_add(job, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 63 * 64 / 2);
    }
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
    let pool = pool(3);
    for bad in 0..rounds(60) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            pool.run(40, |job| assert!(job != bad % 40, "job {job} fails"));
        }));
        let message = result.expect_err("a job panicked");
        assert_eq!(
            message.downcast_ref::<String>(),
            Some(&format!("job {} fails", bad % 40))
        );
        let count = AtomicUsize::new(0);
        pool.run(9, |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 9);
    }
}

#[test]
fn runs_within_runs_and_beside_each_other_end() {
    let pool = pool(2);
    let count = AtomicUsize::new(0);
    let nested = || {
        pool.run(6, |_| {
            pool.run(5, |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..rounds(300)).for_each(|_| nested()));
        }
    });
    assert_eq!(count.into_inner(), 3 * rounds(300) * 30);
}

#[test]
fn two_threads_work_at_once() {
    let barrier = Barrier::new(2);
    pool(2).run(2, |_| {
        barrier.wait();
    });
}

#[test]
fn the_panics_of_a_run_are_not_those_of_the_next() {
    let pool = pool(2);
    for _ in 0..rounds(200) {
        let both = Barrier::new(2);
        let result = catch_unwind(AssertUnwindSafe(|| {
            pool.run(2, |_| {
                both.wait();
                panic!("every job fails");
            });
        }));
        result.expect_err("jobs panicked");
        pool.run(9, |_| ());
    }
}
