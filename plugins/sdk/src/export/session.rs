//! The functions of the table that concern models and sessions.

#![expect(unsafe_code, reason = "the C border is pointers")]

use std::ffi::c_void;

use unmask_api::abi::{
    ErrorSlot, FactsRow, OK, PassTable, RowTable, SessionTable, Status, TopTable,
};
use unmask_api::{
    BackendError, LogitsMut, Model, Pass, Position, Row, Session, SessionSpec, TokenId, TopMut,
};

use super::{borrow, guard, guard_free};

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
        let (model, out) = unsafe {
            (
                borrow::handle(model.cast::<ModelBox>(), "model")?,
                borrow::exclusive(out, "facts row")?,
            )
        };
        let facts = model.facts();
        out.vocab = u32::try_from(facts.vocab).map_err(|_| {
            BackendError::Unsupported(format!(
                "a vocabulary of {} does not fit the plugin border",
                facts.vocab
            ))
        })?;
        out.max_positions = facts.max_positions;
        out.memory_bytes = facts.memory_bytes;
        out.capabilities = facts.capabilities.0;
        out.precision.write(&facts.precision);
        out.notes.write(&facts.notes);
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
                borrow::shared(spec, "session table")?,
                borrow::handle_mut(session, "session handle")?,
            )
        };
        let opened = Opened {
            session: model.session(SessionSpec {
                capacity: spec.capacity,
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

/// `Plugin::forward`
///
/// # Safety
/// `session` is null, or came from [`session_open`] and is used by this call alone; `out` holds `out_len` floats; the other
/// pointers are null or the host's.
pub(super) unsafe extern "C" fn forward(
    session: *mut c_void,
    pass: *const PassTable,
    out: *mut f32,
    out_len: usize,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        let (opened, table, scores) = unsafe {
            (
                borrow::handle_mut(session.cast::<Opened>(), "session")?,
                borrow::shared(pass, "pass table")?,
                borrow::slice_mut(out, out_len, "buffer for logits")?,
            )
        };
        let expected = table.wanted_len as usize * opened.vocab;
        if out_len != expected {
            return Err(BackendError::Invalid(format!(
                "the host's buffer holds {out_len} logits, the pass wants {expected}"
            )));
        }
        let vocab = opened.vocab;
        // SAFETY: the arrays of the pass are live for this call.
        let pass = unsafe { pass_of(table, &mut opened.rows) }?;
        opened.session.forward(&pass, LogitsMut { vocab, scores })?;
        Ok(OK)
    })
}

/// `Plugin::forward_top`
///
/// # Safety
/// As [`forward`]; the arrays of `out` have the lengths that the contract gives them.
pub(super) unsafe extern "C" fn forward_top(
    session: *mut c_void,
    pass: *const PassTable,
    out: *const TopTable,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        let (opened, table, top) = unsafe {
            (
                borrow::handle_mut(session.cast::<Opened>(), "session")?,
                borrow::shared(pass, "pass table")?,
                borrow::shared(out, "top table")?,
            )
        };
        // SAFETY: the arrays of both tables are live for this call, those of `top` exclusive; `TokenId` is laid out as u32.
        let (pass, out) = unsafe {
            (
                pass_of(table, &mut opened.rows)?,
                top_of(top, table.wanted_len as usize)?,
            )
        };
        opened.session.forward_top(&pass, out)?;
        Ok(OK)
    })
}

/// # Safety
/// The arrays of `top` are live and exclusive for `'a`, for `wanted` rows.
unsafe fn top_of<'a>(top: &TopTable, wanted: usize) -> Result<TopMut<'a>, BackendError> {
    let k = top.k as usize;
    // SAFETY: promised by the caller; `TokenId` is `repr(transparent)` over u32.
    unsafe {
        Ok(TopMut {
            k,
            ids: borrow::slice_mut(top.ids.cast::<TokenId>(), wanted * k, "buffer for ids")?,
            logits: borrow::slice_mut(top.logits, wanted * k, "buffer for logits")?,
            log_sum_exp: borrow::slice_mut(top.log_sum_exp, wanted, "buffer for sums")?,
            entropy: borrow::slice_mut(top.entropy, wanted, "buffer for entropies")?,
        })
    }
}

/// The pass that `table` describes; its rows are written to `rows`.
///
/// # Safety
/// The arrays of `table` are live and unchanged for `'a`.
unsafe fn pass_of<'a>(
    table: &'a PassTable,
    rows: &'a mut Vec<Row>,
) -> Result<Pass<'a>, BackendError> {
    let fed = table.tokens_len as usize;
    // SAFETY: promised by the caller; `TokenId` and `Position` are `repr(transparent)` over u32, `CancelFlag` over an atomic
    // one.
    let (sent, tokens, positions, wanted, cancel) = unsafe {
        (
            borrow::slice(table.rows, table.rows_len as usize, "rows")?,
            borrow::slice(table.tokens.cast::<TokenId>(), fed, "tokens")?,
            borrow::slice(table.positions.cast::<Position>(), fed, "positions")?,
            borrow::slice(table.wanted, table.wanted_len as usize, "wanted rows")?,
            borrow::handle(table.cancel, "cancel flag")?,
        )
    };
    rows.clear();
    rows.extend(sent.iter().map(row_of));
    Ok(Pass {
        rows,
        tokens,
        positions,
        wanted,
        cancel,
    })
}

fn row_of(row: &RowTable) -> Row {
    Row {
        fed: row.fed,
        slot: row.slot,
        attend: row.attend_start..row.attend_end,
    }
}
