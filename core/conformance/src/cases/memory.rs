//! What is held when nothing is loaded any more.

use std::fs;
use std::time::{Duration, Instant};

use crate::report::Figure;
use crate::rig::{Rig, ensure};
use crate::run::Run;
use crate::{Explored, Finding};

/// What allocators and libraries may keep for themselves at each time.
const SLACK_BYTES: f64 = 4e6;
/// A model that takes so long is loaded less often,
const SLOW: Duration = Duration::from_secs(1);
/// and one that takes so long hardly ever.
const VERY_SLOW: Duration = Duration::from_secs(10);

/// Loaded, asked and freed several times: the process must not grow by more than half of what the model says it holds.
pub(super) fn comes_back(rig: &mut Rig) -> Explored {
    let pass = Run::whole(&rig.tokens(16, 80));
    rig.unload();
    let cycle = || {
        let model = rig.load_again(&rig.spec)?;
        rig.alone_on(&*model, &pass).map(|_| ())
    };
    let began = Instant::now();
    cycle()?;
    let took = began.elapsed();
    let times = match () {
        () if took > VERY_SLOW => 1,
        () if took > SLOW => 3,
        () => 6,
    };
    if times > 1 {
        // Threads and tables that are made once are made now.
        cycle()?;
    }
    let Some(before) = held_bytes() else {
        let why = "what a process holds is measured on Linux alone";
        return Ok(Finding::Untested(why.to_owned()));
    };
    for _ in 0..times {
        cycle()?;
    }
    let after = held_bytes().unwrap_or(before);
    let growth = (after - before) / f64::from(times);
    let claimed = rig.facts.memory_bytes as f64;
    ensure(growth <= claimed / 2.0 + SLACK_BYTES, || {
        format!(
            "each load leaves {:.1} MB behind, of a model of {:.1} MB",
            growth / 1e6,
            claimed / 1e6
        )
    })?;
    Ok(Finding::Kept(vec![Figure::new("growth_bytes", growth)]))
}

/// The memory that this process has in use; `None` where that is not told.
fn held_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0)
}
