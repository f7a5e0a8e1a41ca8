use std::sync::Arc;

use unmask_api::abi::{Collected, ErrorSlot, OK, Plugin, Sink, Status, size_u32};
use unmask_api::{BackendError, ErrorCode};

/// A started plugin's functions, and whose they are.
#[derive(Clone)]
pub(super) struct Calls {
    // Invariant: every function but those marked optional is there.
    pub(super) plugin: &'static Plugin,
    pub(super) name: Arc<str>,
}

/// `function`, which is there.
pub(super) fn required<F>(function: Option<F>) -> F {
    function.expect("a plugin is refused if a required function is null")
}

impl Calls {
    /// Calls a function that can fail: `call` gets the slot for its message.
    pub(super) fn run(
        &self,
        call: impl FnOnce(*mut ErrorSlot) -> Status,
    ) -> Result<(), BackendError> {
        match self.answer(call)? {
            OK => Ok(()),
            status => Err(self.senseless(status)),
        }
    }

    /// An answer above 0 that the function does not have.
    pub(super) fn senseless(&self, status: Status) -> BackendError {
        self.failure(
            ErrorCode::Unknown,
            format!("it answered with status {status}, which means nothing here"),
        )
    }

    /// As [`run`](Self::run), for a function with answers of its own above 0.
    pub(super) fn answer(
        &self,
        call: impl FnOnce(*mut ErrorSlot) -> Status,
    ) -> Result<Status, BackendError> {
        let mut said = Collected::default();
        let mut error = ErrorSlot {
            struct_size: size_u32::<ErrorSlot>(),
            reserved: 0,
            message: Sink::into(&mut said),
        };
        let status = call(&raw mut error);
        if status >= OK {
            return Ok(status);
        }
        Err(match (ErrorCode::from_status(status), said.first()) {
            (ErrorCode::Cancelled, _) => BackendError::Cancelled,
            (code, "") => self.failure(
                code,
                format!(
                    "it failed with status {status} {}",
                    BackendError::SAID_NOTHING
                ),
            ),
            (code, message) => self.failure(code, message.to_owned()),
        })
    }

    /// A failure of this plugin in its own or our words.
    pub(super) fn failure(&self, code: ErrorCode, message: String) -> BackendError {
        BackendError::Plugin {
            backend: self.name.to_string(),
            code,
            message,
        }
    }
}
