//! A session in the worker: requests in, output into the shared memory, responses out.

#![expect(unsafe_code, reason = "output lies in memory that two processes map")]

use std::path::Path;

use ipc_channel::ipc::{IpcReceiver, IpcSender};
use unmask_api::{
    BackendError, Cell, LogitsMut, Pass, Position, Row, Session, TokenId, TopMut, TopRequest,
};

use super::message::{
    ErrorMessage, PassMessage, SessionAction, SessionRequest, SessionResponse, TopMessage,
};
use super::shared_memory::{SharedMemory, TopLayout};

/// Serves a session until it is dropped on the other side.
pub(super) fn serve_session(
    mut session: Box<dyn Session>,
    requests: &IpcReceiver<SessionRequest>,
    responses: &IpcSender<SessionResponse>,
) {
    let mut memory = None;
    while let Ok(request) = requests.recv() {
        let result = perform(&mut *session, &mut memory, request);
        let response = result.map_err(|error| ErrorMessage::of(&error));
        if responses.send(response).is_err() {
            return;
        }
    }
}

fn perform(
    session: &mut dyn Session,
    memory: &mut Option<SharedMemory>,
    request: SessionRequest,
) -> Result<(), BackendError> {
    if let Some(path) = &request.memory {
        *memory = Some(open(path)?);
    }
    let memory = memory.as_ref();
    let memory = memory.ok_or_else(|| invalid("a request came before its memory"))?;
    match request.action {
        SessionAction::Forward(message) => forward(session, memory, message),
        SessionAction::ReadLogits { rows, vocab } => read_logits(session, memory, &rows, vocab),
        SessionAction::ReadTop(message) => read_top(session, memory, message),
        SessionAction::CopySlot { from, to } => session.copy_slot(from, to),
        SessionAction::ClearSlot(slot) => session.clear_slot(slot),
        SessionAction::Reserve(cells) => session.reserve(cells),
    }
}

fn forward(
    session: &mut dyn Session,
    memory: &SharedMemory,
    message: PassMessage,
) -> Result<(), BackendError> {
    let rows: Vec<Row> = message.rows.into_iter().map(row).collect();
    let positions: Vec<Position> = message.positions.into_iter().map(Position).collect();
    let cells: Vec<Cell> = message.cells.into_iter().map(Cell).collect();
    session.forward(&Pass {
        rows: &rows,
        tokens: &tokens(message.tokens),
        positions: &positions,
        cells: &cells,
        mask: message.mask.as_deref(),
        wanted: &message.wanted,
        cancel: memory.cancel(),
    })
}

fn read_logits(
    session: &mut dyn Session,
    memory: &SharedMemory,
    rows: &[u32],
    vocab: usize,
) -> Result<(), BackendError> {
    let numbers = rows.len().checked_mul(vocab);
    let numbers = numbers.filter(|&numbers| numbers <= memory.bytes() / size_of::<f32>());
    let numbers = numbers.ok_or_else(too_small)?;
    // SAFETY: this is the worker, the program waits for the response, and nothing else is lent.
    let scores = unsafe { memory.lend(0, numbers) };
    session.read_logits(rows, LogitsMut { vocab, scores })
}

fn read_top(
    session: &mut dyn Session,
    memory: &SharedMemory,
    message: TopMessage,
) -> Result<(), BackendError> {
    let asked = tokens(message.asked);
    let layout = TopLayout::of(
        message.rows.len(),
        message.k,
        asked.len(),
        message.divergence,
    );
    let layout = layout.filter(|layout| layout.bytes() <= memory.bytes());
    let layout = layout.ok_or_else(too_small)?;
    let request = TopRequest {
        rows: &message.rows,
        banned: &tokens(message.banned),
        asked: &asked,
        divergence: message.divergence,
    };
    let mut ids = vec![TokenId(0); layout.entries];
    // SAFETY: this is the worker, the program waits for the response, and the parts of a layout do not overlap.
    let out = unsafe {
        TopMut {
            k: message.k,
            ids: &mut ids,
            tail: memory.lend(0, layout.rows),
            entropy: memory.lend(layout.entropies(), layout.rows),
            divergence: memory.lend(layout.divergences(), layout.divergences),
            logits: memory.lend(layout.logits(), layout.entries),
            asked: memory.lend(layout.asked(), layout.asked),
        }
    };
    session.read_top(&request, out)?;
    // SAFETY: as above; nobody else was lent this part.
    let best = unsafe { memory.lend::<u32>(layout.ids(), layout.entries) };
    for (best, id) in best.iter_mut().zip(&ids) {
        *best = id.0;
    }
    Ok(())
}

fn row([fed, slot, start, end, padding]: [u32; 5]) -> Row {
    Row {
        fed,
        slot,
        context: start..end,
        padding,
    }
}

fn tokens(ids: Vec<u32>) -> Vec<TokenId> {
    ids.into_iter().map(TokenId).collect()
}

fn invalid(what: &str) -> BackendError {
    BackendError::Invalid(what.to_owned())
}

fn too_small() -> BackendError {
    invalid("the shared memory is too small for what is read")
}

fn open(path: &Path) -> Result<SharedMemory, BackendError> {
    SharedMemory::open(path).map_err(|source| BackendError::Io {
        path: path.to_owned(),
        source,
    })
}
