//! A line of figures.

use unmask_kernels::Pool;

use crate::measure::Sample;
use crate::peak;

/// The threads that are measured, and what limits them.
pub(crate) struct Benched {
    pub(crate) pool: Pool,
    /// Bytes from memory per CPU second, with as many threads.
    memory: f64,
}

/// What a call has to do at least.
pub(crate) struct Work {
    /// Multiplications, each with an addition.
    pub(crate) products: f64,
    /// That come from memory.
    pub(crate) bytes: f64,
}

impl Benched {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            memory: peak::memory(&pool),
            pool,
        }
    }

    /// Prints GFLOP per CPU second; the share of `peak`, measured now; and that of the limit, which is `peak` or the speed of
    /// memory, whichever allows less.
    #[expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
    pub(crate) fn report(&self, what: &str, work: &Work, peak: Option<f64>, sample: &Sample) {
        let flop = 2e-9 * work.products;
        let (rate, best) = (flop / sample.cpu, flop / sample.best);
        let shares = peak.map_or(String::new(), |peak| {
            let least = (flop / peak).max(work.bytes / self.memory);
            format!(
                " {:3.0} % of its peak {peak:5.0}, {:3.0} % of the limit;",
                rate / peak * 100.0,
                least / sample.cpu * 100.0
            )
        });
        println!(
            "{:8} {} threads  {what:38} {rate:6.0} (best {best:6.0}) GFLOP per CPU s{shares} {:6.0} GFLOP/s, {:5.1} GB per \
             CPU s of {:.1}",
            self.pool.set().name(),
            self.pool.threads(),
            flop / sample.wall,
            work.bytes / sample.cpu / 1e9,
            self.memory / 1e9
        );
    }
}
