//! A plugin's model, shared by those that use it.

#![expect(unsafe_code, reason = "the plugin's functions are C")]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use unmask_api::abi::{Collected, FactsRow, Sink, size_u32};
use unmask_api::{BackendError, Capabilities, ModelFacts};

use super::calls::{Calls, required};
use super::check;

/// A model and what it said of itself; freed with its last user, the model or one of its sessions.
pub(super) struct ModelHandle {
    pub(super) facts: ModelFacts,
    /// Held while a session is opened, used or freed, if the model takes one at a time.
    one_at_a_time: Mutex<()>,
    owned: Owned,
}

impl ModelHandle {
    /// Owns the model at `ptr`, and asks for its facts.
    ///
    /// # Safety
    /// `ptr` was given by `model_load` of this plugin and is owned by nobody else.
    pub(super) unsafe fn adopt(calls: Calls, ptr: NonNull<c_void>) -> Result<Self, BackendError> {
        let owned = Owned { calls, ptr };
        Ok(Self {
            facts: owned.facts()?,
            owned,
            one_at_a_time: Mutex::new(()),
        })
    }

    /// The plugin's own model.
    pub(super) fn ptr(&self) -> *mut c_void {
        self.owned.ptr.as_ptr()
    }

    pub(super) fn calls(&self) -> &Calls {
        &self.owned.calls
    }

    /// Waits for the other sessions of a model that takes one at a time.
    pub(super) fn exclusive(&self) -> Option<MutexGuard<'_, ()>> {
        let alone = !self.facts.capabilities.has(Capabilities::CONCURRENT);
        alone.then(|| {
            let waited = self.one_at_a_time.lock();
            waited.unwrap_or_else(PoisonError::into_inner)
        })
    }
}

struct Owned {
    calls: Calls,
    ptr: NonNull<c_void>,
}

// SAFETY: by contract a model may be used from any thread.
unsafe impl Send for Owned {}
// SAFETY: by contract even from several at once.
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once, after its sessions, which hold it.
        unsafe { required(self.calls.plugin.model_free)(self.ptr.as_ptr()) };
    }
}

impl Owned {
    fn facts(&self) -> Result<ModelFacts, BackendError> {
        let (mut precision, mut notes) = (Collected::default(), Collected::default());
        let mut row = FactsRow {
            struct_size: size_u32::<FactsRow>(),
            vocab: 0,
            max_positions: 0,
            reserved: 0,
            memory_bytes: 0,
            cell_bytes: 0,
            capabilities: 0,
            precision: Sink::into(&mut precision),
            notes: Sink::into(&mut notes),
        };
        let (calls, ask) = (&self.calls, required(self.calls.plugin.model_facts));
        // SAFETY: the model is live; the rest lives for the call.
        calls.run(|error| unsafe { ask(self.ptr.as_ptr(), &raw mut row, error) })?;
        let said = ModelFacts {
            vocab: row.vocab as usize,
            max_positions: row.max_positions,
            memory_bytes: row.memory_bytes,
            cell_bytes: row.cell_bytes,
            precision: precision.first().to_owned(),
            capabilities: Capabilities(row.capabilities),
            notes: check::whole(&calls.name, "notes", notes)?,
        };
        let mut facts = check::facts(&calls.name, said)?;
        // What has no function is not claimed, whatever the model says.
        let plugin = calls.plugin;
        let slots = plugin.slot_copy.is_some()
            && plugin.slot_clear.is_some()
            && plugin.session_reserve.is_some();
        if plugin.read_top.is_none() {
            facts.capabilities.0 &= !Capabilities::TOPK_OUTPUT.0;
        }
        if !slots {
            facts.capabilities.0 &= !Capabilities::KV_CACHE.0;
        }
        if plugin.read_top.is_none() || !slots {
            facts.capabilities.0 &= !Capabilities::DIVERGENCE.0;
        }
        Ok(facts)
    }
}
