//! What is held by sessions that keep nothing, and when nothing is loaded any more.

use std::fs;
use std::time::{Duration, Instant};

use unmask_api::DeviceKind;

use crate::owned_pass::OwnedPass;
use crate::report::Figure;
use crate::rig::{Rig, ensure};
use crate::{Explored, Finding};

/// What allocators and libraries may keep for themselves at each time.
const SLACK_BYTES: f64 = 4e6;
/// A model that takes so long is loaded less often,
const SLOW: Duration = Duration::from_secs(1);
/// and one that takes so long hardly ever.
const VERY_SLOW: Duration = Duration::from_secs(10);

/// Loaded, asked and freed several times: the process must not grow by more than half of what the model says it holds.
pub(super) fn comes_back(rig: &mut Rig) -> Explored {
    let pass = OwnedPass::whole(&rig.tokens(16, 80));
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
        return Ok(Finding::Untested(NOT_MEASURED.to_owned()));
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

/// What all sessions together would hold at least if they made room that nobody asked for, if so many are allowed.
const MEASURED_BYTES: u64 = 64_000_000;
const MOST_SESSIONS: u64 = 1024;

/// Many sessions without cells, each after a pass: the process must not grow by half of what cells for whole canvases hold.
pub(super) fn of_sessions(rig: &mut Rig) -> Explored {
    let each = 2 * u64::from(rig.facts.max_positions) * rig.facts.cell_bytes;
    let count = MEASURED_BYTES.div_ceil(each.max(1)).min(MOST_SESSIONS);
    let would_be = (count * each) as f64;
    if would_be < 4.0 * SLACK_BYTES {
        let why = "what its cells hold is not told, or too little to be measured";
        return Ok(Finding::Untested(why.to_owned()));
    }
    if !computes_in_memory(rig) {
        let why = "its device has memory of its own";
        return Ok(Finding::Untested(why.to_owned()));
    }
    let pass = OwnedPass::whole(&rig.tokens(4, 81)).wanting(&[0]);
    // Threads and tables that are made once are made now.
    rig.run(&mut *rig.session_of(0)?, &pass)?;
    let Some(before) = held_bytes() else {
        return Ok(Finding::Untested(NOT_MEASURED.to_owned()));
    };
    let mut sessions = Vec::new();
    for _ in 0..count {
        let mut session = rig.session_of(0)?;
        rig.run(&mut *session, &pass)?;
        sessions.push(session);
    }
    let growth = held_bytes().unwrap_or(before) - before;
    ensure(growth <= would_be / 2.0, || {
        format!(
            "{count} sessions without cells hold {:.1} MB; with them it would be {:.1} MB",
            growth / 1e6,
            would_be / 1e6
        )
    })?;
    let each = growth / count as f64;
    Ok(Finding::Kept(vec![Figure::new("session_bytes", each)]))
}

fn computes_in_memory(rig: &Rig) -> bool {
    let mut devices = rig.backend.devices().into_iter();
    let own = devices.find(|device| device.id == rig.spec.device);
    own.is_some_and(|device| device.kind == DeviceKind::Cpu)
}

const NOT_MEASURED: &str = "what a process holds is measured on Linux alone";

/// The memory that this process has in use; `None` where that is not told.
fn held_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0)
}
