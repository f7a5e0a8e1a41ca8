//! A session in the host: passes in, scores into the shared memory, ends out.

#![expect(unsafe_code, reason = "scores lie in memory that two processes map")]

use std::path::Path;

use ipc_channel::ipc::{IpcReceiver, IpcSender};
use unmask_api::{BackendError, LogitsMut, Pass, Position, Row, Session, TokenId, TopMut};

use super::message::{Fault, PassMessage, Wants};
use super::shared::Shared;

/// Computes passes until the session is dropped on the other side.
pub(super) fn attend(
    mut session: Box<dyn Session>,
    passes: &IpcReceiver<PassMessage>,
    ends: &IpcSender<Result<(), Fault>>,
) {
    let mut memory = None;
    while let Ok(message) = passes.recv() {
        let end = compute(&mut *session, &mut memory, message);
        if ends.send(end.map_err(|error| Fault::of(&error))).is_err() {
            return;
        }
    }
}

fn compute(
    session: &mut dyn Session,
    memory: &mut Option<Shared>,
    message: PassMessage,
) -> Result<(), BackendError> {
    if let Some(path) = &message.memory {
        *memory = Some(open(path)?);
    }
    let invalid = |what: &str| BackendError::Invalid(what.to_owned());
    let memory = memory.as_ref();
    let memory = memory.ok_or_else(|| invalid("a pass came before its memory"))?;
    let wanted = message.wanted.len();
    let numbers = match message.wants {
        Wants::Logits { vocab } => wanted.checked_mul(vocab),
        Wants::Top { k } => k.checked_add(1).and_then(|it| it.checked_mul(2 * wanted)),
    };
    if numbers.is_none_or(|numbers| numbers > memory.len()) {
        return Err(invalid("the shared memory is too small for the pass"));
    }
    let rows: Vec<Row> = message.rows.into_iter().map(row).collect();
    let tokens: Vec<TokenId> = message.tokens.into_iter().map(TokenId).collect();
    let positions: Vec<Position> = message.positions.into_iter().map(Position).collect();
    let pass = Pass {
        rows: &rows,
        tokens: &tokens,
        positions: &positions,
        wanted: &message.wanted,
        cancel: memory.cancel(),
    };
    // SAFETY (of all below): this is the host, the program waits for our answer, and the ranges follow one another.
    match message.wants {
        Wants::Logits { vocab } => {
            // SAFETY: as above.
            let scores = unsafe { memory.lend(0, wanted * vocab) };
            session.forward(&pass, LogitsMut { vocab, scores })
        }
        Wants::Top { k } => {
            let entries = wanted * k;
            let mut ids = vec![TokenId(0); entries];
            let top = TopMut {
                k,
                ids: &mut ids,
                // SAFETY: as above.
                logits: unsafe { memory.lend(entries, entries) },
                // SAFETY: as above.
                log_sum_exp: unsafe { memory.lend(2 * entries, wanted) },
                // SAFETY: as above.
                entropy: unsafe { memory.lend(2 * entries + wanted, wanted) },
            };
            session.forward_top(&pass, top)?;
            // SAFETY: as above.
            let told = unsafe { memory.lend::<u32>(0, entries) };
            for (told, id) in told.iter_mut().zip(&ids) {
                *told = id.0;
            }
            Ok(())
        }
    }
}

fn row([fed, slot, start, end]: [u32; 4]) -> Row {
    Row {
        fed,
        slot,
        attend: start..end,
    }
}

fn open(path: &Path) -> Result<Shared, BackendError> {
    Shared::open(path).map_err(|source| BackendError::Io {
        path: path.to_owned(),
        source,
    })
}
