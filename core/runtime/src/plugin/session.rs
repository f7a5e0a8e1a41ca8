//! A plugin's session, shown as a [`Session`].

#![expect(unsafe_code, reason = "the plugin's functions are C")]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use unmask_api::abi::{
    ErrorSlot, LogitsTable, PassTable, RowTable, Status, TopTable, requires, size_u32,
};
use unmask_api::{
    BackendError, Capabilities, LogitsMut, Pass, Row, Session, SessionSpec, TopMut, TopRequest,
};

use super::calls::required;
use super::check;
use super::handle::ModelHandle;

/// A session behind the border.
pub(super) struct PluginSession {
    model: Arc<ModelHandle>,
    spec: SessionSpec,
    ptr: NonNull<c_void>,
    /// The rows of the last pass, kept for their allocation.
    rows: Vec<RowTable>,
    /// Rows of output that the last pass left; `None` if it failed or there was none.
    output: Option<usize>,
}

// SAFETY: by contract a session may be used from any thread, one at a time.
unsafe impl Send for PluginSession {}

impl Drop for PluginSession {
    fn drop(&mut self) {
        let _exclusive = self.model.exclusive();
        // SAFETY: owned, and freed once, before its model, which `self` still holds.
        unsafe { required(self.model.calls().plugin.session_free)(self.ptr.as_ptr()) };
    }
}

impl PluginSession {
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
            output: None,
        }
    }

    /// Calls a function of the plugin on this session.
    fn call(
        &self,
        function: impl FnOnce(*mut c_void, *mut ErrorSlot) -> Status,
    ) -> Result<(), BackendError> {
        let _exclusive = self.model.exclusive();
        let session = self.ptr.as_ptr();
        self.model.calls().run(|error| function(session, error))
    }

    /// Lays a tested pass out; the table borrows from `pass` and from `self.rows`.
    fn table(&mut self, pass: &Pass<'_>) -> Result<PassTable, BackendError> {
        self.rows.clear();
        self.rows.extend(pass.rows.iter().map(row_table));
        Ok(PassTable {
            struct_size: size_u32::<PassTable>(),
            rows_len: count(self.rows.len())?,
            rows_stride: size_u32::<RowTable>(),
            tokens_len: count(pass.tokens.len())?,
            wanted_len: count(pass.wanted.len())?,
            reserved: 0,
            requires: pass.mask.map_or(0, |_| requires::PASS_MASK),
            rows: self.rows.as_ptr(),
            // `TokenId`, `Position` and `Cell` are transparent over u32.
            tokens: pass.tokens.as_ptr().cast(),
            positions: pass.positions.as_ptr().cast(),
            cells: pass.cells.as_ptr().cast(),
            mask: pass.mask.map_or(ptr::null(), <[u32]>::as_ptr),
            mask_len: pass.mask.map_or(0, <[u32]>::len),
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
                "{} cannot do this, which needs {name}; turn that off or use another backend",
                self.model.calls().name
            ))),
        }
    }

    /// Tests that `rows` are rows of the last pass's output.
    fn check_rows(&self, rows: &[u32]) -> Result<(), BackendError> {
        let Some(there) = self.output else {
            return Err(BackendError::Invalid(
                "no pass has left output to be read".to_owned(),
            ));
        };
        let ordered = rows.windows(2).all(|pair| pair[0] < pair[1]);
        if ordered && rows.last().is_none_or(|&last| (last as usize) < there) {
            return Ok(());
        }
        Err(BackendError::Invalid(format!(
            "rows to read are unordered or beyond the {there} of the last pass"
        )))
    }

    fn check_request(
        &self,
        request: &TopRequest<'_>,
        out: &TopMut<'_>,
    ) -> Result<(), BackendError> {
        let vocab = self.model.facts.vocab;
        let ordered = request.banned.windows(2).all(|pair| pair[0] < pair[1]);
        let beyond = |id: &&unmask_api::TokenId| id.index() >= vocab;
        if !ordered
            || request
                .banned
                .iter()
                .chain(request.asked)
                .any(|id| beyond(&id))
        {
            return Err(BackendError::Invalid(format!(
                "banned ids are unordered, or ids are outside the vocabulary of {vocab}"
            )));
        }
        let most = vocab.saturating_sub(request.banned.len());
        if !(1..=most).contains(&out.k) {
            return Err(BackendError::Invalid(format!(
                "the best {} of {most} ids; ask for 1 to {most}",
                out.k
            )));
        }
        top_fits(request, out)
    }

    fn slot(&self, slot: u32) -> Result<(), BackendError> {
        self.able(Capabilities::KV_CACHE)?;
        match slot < self.spec.slots {
            true => Ok(()),
            false => Err(BackendError::Invalid(format!(
                "slot {slot} of a session with {}",
                self.spec.slots
            ))),
        }
    }
}

fn row_table(row: &Row) -> RowTable {
    RowTable {
        fed: row.fed,
        slot: row.slot,
        context_start: row.context.start,
        context_end: row.context.end,
        padding: row.padding,
        reserved: 0,
    }
}

