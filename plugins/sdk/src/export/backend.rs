//! The functions of the table that concern the backend as a whole.

#![expect(unsafe_code, reason = "the C border is pointers")]

use std::ffi::{CStr, c_void};
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use unmask_api::abi::{
    DeviceRow, ErrorSlot, EstimateRow, HostTable, LoadTable, NO_DEVICE, OK, ProbeRow, Status, Text,
    attention, kind, requires,
};
use unmask_api::{Attention, Backend, BackendError, Device, LoadProgress, LoadSpec, Probe};

use super::borrow::{self, Filling};
use super::{Export, guard, host, session};

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
        host::connect(unsafe { borrow::copied(host, "host table") }?);
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
        let mut out = unsafe { Filling::begin(out, "probe row") }?;
        match backend::<E>()?.probe() {
            Probe::Usable { score } => out.table.score = score.max(1),
            Probe::Unusable { reason, remedy } => {
                out.table.score = 0;
                // SAFETY: the host's sinks, during its call.
                unsafe {
                    borrow::put(out.table.reason, &reason);
                    borrow::put(out.table.remedy, &remedy);
                }
            }
        }
        out.give_back();
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
        let mut out = unsafe { Filling::begin(out, "device row") }?;
        let devices = backend::<E>()?.devices();
        let Some(device) = devices.get(index as usize) else {
            return Ok(NO_DEVICE);
        };
        // SAFETY: the host's sinks, during its call.
        unsafe { fill_device(&mut out.table, device) };
        out.give_back();
        Ok(OK)
    })
}

/// # Safety
/// The sinks of `out` are live.
unsafe fn fill_device(out: &mut DeviceRow, device: &Device) {
    out.kind = kind::of(device.kind);
    out.total_bytes = device.total_bytes;
    out.free_bytes = device.free_bytes;
    out.ranked = device.ranked.into();
    // SAFETY: promised by the caller.
    unsafe {
        borrow::put(out.id, &device.id);
        borrow::put(out.name, &device.name);
        let put = |precision: &String| borrow::put(out.precisions, precision);
        device.precisions.iter().for_each(put);
    }
}

/// `Plugin::check`
///
/// # Safety
/// The pointers are null or the host's.
pub(super) unsafe extern "C" fn check<E: Export>(
    spec: *const LoadTable,
    out: *mut EstimateRow,
    error: *mut ErrorSlot,
) -> Status {
    guard(error, || {
        // SAFETY: promised by the caller, for the length of this call.
        let (spec, mut out) = unsafe {
            let table = borrow::copied(spec, "load table")?;
            (load_spec(&table)?, Filling::begin(out, "estimate row")?)
        };
        let estimate = backend::<E>()?.check(&spec)?;
        out.table.threads = estimate.threads;
        out.table.weights_bytes = estimate.weights_bytes;
        out.table.cell_bytes = estimate.cell_bytes;
        out.give_back();
        Ok(OK)
    })
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
                borrow::copied(spec, "load table")?,
                borrow::handle_mut(model, "model handle")?,
            )
        };
        // SAFETY: as above.
        let spec = unsafe { load_spec(&table) }?;
        let listener = Listener(&table);
        let model = backend::<E>()?.load(&spec, &|progress| listener.report(progress))?;
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
                borrow::copied(spec, "load table")?,
                borrow::text(folder, "folder")?,
            )
        };
        // SAFETY: as above.
        let spec = unsafe { load_spec(&table) }?;
        let listener = Listener(&table);
        let progress = |progress: LoadProgress<'_>| listener.report(progress);
        backend::<E>()?.export(&spec, Path::new(&folder), &progress)?;
        Ok(OK)
    })
}

/// # Safety
/// The texts of `table` are live.
unsafe fn load_spec(table: &LoadTable) -> Result<LoadSpec, BackendError> {
    borrow::requires(table.requires, requires::KNOWN_LOAD, "load")?;
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
        attention: attention_of(table)?,
        cache_folder: (!cache_folder.is_empty()).then(|| cache_folder.into()),
        options_json: text(table.options_json, "options")?,
    })
}

fn attention_of(table: &LoadTable) -> Result<Attention, BackendError> {
    let block = NonZeroU32::new(table.attention_block);
    match (table.attention, block) {
        (attention::BIDIRECTIONAL, None) => Ok(Attention::Bidirectional),
        (attention::BLOCK_CAUSAL, Some(block)) => Ok(Attention::BlockCausal(block)),
        (attention::CAUSAL, None) => Ok(Attention::Causal),
        (kind, _) => Err(BackendError::Unsupported(format!(
            "the model attends in a way that this backend does not know (kind {kind}, block {}); update the backend",
            table.attention_block
        ))),
    }
}

struct Listener<'a>(&'a LoadTable);

// SAFETY: the host promises that `progress` may be called with `context` from any thread during the call; the rest is read.
unsafe impl Sync for Listener<'_> {}

impl Listener<'_> {
    fn report(&self, progress: LoadProgress<'_>) -> ControlFlow<()> {
        let LoadProgress { stage, done, total } = progress;
        let Some(progress) = self.0.progress else {
            return ControlFlow::Continue(());
        };
        // SAFETY: the host's function with the host's context, during the call; `stage` outlives the call.
        match unsafe { progress(self.0.context, Text::of(stage), done, total) } {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}
