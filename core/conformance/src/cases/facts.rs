//! What a model says of itself, and whether it stands by it.

use unmask_api::{BackendError, CancelFlag, Capabilities, ErrorCode, Session, TopRows};

use crate::Outcome;
use crate::compare::same_bits;
use crate::rig::{Rig, ensure};
use crate::run::{Run, run};

pub(super) fn steady(rig: &Rig) -> Outcome {
    let facts = rig.model().facts();
    ensure(facts == rig.facts, || {
        format!("they were {:?} and are {facts:?}", rig.facts)
    })?;
    rig.alone(&Run::whole(&rig.tokens(4, 16)))?;
    let facts = rig.model().facts();
    ensure(facts == rig.facts, || {
        format!("a pass makes {facts:?} of {:?}", rig.facts)
    })?;
    ensure(facts.vocab > 0 && facts.max_positions > 0, || {
        format!(
            "{} tokens and {} positions",
            facts.vocab, facts.max_positions
        )
    })?;
    ensure(!facts.precision.is_empty(), || {
        "the precision in use has no name".to_owned()
    })
}

/// Claims that a session refuses to act upon where they are not made. The others need no refusal: a flag that nobody
/// promised to read is not read, and sessions that cannot compute at once take turns.
const REFUSED: [Capabilities; 4] = [
    Capabilities::BATCH,
    Capabilities::KV_CACHE,
    Capabilities::LEFT_PADDING,
    Capabilities::TOPK_OUTPUT,
];

/// Passes that need what the model does not claim; the session lives on.
///
/// A plugin in C is never sent such a pass: there the host refuses in its place, and is what this tests.
pub(super) fn unclaimed(rig: &Rig) -> Outcome {
    let pass = Run::whole(&rig.tokens(6, 13));
    let mut session = rig.session()?;
    let expected = rig.run(&mut *session, &pass)?;
    for bit in REFUSED {
        if !rig.facts.capabilities.has(bit) {
            let name = name(bit);
            refused(name, ask(bit, rig, &mut *session))?;
            let after = rig.run(&mut *session, &pass)?;
            same_bits(&format!("after {name} was refused"), &after, &expected)?;
        }
    }
    Ok(())
}

/// Asks for a pass that needs `bit` alone.
fn ask(bit: Capabilities, rig: &Rig, session: &mut dyn Session) -> Result<(), BackendError> {
    let pass = match bit {
        Capabilities::BATCH => Run::whole(&[1]).and(1, &[2], 0..1, 0..1),
        Capabilities::KV_CACHE => Run::default().and(0, &[1], 1..2, 0..2),
        Capabilities::LEFT_PADDING => Run::default().and(0, &[1, 2], 1..3, 1..3),
        _ => {
            let mut top = TopRows::default();
            top.reset(1, 1);
            let one = Run::whole(&[1]);
            return session.forward_top(&one.pass(&CancelFlag::new()), top.view());
        }
    };
    run(session, rig.facts.vocab, &pass).map(|_| ())
}

fn name(bit: Capabilities) -> &'static str {
    let mut names = Capabilities::NAMES.iter();
    let named = names.find(|(other, _)| *other == bit);
    named.map_or("what has no name", |(_, name)| name)
}

/// `Err` unless it is refused as something that the backend does not have, in words.
pub(super) fn refused(what: &str, result: Result<(), BackendError>) -> Outcome {
    let Err(error) = result else {
        return Err(format!("{what} is not refused"));
    };
    let code = error.code();
    ensure(code == ErrorCode::Unsupported, || {
        format!("{what} gives {code:?}, not Unsupported: {error}")
    })?;
    worded(what, &error)
}

/// `Err` unless the error says something.
pub(super) fn worded(what: &str, error: &BackendError) -> Outcome {
    let text = error.to_string();
    let is_mute = text.trim().is_empty() || text.ends_with(BackendError::SAID_NOTHING);
    ensure(!is_mute, || format!("{what} is refused without a word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_is_refused_or_needs_no_refusal() {
        let unheard = [Capabilities::CANCEL, Capabilities::CONCURRENT];
        for (bit, name) in Capabilities::NAMES {
            assert!(REFUSED.contains(&bit) != unheard.contains(&bit), "{name}");
        }
    }
}
