//! A plugin's model, shown as a [`Model`].

#![expect(unsafe_code, reason = "the plugin's functions are C")]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex};

use unmask_api::abi::{ErrorSlot, FactsRow, Room, SessionTable, size_u32};
use unmask_api::{BackendError, Capabilities, ErrorCode, Model, ModelFacts, Session, SessionSpec};

use super::calls::{Calls, required};
use super::check;
use super::session::RemoteSession;

/// The most cache slots that a session may have.
const MOST_SLOTS: u32 = 64;

/// A model and what it said of itself; freed with its last user, the model or one of its sessions.
pub(super) struct ModelHandle {
    pub(super) facts: ModelFacts,
    /// Held while a session computes, if the model cannot compute for several at once.
    pub(super) turn: Mutex<()>,
    owned: Owned,
}

impl ModelHandle {
    pub(super) fn calls(&self) -> &Calls {
        &self.owned.calls
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
        let mut row = FactsRow {
            struct_size: size_u32::<FactsRow>(),
            vocab: 0,
            max_positions: 0,
            reserved: 0,
            memory_bytes: 0,
            capabilities: 0,
            precision: Room::default(),
            notes: Room::default(),
        };
        let mut error = ErrorSlot::default();
        let ask = required(self.calls.plugin.model_facts);
        // SAFETY: the model is live; the rest lives for the call.
        let status = unsafe { ask(self.ptr.as_ptr(), &raw mut row, &raw mut error) };
        self.calls.outcome(status, &error)?;
        let mut facts = check::facts(&self.calls.name, &row)?;
        if self.calls.plugin.forward_top.is_none() {
            facts.capabilities.0 &= !Capabilities::TOPK_OUTPUT.0;
        }
        Ok(facts)
    }
}

/// Loaded weights behind the border.
pub(super) struct RemoteModel(Arc<ModelHandle>);

impl RemoteModel {
    /// Owns the model at `ptr`, and asks for its facts.
    ///
    /// # Safety
    /// `ptr` is null, or was given by `model_load` of this plugin and is owned by nobody else.
    pub(super) unsafe fn adopt(calls: Calls, ptr: *mut c_void) -> Result<Self, BackendError> {
        let Some(ptr) = NonNull::new(ptr) else {
            let message = "it reported a loaded model, but gave none";
            return Err(calls.failure(ErrorCode::Device, message.to_owned()));
        };
        let owned = Owned { calls, ptr };
        Ok(Self(Arc::new(ModelHandle {
            facts: owned.facts()?,
            owned,
            turn: Mutex::new(()),
        })))
    }
}

impl Model for RemoteModel {
    fn facts(&self) -> ModelFacts {
        self.0.facts.clone()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        if spec.capacity == 0 || !(1..=MOST_SLOTS).contains(&spec.slots) {
            return Err(BackendError::Invalid(format!(
                "a session of {} positions in {} cache slots; give it at least one position and 1 to {MOST_SLOTS} slots",
                spec.capacity, spec.slots
            )));
        }
        let table = SessionTable {
            struct_size: size_u32::<SessionTable>(),
            capacity: spec.capacity,
            slots: spec.slots,
            reserved: 0,
        };
        let (mut session, mut error) = (ptr::null_mut(), ErrorSlot::default());
        let calls = self.0.calls();
        let open = required(calls.plugin.session_open);
        // SAFETY: the model is live; the rest lives for the call.
        let status = unsafe {
            open(
                self.0.owned.ptr.as_ptr(),
                &raw const table,
                &raw mut session,
                &raw mut error,
            )
        };
        calls.outcome(status, &error)?;
        let session = NonNull::new(session).ok_or_else(|| {
            let message = "it reported an open session, but gave none";
            calls.failure(ErrorCode::Device, message.to_owned())
        })?;
        // SAFETY: just opened by this plugin, and owned by nobody else.
        Ok(Box::new(unsafe {
            RemoteSession::adopt(Arc::clone(&self.0), session, spec)
        }))
    }
}
