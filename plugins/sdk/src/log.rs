//! Messages to the host's log: never to stdout or stderr, which belong to the screen.
//!
//! `target` names the part of the backend that speaks, such as `weights`. Before the host has introduced itself, and when
//! the backend is used in process, the messages go nowhere.
//!
//! ```
//! use unmask_sdk::log;
//!
//! let tensors = 291;
//! log::info("weights", format_args!("{tensors} tensors"));
//! log::warn("weights", "there is no f16 here; computing in f32");
//! ```

use std::fmt::Display;

use unmask_api::abi::level;

use crate::export::send;

/// The user lost something.
pub fn error(target: &str, message: impl Display) {
    send(level::ERROR, target, &message);
}

/// The backend chose something for the user, such as another precision for a tensor.
pub fn warn(target: &str, message: impl Display) {
    send(level::WARN, target, &message);
}

/// Something worth a line once per load.
pub fn info(target: &str, message: impl Display) {
    send(level::INFO, target, &message);
}

/// Something worth a line once per pass.
pub fn debug(target: &str, message: impl Display) {
    send(level::DEBUG, target, &message);
}

#[cfg(test)]
mod tests {
    #[test]
    fn without_a_host_messages_are_dropped() {
        super::error("test", "nobody listens");
    }
}
