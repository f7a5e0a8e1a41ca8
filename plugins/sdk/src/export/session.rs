//! The functions of the table that concern models and sessions.

#![expect(unsafe_code, reason = "the C border is pointers")]

use std::ffi::c_void;

use unmask_api::abi::{
    ErrorSlot, FactsRow, LogitsTable, OK, PassTable, RowTable, SessionTable, Status, TopTable,
    requires,
};
use unmask_api::{
    BackendError, Cell, LogitsMut, Model, Pass, Position, Row, Session, SessionSpec, TokenId,
    TopMut, TopRequest,
};

use super::borrow::{self, Filling};
use super::{guard, guard_free};

/// What a model's handle points to.
type ModelBox = Box<dyn Model>;

/// What a session's handle points to.
struct Opened {
    session: Box<dyn Session>,
    vocab: usize,
    /// The rows of the last pass, kept for their allocation.
    rows: Vec<Row>,
}

/// The handle of a loaded model; [`model_free`] takes it back.
pub(super) fn handle(model: ModelBox) -> *mut c_void {
    Box::into_raw(Box::new(model)).cast()
}

/// `Plugin::model_facts`
///
/// # Safety
/// `model` is null or came from [`handle`]; the other pointers are null or the host's.
pub(super) unsafe extern "C" fn model_facts(
    model: *const c_void,
    out: *mut FactsRow,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        let (model, mut out) = unsafe {
            (
                borrow::handle(model.cast::<ModelBox>(), "model")?,
                Filling::begin(out, "facts row")?,
            )
        };
        let facts = model.facts();
        let row = &mut out.table;
        row.vocab = u32::try_from(facts.vocab).map_err(|_| {
            BackendError::Unsupported(format!(
                "a vocabulary of {} does not fit the plugin border",
                facts.vocab
            ))
        })?;
        row.max_positions = facts.max_positions;
        row.memory_bytes = facts.memory_bytes;
        row.cell_bytes = facts.cell_bytes;
        row.capabilities = facts.capabilities.0;
        // SAFETY: the host's sinks, during its call.
        unsafe {
            borrow::put(row.precision, &facts.precision);
            facts
                .notes
                .iter()
                .for_each(|note| borrow::put(row.notes, note));
        }
        out.give_back();
        Ok(OK)
    })
}

/// `Plugin::model_free`
///
/// # Safety
/// `model` is null, or came from [`handle`] and is not used again.
pub(super) unsafe extern "C" fn model_free(model: *mut c_void) {
    if !model.is_null() {
        // SAFETY: promised by the caller.
        guard_free(|| drop(unsafe { Box::from_raw(model.cast::<ModelBox>()) }));
    }
}

/// `Plugin::session_open`
///
/// # Safety
/// `model` is null or came from [`handle`]; the other pointers are null or the host's.
pub(super) unsafe extern "C" fn session_open(
    model: *const c_void,
    spec: *const SessionTable,
    session: *mut *mut c_void,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        let (model, spec, out) = unsafe {
            (
                borrow::handle(model.cast::<ModelBox>(), "model")?,
                borrow::copied(spec, "session table")?,
                borrow::handle_mut(session, "session handle")?,
            )
        };
        borrow::requires(spec.requires, requires::KNOWN_SESSION, "session")?;
        let opened = Opened {
            session: model.session(SessionSpec {
                cells: spec.cells,
                slots: spec.slots,
            })?,
            vocab: model.facts().vocab,
            rows: Vec::new(),
        };
        *out = Box::into_raw(Box::new(opened)).cast();
        Ok(OK)
    })
}

/// `Plugin::session_free`
///
/// # Safety
/// `session` is null, or came from [`session_open`] and is not used again.
pub(super) unsafe extern "C" fn session_free(session: *mut c_void) {
    if !session.is_null() {
        // SAFETY: promised by the caller.
        guard_free(|| drop(unsafe { Box::from_raw(session.cast::<Opened>()) }));
    }
}

