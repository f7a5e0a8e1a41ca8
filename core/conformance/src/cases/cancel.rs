//! Work that is given up on request.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::run::Run;
use unmask_api::{BackendError, CancelFlag, Logits};

use crate::Outcome;
use crate::compare::same_bits;
use crate::rig::{Rig, ensure};

pub(super) fn pass(rig: &Rig) -> Outcome {
    let pass = Run::whole(&rig.tokens(20, 30));
    let expected = rig.alone(&pass)?;
    let mut session = rig.session()?;
    let (flag, mut logits) = (CancelFlag::new(), Logits::default());
    logits.reset(pass.wanted.len(), rig.facts.vocab);
    flag.raise();
    let result = session.forward(&pass.pass(&flag), logits.view());
    ensure(matches!(result, Err(BackendError::Cancelled)), || {
        format!("a raised flag gives {result:?}")
    })?;
    flag.lower();
    let result = session.forward(&pass.pass(&flag), logits.view());
    result.map_err(|error| format!("a lowered flag gives {error}"))?;
    same_bits("after a cancelled pass", &logits, &expected)
}

pub(super) fn load(rig: &Rig) -> Outcome {
    let heard = AtomicBool::new(false);
    let result = rig.backend.load(&rig.spec, &|_| {
        heard.store(true, Ordering::Relaxed);
        ControlFlow::Break(())
    });
    let cancelled = matches!(result, Err(BackendError::Cancelled));
    // A load that tells nothing cannot be ended.
    ensure(cancelled || !heard.load(Ordering::Relaxed), || {
        format!("the load goes on: {:?}", result.map(|_| ()))
    })
}
