//! What a model says of itself, and whether it stands by it.

use unmask_api::{
    BackendError, Capabilities, ErrorCode, Session, SessionSpec, TopRequest, TopRows,
};

use crate::Outcome;
use crate::owned_pass::{OwnedPass, run};
use crate::rig::{Rig, ensure};

pub(super) fn steady(rig: &Rig) -> Outcome {
    let facts = rig.model().facts();
    ensure(facts == rig.facts, || {
        format!("they were {:?} and are {facts:?}", rig.facts)
    })?;
    rig.alone(&OwnedPass::whole(&rig.tokens(4, 16)))?;
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
    })?;
    let keeps = rig.can(Capabilities::KV_CACHE);
    ensure(keeps || facts.cell_bytes == 0, || {
        format!("{} bytes a cell, and no cells", facts.cell_bytes)
    })?;
    let mute = facts.notes.iter().any(|note| note.trim().is_empty());
    ensure(!mute, || "a note says nothing".to_owned())
}

/// Asked twice, before and after a load; nothing may be listed twice or without a name.
pub(super) fn listed(rig: &Rig) -> Outcome {
    let devices = devices(rig);
    ensure(devices == self::devices(rig), || {
        "the devices are others when they are listed again".to_owned()
    })?;
    unique("device", devices.iter().map(|(id, _, _)| id))?;
    unique(
        "device's name",
        devices.iter().map(|(_, name, _)| name).take(1),
    )?;
    for (id, _, precisions) in &devices {
        unique(&format!("precision of {id}"), precisions.iter())?;
        ensure(!precisions.is_empty(), || format!("{id} has no precision"))?;
    }
    let own = devices.iter().find(|(id, _, _)| *id == rig.spec.device);
    ensure(
        own.is_some_and(|(_, _, all)| all.contains(&rig.spec.precision)),
        || {
            format!(
                "{} is loaded on {}, and not listed there",
                rig.spec.precision, rig.spec.device
            )
        },
    )
}

/// Ids, names and precisions; free memory changes.
fn devices(rig: &Rig) -> Vec<(String, String, Vec<String>)> {
    let devices = rig.backend.devices().into_iter();
    devices
        .map(|device| (device.id, device.name, device.precisions))
        .collect()
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Outcome {
    let mut met = Vec::new();
    for name in names {
        ensure(!name.trim().is_empty(), || format!("a {what} is empty"))?;
        ensure(!met.contains(&name), || {
            format!("the {what} `{name}` is there twice")
        })?;
        met.push(name);
    }
    Ok(())
}

/// Claims that a session refuses to act upon where they are not made. The others need no refusal: a flag that nobody
/// promised to read is not read, and sessions that cannot compute at once take turns.
const REFUSED: [Capabilities; 6] = [
    Capabilities::BATCH,
    Capabilities::KV_CACHE,
    Capabilities::LEFT_PADDING,
    Capabilities::TOPK_OUTPUT,
    Capabilities::ATTENTION_MASK,
    Capabilities::DIVERGENCE,
];

/// Passes that need what the model does not claim; the session lives on.
///
/// A plugin in C is never sent such a pass: there the host refuses in its place, and is what this tests.
pub(super) fn unclaimed(rig: &Rig) -> Outcome {
    let pass = OwnedPass::whole(&rig.tokens(6, 13));
    let mut session = rig.session()?;
    let expected = rig.run(&mut *session, &pass)?;
    for bit in REFUSED {
        if !rig.can(bit) {
            let name = name(bit);
            refused(name, ask(bit, rig, &mut *session))?;
            let after = rig.run(&mut *session, &pass)?;
            rig.same(&format!("after {name} was refused"), &after, &expected)?;
        }
    }
    if rig.can(Capabilities::KV_CACHE) {
        return Ok(());
    }
    refused("a copied slot", session.copy_slot(0, 1))?;
    refused("a cleared slot", session.clear_slot(0))?;
    refused("more room", session.reserve(8))
}

/// Asks for what needs `bit` alone.
fn ask(bit: Capabilities, rig: &Rig, session: &mut dyn Session) -> Result<(), BackendError> {
    let pass = match bit {
        Capabilities::KV_CACHE => {
            let spec = SessionSpec { cells: 8, slots: 1 };
            return rig.model().session(spec).map(|_| ());
        }
        Capabilities::BATCH => OwnedPass::whole(&[1]).and(1, &[2], 0..1),
        Capabilities::LEFT_PADDING => OwnedPass::whole(&[1, 2]).padded(1),
        Capabilities::ATTENTION_MASK => OwnedPass::whole(&[1, 2]).masked(|_, _| true),
        _ => {
            let one = OwnedPass::whole(&[1]);
            run(session, rig.facts.vocab, &one)?;
            let request = TopRequest {
                rows: &[0],
                divergence: bit == Capabilities::DIVERGENCE,
                ..TopRequest::default()
            };
            let mut top = TopRows::default();
            top.reset(&request, 1);
            return session.read_top(&request, top.view());
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
        let unheard = [
            Capabilities::CANCEL,
            Capabilities::CONCURRENT,
            Capabilities::DETERMINISTIC,
        ];
        for (bit, name) in Capabilities::NAMES {
            assert!(REFUSED.contains(&bit) != unheard.contains(&bit), "{name}");
        }
    }
}
