//! The services that plugins are offered: a log.

#![expect(unsafe_code, reason = "plugins call it through C")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use unmask_api::abi::{HostTable, Text, level, size_u32};

/// Takes a level, a part and a message.
type Log = dyn Fn(u32, &str, &str) + Send + Sync;

/// Where messages go instead of this process's own log. A static, as it belongs to the process, and plugins call without
/// us.
static INSTEAD: OnceLock<Box<Log>> = OnceLock::new();

/// Sends what plugins log to `log` from now on; only the first call does anything.
pub(super) fn redirect(log: Box<Log>) {
    if INSTEAD.set(log).is_err() {
        tracing::warn!("the log of plugins is redirected already");
    }
}

/// The services for the plugin named `name`; they live until the process ends.
pub(super) fn table(name: &str) -> &'static HostTable {
    let name: &'static String = Box::leak(Box::new(name.to_owned()));
    Box::leak(Box::new(HostTable {
        struct_size: size_u32::<HostTable>(),
        // What is wanted may change while the program runs; `tracing` decides.
        log_level: level::DEBUG,
        context: std::ptr::from_ref(name).cast_mut().cast(),
        log: Some(log),
    }))
}

/// # Safety
/// `context` is that of [`table`]; the texts are live.
unsafe extern "C" fn log(context: *mut c_void, level: u32, target: Text, message: Text) {
    // SAFETY: promised by the caller.
    let (name, part, message) = unsafe {
        (
            context.cast::<String>().as_ref(),
            target.to_string_lossy(),
            message.to_string_lossy(),
        )
    };
    let backend = name.map_or("", String::as_str);
    let write = |part: &str, message: &str| match INSTEAD.get() {
        Some(log) => log(level, part, message),
        None => write(level, backend, part, message),
    };
    // A panicking subscriber is ours, and must not unwind through the plugin; there is nobody left to tell.
    let written = catch_unwind(AssertUnwindSafe(|| write(&part, &message)));
    drop(written);
}

/// `tracing` wants its target while compiling, so the plugin's name is a field of the one target `backend`.
pub(super) fn write(level: u32, backend: &str, part: &str, message: &str) {
    match level {
        0 | level::ERROR => tracing::error!(target: "backend", backend, part, "{message}"),
        level::WARN => tracing::warn!(target: "backend", backend, part, "{message}"),
        level::INFO => tracing::info!(target: "backend", backend, part, "{message}"),
        _ => tracing::debug!(target: "backend", backend, part, "{message}"),
    }
}