/// Runs `body` on the session at `session`.
///
/// # Safety
/// `session` is null, or came from [`session_open`] and is used by this call alone; `error` is null or the host's.
unsafe fn on(
    session: *mut c_void,
    error: *mut ErrorSlot,
    body: impl FnOnce(&mut Opened) -> Result<(), BackendError>,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        body(unsafe { borrow::handle_mut(session.cast::<Opened>(), "session") }?)?;
        Ok(OK)
    })
}

/// `Plugin::forward`
///
/// # Safety
/// As [`on`]; `pass` is null or the host's.
pub(super) unsafe extern "C" fn forward(
    session: *mut c_void,
    pass: *const PassTable,
    error: *mut ErrorSlot,
) -> Status {
    let body = |opened: &mut Opened| {
        // SAFETY: promised by the caller; the arrays of the pass are live for this call.
        let pass = unsafe {
            let table = borrow::copied(pass, "pass table")?;
            pass_of(&table, &mut opened.rows)?
        };
        opened.session.forward(&pass)
    };
    // SAFETY: promised by the caller.
    unsafe { on(session, error, body) }
}

/// `Plugin::read_logits`
///
/// # Safety
/// As [`on`]; `out` is null or the host's, whose arrays have the lengths that it says.
pub(super) unsafe extern "C" fn read_logits(
    session: *mut c_void,
    out: *const LogitsTable,
    error: *mut ErrorSlot,
) -> Status {
    let body = |opened: &mut Opened| {
        // SAFETY: promised by the caller.
        let (rows, scores) = unsafe {
            let table = borrow::copied(out, "logits table")?;
            borrow::requires(table.requires, requires::KNOWN_LOGITS, "reading of logits")?;
            (
                borrow::slice(table.rows, table.rows_len as usize, "rows to read")?,
                borrow::slice_mut(table.logits, table.logits_len, "buffer for logits")?,
            )
        };
        let (vocab, expected) = (opened.vocab, rows.len() * opened.vocab);
        if scores.len() != expected {
            return Err(BackendError::Invalid(format!(
                "the host's buffer holds {} logits, the rows have {expected}",
                scores.len()
            )));
        }
        opened
            .session
            .read_logits(rows, LogitsMut { vocab, scores })
    };
    // SAFETY: promised by the caller.
    unsafe { on(session, error, body) }
}

/// `Plugin::read_top`
///
/// # Safety
/// As [`on`]; `out` is null or the host's, whose arrays have the lengths that the contract gives them.
pub(super) unsafe extern "C" fn read_top(
    session: *mut c_void,
    out: *const TopTable,
    error: *mut ErrorSlot,
) -> Status {
    let body = |opened: &mut Opened| {
        // SAFETY: promised by the caller; `TokenId` is laid out as u32.
        let (request, out) = unsafe {
            let table = borrow::copied(out, "top table")?;
            borrow::requires(table.requires, requires::KNOWN_TOP, "reading of the best")?;
            (request_of(&table)?, top_of(&table)?)
        };
        opened.session.read_top(&request, out)
    };
    // SAFETY: promised by the caller.
    unsafe { on(session, error, body) }
}

/// `Plugin::slot_copy`
///
/// # Safety
/// As [`on`].
pub(super) unsafe extern "C" fn slot_copy(
    session: *mut c_void,
    from: u32,
    to: u32,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: promised by the caller.
    unsafe { on(session, error, |opened| opened.session.copy_slot(from, to)) }
}

/// `Plugin::slot_clear`
///
/// # Safety
/// As [`on`].
pub(super) unsafe extern "C" fn slot_clear(
    session: *mut c_void,
    slot: u32,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: promised by the caller.
    unsafe { on(session, error, |opened| opened.session.clear_slot(slot)) }
}

