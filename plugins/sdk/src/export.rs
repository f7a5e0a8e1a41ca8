//! From the C table to the traits: what `export_backend!` expands to.
//!
//! Every function of the table goes through `guard`, where panics end and errors become a status and a text.

#![expect(
    unsafe_code,
    reason = "the C border is pointers; each is checked in `borrow`"
)]

mod backend;
mod borrow;
mod host;
mod session;

use std::any::Any;
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use unmask_api::abi::{ABI_MAJOR, ABI_MINOR, ErrorSlot, Plugin, Status, size_u32};
use unmask_api::{Backend, BackendError};

pub(crate) use host::send;

/// One exported backend; implemented by [`export_backend!`](crate::export_backend) for a type of its own.
pub trait Export: 'static {
    /// What [`Backend::name`] returns.
    const NAME: &'static CStr;
    /// What [`Backend::version`] returns.
    const VERSION: &'static CStr;
    /// The libraries that it opens itself, as JSON; `None` if there are none.
    const RUNTIMES: Option<&'static CStr>;

    /// Makes the backend; called once.
    fn make() -> Box<dyn Backend>;

    /// Where it is kept, since the functions of the table have no handle of it.
    fn cell() -> &'static OnceLock<Box<dyn Backend>>;
}

/// The table of one backend.
#[must_use]
pub const fn table<E: Export>() -> Plugin {
    Plugin {
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        struct_size: size_u32::<Plugin>(),
        reserved: 0,
        name: E::NAME.as_ptr(),
        version: E::VERSION.as_ptr(),
        runtimes: match E::RUNTIMES {
            Some(text) => text.as_ptr(),
            None => std::ptr::null(),
        },
        init: Some(backend::init::<E>),
        probe: Some(backend::probe::<E>),
        device: Some(backend::device::<E>),
        check: Some(backend::check::<E>),
        model_load: Some(backend::model_load::<E>),
        model_facts: Some(session::model_facts),
        model_free: Some(session::model_free),
        session_open: Some(session::session_open),
        session_free: Some(session::session_free),
        forward: Some(session::forward),
        read_logits: Some(session::read_logits),
        read_top: Some(session::read_top),
        slot_copy: Some(session::slot_copy),
        slot_clear: Some(session::slot_clear),
        session_reserve: Some(session::session_reserve),
        model_export: Some(backend::model_export::<E>),
    }
}

/// `text`, which ends in NUL, as data of the table.
///
/// # Panics
/// If `text` holds another NUL; while compiling.
#[must_use]
pub const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a backend's name and version hold no NUL"),
    }
}

/// Runs `body`; a failure or panic is written to `error`.
fn guard(error: *mut ErrorSlot, body: impl FnOnce() -> Result<Status, BackendError>) -> Status {
    // Unwind safety: what a panic leaves half done is a session's cache, which the contract then calls unspecified.
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(payload) => BackendError::Panicked(text_of(payload)),
    };
    // SAFETY: the host passes its error slot, exclusive for this call, or null.
    if let Ok(slot) = unsafe { borrow::copied(error.cast_const(), "error slot") } {
        // SAFETY: the host's sink, during its call.
        unsafe { borrow::put(slot.message, &failure.full_text()) };
    }
    failure.code().to_status()
}

/// Runs `body`, which the host cannot be told the failure of.
fn guard_free(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        let text = text_of(payload);
        crate::log::error("free", format_args!("the backend panicked: {text}"));
    }
}

fn text_of(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => {
                // Its destructor is foreign and might panic too, outside every guard.
                std::mem::forget(payload);
                "with something that is no text".to_owned()
            }
        },
    }
}

/// Exports a backend as the plugin table `UNMASK_PLUGIN`; once per library.
///
/// `name` and `version` are literals (or macros that give one, such as `env!`) and the same as
/// [`Backend::name`](crate::Backend::name) and [`Backend::version`](crate::Backend::version) return; `backend` is an
/// expression, evaluated once. A backend that opens libraries which it does not carry says in `runtimes`, a literal of JSON
/// or `include_str!`, where `unmask backends install` gets them; `unmask_backend.h` says how, and
/// `unmask_sdk::runtimes` (feature `runtimes`) where they are then.
///
/// ```
/// # use unmask_sdk::*;
/// # struct Needy;
/// # impl Backend for Needy {
/// #     fn name(&self) -> &str { "needy" }
/// #     fn version(&self) -> &str { "1.0.0" }
/// #     fn probe(&self) -> Probe { Probe::Usable { score: 1 } }
/// #     fn devices(&self) -> Vec<Device> { Vec::new() }
/// #     fn check(&self, _: &LoadSpec) -> Result<Estimate, BackendError> {
/// #         Err(BackendError::Unsupported("it is only an example".to_owned()))
/// #     }
/// #     fn load(&self, _: &LoadSpec, _: &Progress<'_>) -> Result<Box<dyn Model>, BackendError> {
/// #         Err(BackendError::Cancelled)
/// #     }
/// # }
/// export_backend! {
///     name: "needy",
///     version: "1.0.0",
///     backend: Needy,
///     // Or include_str!("runtimes.json"); leave it out if there are none.
///     runtimes: r#"{"packages": []}"#,
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_backend {
    (name: $name:expr, version: $version:expr, backend: $backend:expr $(, runtimes: $runtimes:expr)? $(,)?) => {
        const _: () = {
            use ::std::{boxed::Box, ffi::CStr, sync::OnceLock};

            struct Exported;

            impl $crate::export::Export for Exported {
                const NAME: &'static CStr = $crate::export::c_str(::std::concat!($name, "\0"));
                const VERSION: &'static CStr =
                    $crate::export::c_str(::std::concat!($version, "\0"));
                const RUNTIMES: ::std::option::Option<&'static CStr> = {
                    let texts: &[&'static CStr] =
                        &[$($crate::export::c_str(::std::concat!($runtimes, "\0")))?];
                    texts.first().copied()
                };

                fn make() -> Box<dyn $crate::Backend> {
                    Box::new($backend)
                }

                fn cell() -> &'static OnceLock<Box<dyn $crate::Backend>> {
                    static CELL: OnceLock<Box<dyn $crate::Backend>> = OnceLock::new();
                    &CELL
                }
            }

            /// What the host reads.
            #[unsafe(no_mangle)]
            pub static UNMASK_PLUGIN: $crate::abi::Plugin = $crate::export::table::<Exported>();
        };
    };
}

#[cfg(test)]
mod tests;
