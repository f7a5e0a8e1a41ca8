//! Any GPU, through ONNX Runtime's WebGPU plugin: Direct3D 12, Vulkan or Metal under it.
//!
//! The plugin is a library beside the runtime. It chooses the adapter itself and does not say which, so the adapter is asked
//! of Vulkan, in the order in which the plugin's Dawn prefers them: discrete, integrated, virtual, software.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ort::device::Device as ProviderDevice;
use ort::environment::Environment;
use unmask_sdk::BackendError;

use crate::device::ComputeDevice;
use crate::graph::Graph;
use crate::library;
use crate::runtime::failed;

mod adapter;

pub(crate) use adapter::Adapter;

/// What the runtime calls the provider.
const PROVIDER: &str = "WebGpuExecutionProvider";
/// The plugin offers software adapters, which are slow and good for tests, to those who set this.
pub(crate) const ALLOW_SOFTWARE: &str = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER";
pub(crate) const REMEDY: &str = "run `unmask backends install onnx --gpu webgpu`";

/// The adapter that would be computed on, or why there is none: asked once, since drivers take their time to answer.
pub(crate) fn adapter() -> &'static Result<Adapter, String> {
    static ADAPTER: OnceLock<Result<Adapter, String>> = OnceLock::new();
    ADAPTER.get_or_init(|| {
        let adapter = adapter::find()?;
        let is_allowed = std::env::var_os(ALLOW_SOFTWARE).is_some_and(|value| value == "1");
        match adapter.is_software && !is_allowed {
            true => Err(format!(
                "there is no GPU; {ALLOW_SOFTWARE}=1 allows {}, which is software",
                adapter.name
            )),
            false => Ok(adapter),
        }
    })
}

/// Held while the plugin is at work on `device`: of two threads in it at once, even for two models, one ends the process.
pub(crate) fn alone(device: ComputeDevice) -> Option<MutexGuard<'static, ()>> {
    static ALONE: Mutex<()> = Mutex::new(());
    match device {
        ComputeDevice::WebGpu => Some(ALONE.lock().unwrap_or_else(PoisonError::into_inner)),
        ComputeDevice::Cpu
        | ComputeDevice::Cuda(_)
        | ComputeDevice::DirectMl(_)
        | ComputeDevice::CoreMl => None,
    }
}

/// The plugin's device in `environment`; the plugin is opened at the first call.
///
/// # Errors
/// [`BackendError::Device`] without plugin or adapter, or if the plugin refuses this machine.
pub(crate) fn device(environment: &Environment) -> Result<ProviderDevice<'_>, BackendError> {
    let unusable = |text: String| BackendError::Device(text);
    if let Err(reason) = adapter() {
        return Err(unusable(reason.clone()));
    }
    let library = library::find()?;
    let plugin = library.webgpu_plugin();
    let plugin =
        plugin.ok_or_else(|| unusable(format!("the WebGPU plugin is not installed; {REMEDY}")))?;
    register(environment, &plugin)?;
    let mut devices = environment.devices();
    devices
        .find(|device| matches!(device.ep(), Ok(PROVIDER)))
        .ok_or_else(|| {
            unusable(format!(
                "the runtime sees no GPU, although Vulkan has one; {ALLOW_SOFTWARE}=1 makes it look no further"
            ))
        })
}

/// How the plugin is to run `graph`: with the sines and cosines of angles on the processor.
///
/// A shader's are off by 2⁻¹¹ and by anything beyond ±π (Vulkan, "Precision of GLSL.std.450 instructions"), which moved logits
/// of 19 by 0.004; without them it is 0.00002. They are computed once a pass, for all layers.
pub(crate) fn options(graph: &Graph) -> [(String, String); 1] {
    let names = graph.names_of(&["Cos", "Sin"]).join("\n");
    [(format!("{PROVIDER}.forceCpuNodeNames"), names)]
}

/// Makes the runtime open the plugin, once a process.
fn register(environment: &Environment, plugin: &Path) -> Result<(), BackendError> {
    static OPENED: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if opened.is_none() {
        let result = environment.register_ep_library("unmask-webgpu", plugin);
        result.map_err(|error| failed(format_args!("open {}", plugin.display()), error))?;
        *opened = Some(plugin.to_owned());
    }
    Ok(())
}