/// `Plugin::session_reserve`
///
/// # Safety
/// As [`on`].
pub(super) unsafe extern "C" fn session_reserve(
    session: *mut c_void,
    cells: u32,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: promised by the caller.
    unsafe { on(session, error, |opened| opened.session.reserve(cells)) }
}

/// # Safety
/// The arrays of `table` are live for `'a`.
unsafe fn request_of<'a>(table: &TopTable) -> Result<TopRequest<'a>, BackendError> {
    let rows = table.rows_len as usize;
    let asked = rows * table.asked_per_row as usize;
    // SAFETY: promised by the caller; `TokenId` is `repr(transparent)` over u32.
    unsafe {
        Ok(TopRequest {
            rows: borrow::slice(table.rows, rows, "rows to read")?,
            banned: borrow::slice(
                table.banned.cast::<TokenId>(),
                table.banned_len as usize,
                "banned ids",
            )?,
            asked: borrow::slice(table.asked.cast::<TokenId>(), asked, "asked ids")?,
            divergence: table.requires & requires::TOP_DIVERGENCE != 0,
        })
    }
}

/// # Safety
/// The arrays of `table` are live and exclusive for `'a`.
unsafe fn top_of<'a>(table: &TopTable) -> Result<TopMut<'a>, BackendError> {
    let (rows, k) = (table.rows_len as usize, table.k as usize);
    let asked = rows * table.asked_per_row as usize;
    let remembered = match table.requires & requires::TOP_DIVERGENCE {
        0 => 0,
        _ => rows,
    };
    // SAFETY: promised by the caller; `TokenId` is `repr(transparent)` over u32.
    unsafe {
        Ok(TopMut {
            k,
            ids: borrow::slice_mut(table.ids.cast::<TokenId>(), rows * k, "buffer for ids")?,
            logits: borrow::slice_mut(table.logits, rows * k, "buffer for logits")?,
            tail: borrow::slice_mut(table.tail, rows, "buffer for tails")?,
            entropy: borrow::slice_mut(table.entropy, rows, "buffer for entropies")?,
            asked: borrow::slice_mut(table.asked_logits, asked, "buffer for asked logits")?,
            divergence: borrow::slice_mut(table.divergence, remembered, "buffer for divergences")?,
        })
    }
}

/// The pass that `table` describes; its rows are written to `rows`.
///
/// # Safety
/// The arrays of `table` are live and unchanged for `'a`.
unsafe fn pass_of<'a>(table: &PassTable, rows: &'a mut Vec<Row>) -> Result<Pass<'a>, BackendError> {
    borrow::requires(table.requires, requires::KNOWN_PASS, "pass")?;
    let fed = table.tokens_len as usize;
    let mask_len = match table.requires & requires::PASS_MASK {
        0 => None,
        _ => Some(table.mask_len),
    };
    // SAFETY: promised by the caller; `TokenId`, `Position` and `Cell` are `repr(transparent)` over u32, `CancelFlag` over
    // an atomic one.
    unsafe {
        let sent = borrow::each(
            table.rows,
            table.rows_len as usize,
            table.rows_stride as usize,
            "rows",
        )?;
        rows.clear();
        rows.extend(sent.map(row_of));
        Ok(Pass {
            rows,
            tokens: borrow::slice(table.tokens.cast::<TokenId>(), fed, "tokens")?,
            positions: borrow::slice(table.positions.cast::<Position>(), fed, "positions")?,
            cells: borrow::slice(table.cells.cast::<Cell>(), fed, "cells")?,
            mask: mask_len
                .map(|len| borrow::slice(table.mask, len, "mask"))
                .transpose()?,
            wanted: borrow::slice(table.wanted, table.wanted_len as usize, "wanted rows")?,
            cancel: borrow::handle(table.cancel, "cancel flag")?,
        })
    }
}

fn row_of(row: RowTable) -> Row {
    Row {
        fed: row.fed,
        slot: row.slot,
        context: row.context_start..row.context_end,
        padding: row.padding,
    }
}
