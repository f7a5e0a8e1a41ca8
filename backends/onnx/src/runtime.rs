//! ONNX Runtime itself: loaded and set up once a process.

use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use unmask_sdk::{BackendError, log};

use crate::library;

/// The runtime allows one environment a process, so this cannot be a backend's own; it is kept to the end.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// The environment, made at the first call that can open the library; `named` is the option `library`.
///
/// # Errors
/// [`BackendError::Unsupported`] if there is no library that fits, [`BackendError::Device`] if it does not start; the next
/// call tries again.
pub(crate) fn environment(named: Option<&Path>) -> Result<Environment, BackendError> {
    let mut kept = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    library::start(named)?;
    if let Some(environment) = &*kept {
        return Ok(environment.clone());
    }
    let environment = ort::init()
        .with_name("unmask")
        .with_telemetry(false)
        .with_logger(Arc::new(hand_on))
        .build()
        .map_err(|error| failed("start", error))?;
    environment.set_log_level(LogLevel::Warning);
    *kept = Some(environment.clone());
    Ok(environment)
}

/// Writes the runtime's own messages to the host's log.
fn hand_on(level: LogLevel, _category: &str, _id: &str, place: &str, message: &str) {
    let text = format_args!("{message} ({place})");
    match level {
        LogLevel::Fatal | LogLevel::Error => log::error("onnxruntime", text),
        LogLevel::Warning => log::warn("onnxruntime", text),
        LogLevel::Info | LogLevel::Verbose => log::debug("onnxruntime", text),
    }
}

/// An error of the runtime while it did `what`.
pub(crate) fn failed(what: impl Display, error: impl Display) -> BackendError {
    let text = error.to_string();
    let text = text.trim_end_matches('.');
    let message = format!("ONNX Runtime failed to {what}: {text}");
    // Its allocator's own words; there is no status code of their own for them.
    if text.contains("Failed to allocate memory") || text.contains("bad_alloc") {
        return BackendError::OutOfMemory(message);
    }
    BackendError::Device(message)
}
