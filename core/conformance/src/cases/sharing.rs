//! One model, several sessions.

use std::thread;

use crate::run::Run;
use unmask_api::Logits;

use crate::Outcome;
use crate::compare::same_bits;
use crate::rig::Rig;

pub(super) fn outlives(rig: &Rig) -> Outcome {
    let pass = Run::whole(&rig.tokens(10, 40));
    let expected = rig.alone(&pass)?;
    let load = rig
        .backend
        .load(&rig.spec, &|_| std::ops::ControlFlow::Continue(()));
    let model = load.map_err(|error| format!("does not load twice: {error}"))?;
    let session = model.session(unmask_api::SessionSpec {
        capacity: 48,
        slots: 2,
    });
    let mut session = session.map_err(|error| format!("opens no session: {error}"))?;
    drop(model);
    same_bits(
        "without its model",
        &rig.run(&mut *session, &pass)?,
        &expected,
    )
}

pub(super) fn interleaved(rig: &Rig) -> Outcome {
    let passes = [41, 42].map(|seed| Run::whole(&rig.tokens(14, seed)));
    let alone = [rig.alone(&passes[0])?, rig.alone(&passes[1])?];
    let mut sessions = [rig.session()?, rig.session()?];
    for _ in 0..2 {
        for ((session, pass), expected) in sessions.iter_mut().zip(&passes).zip(&alone) {
            same_bits("between others", &rig.run(&mut **session, pass)?, expected)?;
        }
    }
    Ok(())
}

pub(super) fn at_once(rig: &Rig) -> Outcome {
    const SESSIONS: u32 = 4;
    let passes: Vec<Run> = (0..SESSIONS)
        .map(|seed| Run::whole(&rig.tokens(20, 50 + seed)))
        .collect();
    let alone: Vec<Logits> = passes
        .iter()
        .map(|pass| rig.alone(pass))
        .collect::<Result<_, _>>()?;
    let check = |pass: &Run, expected: &Logits| {
        let mut session = rig.session()?;
        (0..4).try_for_each(|_| same_bits("at once", &rig.run(&mut *session, pass)?, expected))
    };
    thread::scope(|scope| {
        let threads: Vec<_> = passes
            .iter()
            .zip(&alone)
            .map(|(pass, expected)| scope.spawn(|| check(pass, expected)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })
}
