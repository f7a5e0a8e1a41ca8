//! Clocks and random numbers.

use std::time::Instant;

/// Medians of a call, in seconds.
pub(crate) struct Sample {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
    /// The least CPU time of a call in any stretch: what others on the machine disturbed least.
    pub(crate) best: f64,
}

/// Of how many seconds of calls the time is taken at once: what other threads use is told at the ticks of the scheduler alone,
/// which lie up to 10 ms apart.
const STRETCH: f64 = 0.05;

/// Calls `f` for about a second, in at least five stretches; the first call is not counted.
pub(crate) fn sample(mut f: impl FnMut(usize)) -> Sample {
    f(0);
    let mut turn = 0;
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while cpu.len() < 5 || begun.elapsed().as_secs_f64() < 0.7 {
        let (cpu_before, wall_before, first) = (cpu_seconds(), Instant::now(), turn);
        while turn == first || wall_before.elapsed().as_secs_f64() < STRETCH {
            turn += 1;
            f(turn);
        }
        let calls = (turn - first) as f64;
        cpu.push((cpu_seconds() - cpu_before) / calls);
        wall.push(wall_before.elapsed().as_secs_f64() / calls);
    }
    let best = cpu.iter().copied().fold(f64::INFINITY, f64::min);
    Sample {
        cpu: median(cpu),
        wall: median(wall),
        best,
    }
}

pub(crate) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Of all threads of this process; where they cannot be told, the time that passes.
pub(crate) fn cpu_seconds() -> f64 {
    #[cfg(unix)]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: it writes the time that it is given.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(unix))]
    {
        use std::sync::OnceLock;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64()
    }
}

/// Marsaglia's xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for eight in bytes.as_chunks_mut::<8>().0 {
            *eight = self.next().to_le_bytes();
        }
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 16) % n as u64) as usize
    }
    pub(crate) fn normals(&mut self, n: usize) -> Vec<f32> {
        let mut one = || {
            let bits = self.next();
            let uniform = |shift: u32| ((bits >> shift) & 0xffff) as f32 / 65536.0 - 0.5;
            (uniform(0) + uniform(16) + uniform(32) + uniform(48)) * 1.732
        };
        (0..n).map(|_| one()).collect()
    }
}
