//! One model, several sessions.

use std::thread;

use unmask_api::Logits;

use crate::Outcome;
use crate::owned_pass::OwnedPass;
use crate::rig::Rig;

/// What a session answers when none was asked before it is what it answers between others.
pub(super) fn interleaved(rig: &Rig) -> Outcome {
    let mut asked = Vec::new();
    for seed in [41, 42] {
        let pass = OwnedPass::whole(&rig.tokens(14, seed));
        let mut session = rig.session()?;
        rig.run(&mut *session, &pass)?;
        let alone = rig.run(&mut *session, &pass)?;
        asked.push((session, pass, alone));
    }
    for _ in 0..2 {
        for (session, pass, alone) in &mut asked {
            rig.same("between others", &rig.run(&mut **session, pass)?, alone)?;
        }
    }
    Ok(())
}

pub(super) fn at_once(rig: &Rig) -> Outcome {
    const SESSIONS: u32 = 4;
    let passes: Vec<OwnedPass> = (0..SESSIONS)
        .map(|seed| OwnedPass::whole(&rig.tokens(20, 50 + seed)))
        .collect();
    let alone: Vec<Logits> = passes
        .iter()
        .map(|pass| rig.alone(pass))
        .collect::<Result<_, _>>()?;
    let check = |pass: &OwnedPass, expected: &Logits| {
        let mut session = rig.session()?;
        (0..4).try_for_each(|_| rig.same("at once", &rig.run(&mut *session, pass)?, expected))
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

/// One thread at a time, but not always the same.
pub(super) fn moved(rig: &Rig) -> Outcome {
    let pass = OwnedPass::whole(&rig.tokens(18, 43));
    let mut session = rig.session()?;
    let expected = rig.run(&mut *session, &pass)?;
    for _ in 0..2 {
        let got = thread::scope(|scope| {
            let elsewhere = scope.spawn(|| rig.run(&mut *session, &pass));
            let got = elsewhere.join();
            got.map_err(|_| "a thread panicked".to_owned())?
        })?;
        rig.same("on another thread", &got, &expected)?;
    }
    let got = rig.run(&mut *session, &pass)?;
    rig.same("back on the first thread", &got, &expected)
}
