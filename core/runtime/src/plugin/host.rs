//! What we offer to plugins: a log.

#![expect(unsafe_code, reason = "plugins call it through C")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use unmask_api::abi::{HostTable, Text, level, size_u32};

/// The services for the plugin named `name`; they live until the process ends.
pub(super) fn table(name: &str) -> &'static HostTable {
    let name: &'static String = Box::leak(Box::new(name.to_owned()));
    Box::leak(Box::new(HostTable {
        struct_size: size_u32::<HostTable>(),
        // What is wanted may change while the program runs; `tracing` decides.
        log_level: level::DEBUG,
        context: std::ptr::from_ref(name).cast_mut().cast(),
        log,
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
    // A panicking subscriber is ours, and must not unwind through the plugin; there is nobody left to tell.
    let told = catch_unwind(AssertUnwindSafe(|| write(level, backend, &part, &message)));
    drop(told);
}

/// `tracing` wants its target while compiling, so the plugin's name is a field of the one target `backend`.
fn write(level: u32, backend: &str, part: &str, message: &str) {
    match level {
        0 | level::ERROR => tracing::error!(target: "backend", backend, part, "{message}"),
        level::WARN => tracing::warn!(target: "backend", backend, part, "{message}"),
        level::INFO => tracing::info!(target: "backend", backend, part, "{message}"),
        _ => tracing::debug!(target: "backend", backend, part, "{message}"),
    }
}
