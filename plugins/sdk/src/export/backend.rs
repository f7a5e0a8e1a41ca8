//! The functions of the table that concern the backend as a whole.

#![expect(unsafe_code, reason = "the C border is pointers")]

use std::ffi::{CStr, c_void};
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use unmask_api::abi::{
    DeviceRow, ErrorSlot, HostTable, LoadTable, NO_DEVICE, OK, ProbeRow, Status, Text, kind,
};
use unmask_api::{
    Attention, Backend, BackendError, Device, DeviceKind, LoadProgress, LoadSpec, Probe,
};

use super::{Export, borrow, guard, host, session};

fn backend<E: Export>() -> Result<&'static dyn Backend, BackendError> {
    let made = E::cell().get().map(AsRef::as_ref);
    made.ok_or_else(|| BackendError::Invalid("the host did not call `init` first".to_owned()))
}

/// `Plugin::init`
///
/// # Safety
/// `host` is null or lives until the process ends; `error` is null or the host's.
pub(super) unsafe extern "C" fn init<E: Export>(
    host: *const HostTable,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        host::connect(unsafe { borrow::shared(host, "host table") }?);
        let made = E::cell().get_or_init(E::make);
        same("name", made.name(), E::NAME)?;
        same("version", made.version(), E::VERSION)?;
        Ok(OK)
    })
}

fn same(what: &str, said: &str, exported: &CStr) -> Result<(), BackendError> {
    if said.as_bytes() == exported.to_bytes() {
        return Ok(());
    }
    Err(BackendError::Invalid(format!(
        "the backend's {what} is `{said}`, but it is exported as `{}`; make them the same",
        exported.to_string_lossy()
    )))
}

/// `Plugin::probe`
///
/// # Safety
/// The pointers are null or the host's.
pub(super) unsafe extern "C" fn probe<E: Export>(
    out: *mut ProbeRow,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        let out = unsafe { borrow::exclusive(out, "probe row") }?;
        match backend::<E>()?.probe() {
            Probe::Usable { score } => out.score = score.max(1),
            Probe::Unusable { reason, remedy } => {
                out.score = 0;
                out.reason.write(&reason);
                out.remedy.write(&remedy);
            }
        }
        Ok(OK)
    })
}

/// `Plugin::device`
///
/// # Safety
/// The pointers are null or the host's.
pub(super) unsafe extern "C" fn device<E: Export>(
    index: u32,
    out: *mut DeviceRow,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller.
        let out = unsafe { borrow::exclusive(out, "device row") }?;
        match backend::<E>()?.devices().get(index as usize) {
            Some(device) => fill_device(out, device),
            None => return Ok(NO_DEVICE),
        }
        Ok(OK)
    })
}

fn fill_device(out: &mut DeviceRow, device: &Device) {
    out.kind = match device.kind {
        DeviceKind::Cpu => kind::CPU,
        DeviceKind::Gpu => kind::GPU,
        DeviceKind::Accelerator => kind::ACCELERATOR,
    };
    out.total_bytes = device.total_bytes;
    out.free_bytes = device.free_bytes;
    out.id.write(&device.id);
    out.name.write(&device.name);
    out.precisions.write(&device.precisions.join(","));
}

/// `Plugin::model_load`
///
/// # Safety
/// The pointers are null or the host's.
pub(super) unsafe extern "C" fn model_load<E: Export>(
    spec: *const LoadTable,
    model: *mut *mut c_void,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller, for the length of this call.
        let (table, out) = unsafe {
            (
                borrow::shared(spec, "load table")?,
                borrow::handle_mut(model, "model handle")?,
            )
        };
        // SAFETY: as above.
        let spec = unsafe { load_spec(table) }?;
        let listener = Listener(table);
        let model = backend::<E>()?.load(&spec, &|progress| listener.tell(progress))?;
        *out = session::handle(model);
        Ok(OK)
    })
}

/// `Plugin::model_export`
///
/// # Safety
/// `spec` is null or the host's, `folder` is live text, `error` is null or the host's.
pub(super) unsafe extern "C" fn model_export<E: Export>(
    spec: *const LoadTable,
    folder: Text,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller, for the length of this call.
        let (table, folder) = unsafe {
            (
                borrow::shared(spec, "load table")?,
                borrow::text(folder, "folder")?,
            )
        };
        // SAFETY: as above.
        let spec = unsafe { load_spec(table) }?;
        let listener = Listener(table);
        let progress = |progress: LoadProgress<'_>| listener.tell(progress);
        backend::<E>()?.export(&spec, Path::new(&folder), &progress)?;
        Ok(OK)
    })
}

/// # Safety
/// The texts of `table` are live.
unsafe fn load_spec(table: &LoadTable) -> Result<LoadSpec, BackendError> {
    // SAFETY: promised by the caller.
    let text = |text: Text, what| unsafe { borrow::text(text, what) };
    // SAFETY: as above.
    let weights = unsafe { borrow::slice(table.weights, table.weights_len as usize, "weights") }?;
    let cache_folder = text(table.cache_folder, "cache folder")?;
    Ok(LoadSpec {
        family: text(table.family, "family")?,
        folder: text(table.folder, "folder")?.into(),
        weights: weights
            .iter()
            .map(|&path| Ok(PathBuf::from(text(path, "weight file")?)))
            .collect::<Result<_, BackendError>>()?,
        config_json: text(table.config_json, "config")?,
        device: text(table.device, "device")?,
        precision: text(table.precision, "precision")?,
        threads: NonZeroU32::new(table.threads),
        attention: NonZeroU32::new(table.attention_block)
            .map_or(Attention::Bidirectional, Attention::BlockCausal),
        cache_folder: (!cache_folder.is_empty()).then(|| cache_folder.into()),
        options_json: text(table.options_json, "options")?,
    })
}

struct Listener<'a>(&'a LoadTable);

// SAFETY: the host promises that `progress` may be called with `context` from any thread during the call; the rest is read.
unsafe impl Sync for Listener<'_> {}

impl Listener<'_> {
    fn tell(&self, progress: LoadProgress<'_>) -> ControlFlow<()> {
        let LoadProgress { stage, done, total } = progress;
        // SAFETY: the host's function with the host's context, during the call; `stage` outlives the call.
        match unsafe { (self.0.progress)(self.0.context, Text::of(stage), done, total) } {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}