fn count(len: usize) -> Result<u32, BackendError> {
    u32::try_from(len).map_err(|_| {
        BackendError::Invalid(format!("{len} entries do not cross the border at once"))
    })
}

pub(super) fn fits(what: &str, holds: usize, wanted: usize) -> Result<(), BackendError> {
    if holds == wanted {
        return Ok(());
    }
    Err(BackendError::Invalid(format!(
        "the buffer for {what} holds {holds}, {wanted} are read"
    )))
}

/// Tests that the buffers of `out` have room for the answer to `request`, and no more.
pub(super) fn top_fits(request: &TopRequest<'_>, out: &TopMut<'_>) -> Result<(), BackendError> {
    let rows = request.rows.len();
    fits("ids", out.ids.len(), rows * out.k)?;
    fits("logits", out.logits.len(), rows * out.k)?;
    fits("tails", out.tail.len(), rows)?;
    fits("entropies", out.entropy.len(), rows)?;
    fits(
        "asked ids",
        request.asked.len(),
        request.asked_per_row() * rows,
    )?;
    fits("asked logits", out.asked.len(), request.asked.len())?;
    let remembered = if request.divergence { rows } else { 0 };
    fits("divergences", out.divergence.len(), remembered)
}

impl Session for PluginSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.output = None;
        pass.check(self.model.facts.vocab, &self.spec)?;
        self.able(pass.needs())?;
        let table = self.table(pass)?;
        let forward = required(self.model.calls().plugin.forward);
        // SAFETY: the session is live and ours alone; `pass` and `self.rows` outlive the call; lengths were tested.
        self.call(|session, error| unsafe { forward(session, &raw const table, error) })?;
        self.output = Some(pass.wanted.len());
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.check_rows(rows)?;
        let vocab = self.model.facts.vocab;
        fits("a row of logits", out.vocab, vocab)?;
        fits("logits", out.scores.len(), rows.len() * vocab)?;
        let table = LogitsTable {
            struct_size: size_u32::<LogitsTable>(),
            rows_len: count(rows.len())?,
            requires: 0,
            rows: rows.as_ptr(),
            logits: out.scores.as_mut_ptr(),
            logits_len: out.scores.len(),
        };
        let read = required(self.model.calls().plugin.read_logits);
        // SAFETY: as in `forward`; the buffers have the tested lengths.
        self.call(|session, error| unsafe { read(session, &raw const table, error) })?;
        check::logits(&self.model.calls().name, vocab, out.scores)
    }

    fn read_top(
        &mut self,
        request: &TopRequest<'_>,
        mut out: TopMut<'_>,
    ) -> Result<(), BackendError> {
        self.able(Capabilities::TOPK_OUTPUT)?;
        if request.divergence {
            self.able(Capabilities::DIVERGENCE)?;
        }
        self.check_rows(request.rows)?;
        self.check_request(request, &out)?;
        let table = TopTable {
            struct_size: size_u32::<TopTable>(),
            rows_len: count(request.rows.len())?,
            requires: if request.divergence {
                requires::TOP_DIVERGENCE
            } else {
                0
            },
            k: count(out.k)?,
            banned_len: count(request.banned.len())?,
            asked_per_row: count(request.asked_per_row())?,
            reserved: 0,
            rows: request.rows.as_ptr(),
            // `TokenId` is transparent over u32.
            banned: request.banned.as_ptr().cast(),
            asked: request.asked.as_ptr().cast(),
            ids: out.ids.as_mut_ptr().cast(),
            logits: out.logits.as_mut_ptr(),
            tail: out.tail.as_mut_ptr(),
            entropy: out.entropy.as_mut_ptr(),
            asked_logits: out.asked.as_mut_ptr(),
            divergence: match request.divergence {
                true => out.divergence.as_mut_ptr(),
                false => ptr::null_mut(),
            },
        };
        let read = required(self.model.calls().plugin.read_top);
        // SAFETY: as in `forward`; the buffers have the tested lengths.
        self.call(|session, error| unsafe { read(session, &raw const table, error) })?;
        let vocab = self.model.facts.vocab;
        check::top(&self.model.calls().name, vocab, request, &mut out)
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.slot(from)?;
        self.slot(to)?;
        let copy = required(self.model.calls().plugin.slot_copy);
        // SAFETY: the session is live and ours alone.
        self.call(|session, error| unsafe { copy(session, from, to, error) })
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.slot(slot)?;
        let clear = required(self.model.calls().plugin.slot_clear);
        // SAFETY: the session is live and ours alone.
        self.call(|session, error| unsafe { clear(session, slot, error) })
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        self.able(Capabilities::KV_CACHE)?;
        if cells <= self.spec.cells {
            return Ok(());
        }
        let reserve = required(self.model.calls().plugin.session_reserve);
        // SAFETY: the session is live and ours alone.
        self.call(|session, error| unsafe { reserve(session, cells, error) })?;
        self.spec.cells = cells;
        Ok(())
    }
}
