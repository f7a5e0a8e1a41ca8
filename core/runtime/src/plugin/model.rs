//! A plugin's model, shown as a [`Model`].

#![expect(unsafe_code, reason = "the plugin's functions are C")]

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use unmask_api::abi::{SessionTable, size_u32};
use unmask_api::{BackendError, Capabilities, ErrorCode, Model, ModelFacts, Session, SessionSpec};

use super::calls::{Calls, required};
use super::handle::ModelHandle;
use super::session::PluginSession;

/// Loaded weights behind the border.
pub(super) struct PluginModel(Arc<ModelHandle>);

impl PluginModel {
    /// Owns the model at `ptr`, and asks for its facts.
    ///
    /// # Safety
    /// `ptr` is null, or was given by `model_load` of this plugin and is owned by nobody else.
    pub(super) unsafe fn adopt(calls: Calls, ptr: *mut c_void) -> Result<Self, BackendError> {
        let Some(ptr) = NonNull::new(ptr) else {
            let message = "it reported a loaded model, but gave none";
            return Err(calls.failure(ErrorCode::Device, message.to_owned()));
        };
        // SAFETY: promised by the caller.
        Ok(Self(Arc::new(unsafe { ModelHandle::adopt(calls, ptr) }?)))
    }
}

impl Model for PluginModel {
    fn facts(&self) -> ModelFacts {
        self.0.facts.clone()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        if !(1..=SessionSpec::MOST_SLOTS).contains(&spec.slots) {
            return Err(BackendError::Invalid(format!(
                "a session of {} slots; give it 1 to {}",
                spec.slots,
                SessionSpec::MOST_SLOTS
            )));
        }
        let calls = self.0.calls();
        if spec.cells > 0 && !self.0.facts.capabilities.has(Capabilities::KV_CACHE) {
            return Err(BackendError::Unsupported(format!(
                "{} keeps no K/V; open the session without cells",
                calls.name
            )));
        }
        let table = SessionTable {
            struct_size: size_u32::<SessionTable>(),
            cells: spec.cells,
            slots: spec.slots,
            reserved: 0,
            requires: 0,
        };
        let mut session = ptr::null_mut();
        let (model, open) = (self.0.ptr(), required(calls.plugin.session_open));
        let exclusive = self.0.exclusive();
        // SAFETY: the model is live; the rest lives for the call.
        calls.run(|error| unsafe { open(model, &raw const table, &raw mut session, error) })?;
        drop(exclusive);
        let session = NonNull::new(session).ok_or_else(|| {
            let message = "it reported an open session, but gave none";
            calls.failure(ErrorCode::Device, message.to_owned())
        })?;
        // SAFETY: just opened by this plugin, and owned by nobody else.
        Ok(Box::new(unsafe {
            PluginSession::adopt(Arc::clone(&self.0), session, spec)
        }))
    }
}
