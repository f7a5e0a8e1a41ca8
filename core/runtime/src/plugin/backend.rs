//! A plugin in this process: its table, shown as a [`Backend`].

#![expect(unsafe_code, reason = "the plugin's functions are C")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use unmask_api::abi::{
    Collected, DeviceRow, ErrorSlot, EstimateRow, LoadTable, NO_DEVICE, OK, ProbeRow, Sink, Status,
    Text, attention, kind, size_u32,
};
use unmask_api::{
    Attention, Backend, BackendError, Device, Estimate, LoadProgress, LoadSpec, Model, Probe,
    Progress,
};

use super::calls::{Calls, required};
use super::check::utf8;
use super::library::Exports;
use super::model::PluginModel;
use super::{Granted, PluginError, check, library, services};

/// No machine has more; a plugin that never stops listing is stopped here.
const MOST_DEVICES: u32 = 4096;

/// Every library that was started, by the address of its table, and how `init` ended.
///
/// A static, as the loaded libraries are the process's, and `init` may be called only once for each.
static STARTED: Mutex<BTreeMap<usize, Result<Arc<PluginBackend>, String>>> =
    Mutex::new(BTreeMap::new());

/// Opens the plugin in `library` and calls its `init`, unless this was done before.
pub(super) fn start(library: &Granted) -> Result<Arc<PluginBackend>, PluginError> {
    let exports = library::read(library)?;
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = started.entry(exports.address);
    let result = entry.or_insert_with(|| PluginBackend::init(exports));
    result.clone().map_err(|message| PluginError::Init {
        path: library.path().to_owned(),
        message,
    })
}

/// A started plugin.
pub(super) struct PluginBackend {
    calls: Calls,
    version: String,
    /// What it says of the libraries that it opens itself; empty if nothing.
    pub(super) runtimes: String,
}

impl PluginBackend {
    pub(super) fn init(exports: Exports) -> Result<Arc<Self>, String> {
        let Exports {
            plugin,
            name,
            version,
            runtimes,
            ..
        } = exports;
        let services = services::table(&name);
        let name = name.into();
        let calls = Calls { plugin, name };
        // SAFETY: the first call of this plugin; the table lives on, the slot for the call.
        let result = calls.run(|error| unsafe { required(plugin.init)(services, error) });
        match result {
            Ok(()) => Ok(Arc::new(Self {
                calls,
                version,
                runtimes,
            })),
            Err(error) => Err(error.to_string()),
        }
    }

    /// As [`Backend::probe`], but tells a plugin that fails from one that is unusable here.
    pub(super) fn try_probe(&self) -> Result<Probe, BackendError> {
        let (mut reason, mut remedy) = (Collected::default(), Collected::default());
        let mut row = ProbeRow {
            struct_size: size_u32::<ProbeRow>(),
            score: 0,
            reason: Sink::into(&mut reason),
            remedy: Sink::into(&mut remedy),
        };
        let probe = required(self.calls.plugin.probe);
        // SAFETY: started; both live for the call.
        let call = |error| unsafe { probe(&raw mut row, error) };
        self.calls.run(call)?;
        Ok(match row.score {
            0 => Probe::Unusable {
                reason: reason.first().to_owned(),
                remedy: remedy.first().to_owned(),
            },
            score => Probe::Usable { score },
        })
    }

    /// As [`Backend::devices`], but tells of failure.
    pub(super) fn try_devices(&self) -> Result<Vec<Device>, BackendError> {
        let mut devices = Vec::new();
        for index in 0..MOST_DEVICES {
            match self.device(index)? {
                Some(device) => devices.push(device),
                None => return Ok(devices),
            }
        }
        Err(BackendError::Device(format!(
            "{} lists more than {MOST_DEVICES} devices; try another backend",
            self.calls.name
        )))
    }

    fn device(&self, index: u32) -> Result<Option<Device>, BackendError> {
        let [mut id, mut name, mut precisions] = [(); 3].map(|()| Collected::default());
        let mut row = DeviceRow {
            struct_size: size_u32::<DeviceRow>(),
            kind: 0,
            total_bytes: 0,
            free_bytes: 0,
            id: Sink::into(&mut id),
            name: Sink::into(&mut name),
            precisions: Sink::into(&mut precisions),
            ranked: 0,
            reserved: 0,
        };
        let device = required(self.calls.plugin.device);
        // SAFETY: started; both live for the call.
        let call = |error| unsafe { device(index, &raw mut row, error) };
        Ok(match self.calls.answer(call)? {
            OK => Some(Device {
                id: id.first().to_owned(),
                name: name.first().to_owned(),
                kind: kind::named(row.kind),
                total_bytes: row.total_bytes,
                free_bytes: row.free_bytes,
                precisions: check::whole(&self.calls.name, "precisions", precisions)?,
                ranked: row.ranked != 0,
            }),
            NO_DEVICE => None,
            status => return Err(self.calls.senseless(status)),
        })
    }
}

