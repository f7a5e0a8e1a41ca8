//! What we offer to plugins: a log.

#![expect(unsafe_code, reason = "plugins call it through C")]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use unmask_api::abi::{HostTable, Text, level, size_u32};

/// Takes a level, a part and a message.
type Tell = dyn Fn(u32, &str, &str) + Send + Sync;

/// Who is told instead of this process's own log. A static, as it belongs to the process, and plugins call without us.
static INSTEAD: OnceLock<Box<Tell>> = OnceLock::new();

/// From now on `tell` hears what plugins have to say; only the first who asks is heard.
pub(super) fn tell_instead(tell: Box<Tell>) {
    if INSTEAD.set(tell).is_err() {
        tracing::warn!("somebody hears already what plugins have to say");
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
    let write = |part: &str, message: &str| match INSTEAD.get() {
        Some(tell) => tell(level, part, message),
        None => write(level, backend, part, message),
    };
    // A panicking subscriber is ours, and must not unwind through the plugin; there is nobody left to tell.
    let told = catch_unwind(AssertUnwindSafe(|| write(&part, &message)));
    drop(told);
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
