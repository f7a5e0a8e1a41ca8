//! A plugin's session, shown as a [`Session`].

#![expect(unsafe_code, reason = "the plugin's functions are C")]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, MutexGuard, PoisonError};

use unmask_api::abi::{ErrorSlot, PassTable, RowTable, TopTable, size_u32};
use unmask_api::{BackendError, Capabilities, LogitsMut, Pass, Row, Session, SessionSpec, TopMut};

use super::calls::required;
use super::check;
use super::model::ModelHandle;

/// A conversation behind the border.
pub(super) struct RemoteSession {
    model: Arc<ModelHandle>,
    spec: SessionSpec,
    ptr: NonNull<c_void>,
    /// The rows of the last pass, kept for their allocation.
    rows: Vec<RowTable>,
}

// SAFETY: by contract a session may be used from any thread, one at a time.
unsafe impl Send for RemoteSession {}

impl Drop for RemoteSession {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once, before its model, which `self` still holds.
        unsafe { required(self.model.calls().plugin.session_free)(self.ptr.as_ptr()) };
    }
}

impl RemoteSession {
    /// Owns the session at `ptr`.
    ///
    /// # Safety
    /// `ptr` was given by `session_open` for `model` and `spec`, and is owned by nobody else.
    pub(super) unsafe fn adopt(
        model: Arc<ModelHandle>,
        ptr: NonNull<c_void>,
        spec: SessionSpec,
    ) -> Self {
        Self {
            model,
            spec,
            ptr,
            rows: Vec::new(),
        }
    }

    /// Tests the pass, then lays it out; the table borrows from `pass` and from `self.rows`.
    fn prepare(&mut self, pass: &Pass<'_>, also: Capabilities) -> Result<PassTable, BackendError> {
        pass.check(self.model.facts.vocab, &self.spec)?;
        self.able(pass.needs() | also)?;
        self.rows.clear();
        self.rows.extend(pass.rows.iter().map(row_table));
        Ok(PassTable {
            struct_size: size_u32::<PassTable>(),
            rows_len: count(self.rows.len())?,
            tokens_len: count(pass.tokens.len())?,
            wanted_len: count(pass.wanted.len())?,
            rows: self.rows.as_ptr(),
            // `TokenId` and `Position` are transparent over u32.
            tokens: pass.tokens.as_ptr().cast(),
            positions: pass.positions.as_ptr().cast(),
            wanted: pass.wanted.as_ptr(),
            cancel: pass.cancel,
        })
    }

    fn able(&self, needs: Capabilities) -> Result<(), BackendError> {
        let has = self.model.facts.capabilities;
        let lacks = |bit: Capabilities| needs.has(bit) && !has.has(bit);
        match Capabilities::NAMES.iter().find(|(bit, _)| lacks(*bit)) {
            None => Ok(()),
            Some((_, name)) => Err(BackendError::Unsupported(format!(
                "{} cannot compute this pass, which needs {name}; turn that off or use another backend",
                self.model.calls().name
            ))),
        }
    }
}

/// Waits for other sessions of a model that can compute for one alone.
fn turn(model: &ModelHandle) -> Option<MutexGuard<'_, ()>> {
    let alone = !model.facts.capabilities.has(Capabilities::CONCURRENT);
    alone.then(|| model.turn.lock().unwrap_or_else(PoisonError::into_inner))
}

fn row_table(row: &Row) -> RowTable {
    RowTable {
        fed: row.fed,
        slot: row.slot,
        attend_start: row.attend.start,
        attend_end: row.attend.end,
    }
}

fn count(len: usize) -> Result<u32, BackendError> {
    u32::try_from(len).map_err(|_| {
        BackendError::Invalid(format!("a pass of {len} entries does not cross the border"))
    })
}

pub(super) fn fits(what: &str, holds: usize, wanted: usize) -> Result<(), BackendError> {
    if holds == wanted {
        return Ok(());
    }
    Err(BackendError::Invalid(format!(
        "the buffer for {what} holds {holds}, the pass wants {wanted}"
    )))
}

impl Session for RemoteSession {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        let table = self.prepare(pass, Capabilities::default())?;
        let vocab = self.model.facts.vocab;
        fits("a row of logits", out.vocab, vocab)?;
        fits("logits", out.scores.len(), pass.wanted.len() * vocab)?;
        let mut error = ErrorSlot::default();
        let calls = self.model.calls();
        let forward = required(calls.plugin.forward);
        let turn = turn(&self.model);
        // SAFETY: the session is live and ours alone; `pass`, `self.rows` and `out` outlive the call; lengths were tested.
        let status = unsafe {
            forward(
                self.ptr.as_ptr(),
                &raw const table,
                out.scores.as_mut_ptr(),
                out.scores.len(),
                &raw mut error,
            )
        };
        drop(turn);
        calls.outcome(status, &error)?;
        check::logits(&calls.name, vocab, out.scores)
    }

    fn forward_top(&mut self, pass: &Pass<'_>, mut out: TopMut<'_>) -> Result<(), BackendError> {
        let table = self.prepare(pass, Capabilities::TOPK_OUTPUT)?;
        let (vocab, wanted) = (self.model.facts.vocab, pass.wanted.len());
        if !(1..=vocab).contains(&out.k) {
            return Err(BackendError::Invalid(format!(
                "the best {} of a vocabulary of {vocab}; ask for 1 to {vocab}",
                out.k
            )));
        }
        fits("ids", out.ids.len(), wanted * out.k)?;
        fits("logits", out.logits.len(), wanted * out.k)?;
        fits("sums", out.log_sum_exp.len(), wanted)?;
        fits("entropies", out.entropy.len(), wanted)?;
        let top = TopTable {
            struct_size: size_u32::<TopTable>(),
            k: count(out.k)?,
            // `TokenId` is transparent over u32.
            ids: out.ids.as_mut_ptr().cast(),
            logits: out.logits.as_mut_ptr(),
            log_sum_exp: out.log_sum_exp.as_mut_ptr(),
            entropy: out.entropy.as_mut_ptr(),
        };
        let mut error = ErrorSlot::default();
        let calls = self.model.calls();
        let forward_top = required(calls.plugin.forward_top);
        let turn = turn(&self.model);
        // SAFETY: as in `forward`; the buffers of `out` have the tested lengths.
        let status = unsafe {
            forward_top(
                self.ptr.as_ptr(),
                &raw const table,
                &raw const top,
                &raw mut error,
            )
        };
        drop(turn);
        calls.outcome(status, &error)?;
        check::top(&calls.name, vocab, &mut out)
    }
}
