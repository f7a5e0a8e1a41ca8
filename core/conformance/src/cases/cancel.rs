//! Work that is given up on request.

use std::thread;
use std::time::{Duration, Instant};

use unmask_api::{BackendError, CancelFlag, Logits, Session, SessionSpec};

use crate::owned_pass::OwnedPass;
use crate::report::Figure;
use crate::rig::{Rig, ensure};
use crate::{Explored, Finding, Outcome};

pub(super) fn pass(rig: &Rig) -> Outcome {
    let pass = OwnedPass::whole(&rig.tokens(20, 30));
    let expected = rig.alone(&pass)?;
    let mut session = rig.session()?;
    let flag = CancelFlag::new();
    flag.raise();
    let result = session.forward(&pass.pass(&flag));
    ensure(matches!(result, Err(BackendError::Cancelled)), || {
        format!("a raised flag gives {result:?}")
    })?;
    flag.lower();
    let result = session.forward(&pass.pass(&flag));
    result.map_err(|error| format!("a lowered flag gives {error}"))?;
    let all: Vec<u32> = (0..20).collect();
    let logits = rig.read(&mut *session, &all)?;
    rig.same("after a cancelled pass", &logits, &expected)
}

/// No pass is made longer than this many positions,
const MOST_POSITIONS: u32 = 512;
/// nor once a whole one takes this long.
const LONG_ENOUGH: Duration = Duration::from_secs(1);
/// How often one is cancelled, each time later.
const TIMES: u32 = 5;

/// Raised by another thread at some moment of a pass that takes as long as the model allows. How soon the pass then ends is
/// measured and not judged.
pub(super) fn running(rig: &mut Rig) -> Explored {
    let most = rig.facts.max_positions.min(MOST_POSITIONS);
    let session = rig.model().session(SessionSpec { cells: 0, slots: 1 });
    let mut session = session.map_err(|error| format!("opens no long session: {error}"))?;
    let (pass, expected, whole) = longest(rig, &mut *session, most)?;
    let mut waits = Vec::new();
    for time in 1..=TIMES {
        let delay = whole * time / (TIMES + 1);
        waits.extend(raise_after(delay, &mut *session, &pass)?);
        let after = rig.run(&mut *session, &pass)?;
        rig.same("after a pass that was cancelled", &after, &expected)?;
    }
    let mut figures = vec![
        Figure::new("pass_positions", pass.tokens.len() as f64),
        Figure::new("pass_seconds", whole.as_secs_f64()),
    ];
    waits.sort();
    if let Some(median) = waits.get(waits.len() / 2) {
        figures.push(Figure::new("cancel_seconds", median.as_secs_f64()));
    }
    Ok(Finding::Kept(figures))
}

/// A pass that takes long, its logits, and how long it took.
fn longest(
    rig: &Rig,
    session: &mut dyn Session,
    most: u32,
) -> Result<(OwnedPass, Logits, Duration), String> {
    let mut length = most.min(32);
    loop {
        let pass = OwnedPass::whole(&rig.tokens(length as usize, 31)).wanting(&[length - 1]);
        let began = Instant::now();
        let logits = rig.run(session, &pass)?;
        let took = began.elapsed();
        if length == most || took >= LONG_ENOUGH {
            return Ok((pass, logits, took));
        }
        length = (2 * length).min(most);
    }
}

/// From the raising to the end of the pass; `None` if it had ended before.
fn raise_after(
    delay: Duration,
    session: &mut dyn Session,
    pass: &OwnedPass,
) -> Result<Option<Duration>, String> {
    let flag = CancelFlag::new();
    let (result, raised, ended) = thread::scope(|scope| {
        let raising = scope.spawn(|| {
            thread::sleep(delay);
            let raised = Instant::now();
            flag.raise();
            raised
        });
        let result = session.forward(&pass.pass(&flag));
        let ended = Instant::now();
        raising.join().map(|raised| (result, raised, ended))
    })
    .map_err(|_| "a thread panicked".to_owned())?;
    match result {
        Ok(()) | Err(BackendError::Cancelled) => Ok(ended.checked_duration_since(raised)),
        Err(error) => Err(format!("a flag that is raised meanwhile gives {error}")),
    }
}