impl PluginBackend {
    /// Whether it can be used, and on what.
    ///
    /// # Errors
    /// If it fails when asked, or says that it can be used and names nothing to compute on.
    pub(super) fn examine(&self) -> Result<(Probe, Vec<Device>), BackendError> {
        let probe = self.try_probe()?;
        let devices = match probe {
            Probe::Usable { .. } => self.try_devices()?,
            Probe::Unusable { .. } => return Ok((probe, Vec::new())),
        };
        match devices.is_empty() {
            false => Ok((probe, devices)),
            true => Err(BackendError::Device(
                "it says that it can be used, but lists no device; update it".to_owned(),
            )),
        }
    }
}

impl Backend for PluginBackend {
    fn name(&self) -> &str {
        &self.calls.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn probe(&self) -> Probe {
        self.try_probe().unwrap_or_else(|error| Probe::Unusable {
            reason: error.to_string(),
            remedy: String::new(),
        })
    }

    fn devices(&self) -> Vec<Device> {
        self.try_devices().unwrap_or_else(|error| {
            tracing::warn!(backend = &*self.calls.name, %error, "cannot list devices");
            Vec::new()
        })
    }

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        let mut row = EstimateRow {
            struct_size: size_u32::<EstimateRow>(),
            threads: 0,
            weights_bytes: 0,
            cell_bytes: 0,
        };
        let check = required(self.calls.plugin.check);
        // SAFETY: started; all pointers are live for the call.
        let call = |table, error| unsafe { check(table, &raw mut row, error) };
        self.with(spec, &|_| ControlFlow::Continue(()), call)?;
        Ok(Estimate {
            weights_bytes: row.weights_bytes,
            cell_bytes: row.cell_bytes,
            threads: row.threads,
        })
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let mut model = std::ptr::null_mut();
        let load = required(self.calls.plugin.model_load);
        // SAFETY: started; all pointers are live for the call.
        self.with(spec, progress, |table, error| unsafe {
            load(table, &raw mut model, error)
        })?;
        // SAFETY: just loaded by this plugin, and owned by nobody else.
        let model = unsafe { PluginModel::adopt(self.calls.clone(), model) }?;
        Ok(Box::new(model))
    }

    fn export(
        &self,
        spec: &LoadSpec,
        folder: &Path,
        progress: &Progress<'_>,
    ) -> Result<(), BackendError> {
        let Some(export) = self.calls.plugin.model_export else {
            return Err(BackendError::Unsupported(format!(
                "{} has no files of its own to write",
                self.calls.name
            )));
        };
        let folder = Text::of(utf8(folder)?);
        // SAFETY: started; all pointers are live for the call, the text too.
        self.with(spec, progress, |table, error| unsafe {
            export(table, folder, error)
        })
    }
}

impl PluginBackend {
    /// Calls a function of the plugin with `spec` and `progress` as a table; both pointers live for the call.
    fn with(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
        call: impl FnOnce(*const LoadTable, *mut ErrorSlot) -> Status,
    ) -> Result<(), BackendError> {
        let weights = spec.weights.iter().map(|path| utf8(path).map(Text::of));
        let weights: Vec<Text> = weights.collect::<Result<_, _>>()?;
        let weights_len = u32::try_from(weights.len()).map_err(|_| {
            BackendError::Invalid(format!("{} weight files are too many", weights.len()))
        })?;
        let cache_folder = spec.cache_folder.as_deref().map(utf8).transpose()?;
        let (attention, attention_block) = match spec.attention {
            Attention::Bidirectional => (attention::BIDIRECTIONAL, 0),
            Attention::BlockCausal(length) => (attention::BLOCK_CAUSAL, length.into()),
            Attention::Causal => (attention::CAUSAL, 0),
        };
        let table = LoadTable {
            struct_size: size_u32::<LoadTable>(),
            threads: spec.threads.map_or(0, Into::into),
            requires: 0,
            attention,
            attention_block,
            weights_len,
            reserved: 0,
            family: Text::of(&spec.family),
            folder: Text::of(utf8(&spec.folder)?),
            weights: weights.as_ptr(),
            config_json: Text::of(&spec.config_json),
            device: Text::of(&spec.device),
            precision: Text::of(&spec.precision),
            cache_folder: Text::of(cache_folder.unwrap_or_default()),
            options_json: Text::of(&spec.options_json),
            context: (&raw const progress).cast_mut().cast(),
            progress: Some(report),
        };
        self.calls.run(|error| call(&raw const table, error))
    }
}

/// # Safety
/// `context` points to a `&Progress` that lives for the call; `stage` is live text.
unsafe extern "C" fn report(context: *mut c_void, stage: Text, done: u64, total: u64) -> i32 {
    // SAFETY: promised by the caller.
    let (listener, stage) = unsafe { (*context.cast::<&Progress<'_>>(), stage.to_string_lossy()) };
    let progress = LoadProgress {
        stage: &stage,
        done,
        total,
    };
    // A panic of ours must not unwind through the plugin: it ends the load instead.
    match catch_unwind(AssertUnwindSafe(|| listener(progress))) {
        Ok(ControlFlow::Continue(())) => 0,
        Ok(ControlFlow::Break(())) | Err(_) => 1,
    }
}
