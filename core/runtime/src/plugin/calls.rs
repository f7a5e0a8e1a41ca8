use std::sync::Arc;

use unmask_api::abi::{ErrorSlot, OK, Plugin, Status};
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
    /// What `status` and `error` say.
    pub(super) fn outcome(&self, status: Status, error: &ErrorSlot) -> Result<(), BackendError> {
        if status == OK {
            return Ok(());
        }
        let message = error.message.read();
        match ErrorCode::from_status(status) {
            ErrorCode::Cancelled => Err(BackendError::Cancelled),
            code => Err(self.failure(
                code,
                if message.is_empty() {
                    format!(
                        "it failed with status {status} {}",
                        BackendError::SAID_NOTHING
                    )
                } else {
                    message
                },
            )),
        }
    }

    /// A failure of this plugin in its own or our words.
    pub(super) fn failure(&self, code: ErrorCode, message: String) -> BackendError {
        BackendError::Remote {
            backend: self.name.to_string(),
            code,
            message,
        }
    }
}
