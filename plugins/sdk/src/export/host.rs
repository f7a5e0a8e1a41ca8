//! The host's services, and the panic hook that uses them.

#![expect(unsafe_code, reason = "the host's log is a C function")]

use std::fmt::Display;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use unmask_api::abi::{HostTable, Text, level};

/// The host that loaded this library. A static, since a plugin is called from many places, panics included, that have no
/// handle of it; each library has its own copy.
static HOST: OnceLock<HostTable> = OnceLock::new();

/// Keeps `host` and sends panics to its log. Later calls change nothing.
pub(super) fn connect(host: HostTable) {
    if HOST.set(host).is_ok() {
        // The library has its own copy of the standard library, whose hook would print over the screen.
        std::panic::set_hook(Box::new(report));
    }
}

fn report(panic: &PanicHookInfo<'_>) {
    let text = panic.payload_as_str().unwrap_or("no text");
    match panic.location() {
        Some(location) => send(
            level::ERROR,
            "panic",
            &format_args!("panicked at {location}: {text}"),
        ),
        None => send(level::ERROR, "panic", &format_args!("panicked: {text}")),
    }
}

/// Writes to the host's log, if there is a host and it wants this level.
pub(crate) fn send(level: u32, target: &str, message: &dyn Display) {
    let Some(host) = HOST.get().filter(|host| level <= host.log_level) else {
        return;
    };
    let Some(log) = host.log else { return };
    let message = message.to_string();
    // SAFETY: the host promises that `log` lives on and may be called from any thread; the texts outlive
    // the call.
    unsafe { log(host.context, level, Text::of(target), Text::of(&message)) };
}
