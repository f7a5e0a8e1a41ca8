//! What can be computed on: the processor, and what ONNX Runtime's execution providers reach.

use unmask_sdk::machine::{self, Memory, Processor};
use unmask_sdk::{BackendError, Device, DeviceKind};

use crate::cuda;
use crate::graph::ElementType;
use crate::library::FoundLibrary;
use crate::precision::Precision;
use crate::webgpu;

/// A device of this backend. CUDA, DirectML and Core ML have never been run: there was no such machine to run them on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComputeDevice {
    Cpu,
    /// NVIDIA, by number.
    Cuda(i32),
    /// What Windows' DirectX 12 reaches, by number.
    DirectMl(i32),
    /// Apple's GPU and neural engine.
    CoreMl,
    /// The adapter that the WebGPU plugin chooses. Run on a software adapter alone.
    WebGpu,
}

impl ComputeDevice {
    /// Reads a device's id.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] naming the ids that there are.
    pub(crate) fn by_id(id: &str) -> Result<Self, BackendError> {
        let number = |digits: &str| digits.parse().ok().filter(|it| *it >= 0);
        let device = match id.split_once(':') {
            None if id == "cpu" => Some(Self::Cpu),
            None if id == "coreml" => Some(Self::CoreMl),
            None if id == "webgpu" => Some(Self::WebGpu),
            Some(("cuda", digits)) => number(digits).map(Self::Cuda),
            Some(("directml", digits)) => number(digits).map(Self::DirectMl),
            _ => None,
        };
        device.ok_or_else(|| {
            BackendError::Unsupported(format!(
                "onnx has no device {id:?}; choose device = \"cpu\", \"cuda:0\", \"directml:0\", \"coreml\" or \"webgpu\""
            ))
        })
    }

    pub(crate) fn id(self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda(number) => format!("cuda:{number}"),
            Self::DirectMl(number) => format!("directml:{number}"),
            Self::CoreMl => "coreml".to_owned(),
            Self::WebGpu => "webgpu".to_owned(),
        }
    }

    /// What matrices can be kept as, the default first.
    pub(crate) fn precisions(self) -> &'static [Precision] {
        match self {
            Self::Cpu => &Precision::ALL,
            // The providers have no kernel for products of integers with a scale per row.
            Self::Cuda(_) | Self::DirectMl(_) | Self::CoreMl => {
                &[Precision::F16, Precision::F32, Precision::Int4]
            }
            // Products of integers fall back to the processor there.
            Self::WebGpu => match webgpu::adapter() {
                Ok(adapter) if adapter.has_f16 => {
                    &[Precision::F16, Precision::F32, Precision::Int4]
                }
                Ok(_) | Err(_) => &[Precision::F32, Precision::Int4],
            },
        }
    }

    /// What keys and values are kept as: 16-bit floats where products are computed in them. On the processor they are not.
    pub(crate) fn cache_kind(self, precision: Precision) -> ElementType {
        match (self, precision) {
            (Self::Cuda(_) | Self::DirectMl(_) | Self::CoreMl | Self::WebGpu, Precision::F16) => {
                ElementType::F16
            }
            _ => ElementType::F32,
        }
    }

    fn describe(self, name: String) -> Device {
        let (kind, memory) = match self {
            Self::Cpu => (DeviceKind::Cpu, Memory::now()),
            Self::Cuda(number) => (DeviceKind::Gpu, cuda_memory(number)),
            Self::DirectMl(_) => (DeviceKind::Gpu, Memory::default()),
            Self::CoreMl => (DeviceKind::Accelerator, Memory::default()),
            Self::WebGpu => match webgpu::adapter() {
                Ok(adapter) if adapter.is_software => (DeviceKind::Cpu, Memory::now()),
                Ok(adapter) => (
                    DeviceKind::Gpu,
                    Memory {
                        total_bytes: adapter.memory_bytes,
                        ..Memory::default()
                    },
                ),
                Err(_) => (DeviceKind::Gpu, Memory::default()),
            },
        };
        let names = self.precisions().iter().map(|each| each.name().to_owned());
        Device {
            id: self.id(),
            name,
            kind,
            total_bytes: memory.total_bytes,
            free_bytes: memory.free_bytes,
            precisions: names.collect(),
            ranked: true,
        }
    }
}

/// The devices that the library has providers for, as far as its files tell; without one, the processor, which all have: the
/// option `library` may name one. The processor is the default: the others have never been run.
pub(crate) fn list(library: Option<&FoundLibrary>) -> Vec<Device> {
    let name = Processor::here().with_threads(machine::threads(None));
    let mut devices = vec![ComputeDevice::Cpu.describe(name)];
    let Some(library) = library else {
        return devices;
    };
    let mut add =
        |device: ComputeDevice, name: &str| devices.push(device.describe(name.to_owned()));
    if library.has_beside(cuda::PROVIDER) {
        match cuda::usable(library) {
            Ok(gpus) => (0..).zip(gpus).for_each(|(number, gpu)| {
                let name = format!("{} through CUDA, not tested", gpu.name);
                add(ComputeDevice::Cuda(number), &name);
            }),
            Err(reason) => add(ComputeDevice::Cuda(0), &format!("CUDA: {reason}")),
        }
    }
    if cfg!(windows) && library.has_beside("DirectML") {
        add(
            ComputeDevice::DirectMl(0),
            "GPU through DirectML, not tested",
        );
    }
    if library.webgpu_plugin().is_some() {
        match webgpu::adapter() {
            Ok(adapter) => add(
                ComputeDevice::WebGpu,
                &format!("{} through WebGPU", adapter.name),
            ),
            Err(reason) => add(ComputeDevice::WebGpu, &format!("WebGPU: {reason}")),
        }
    }
    if cfg!(target_os = "macos") {
        add(
            ComputeDevice::CoreMl,
            "Apple's accelerators through Core ML, not tested",
        );
    }
    devices
}

/// What the driver says that GPU `number` has; how much of it is free it tells nobody who does not compute there.
fn cuda_memory(number: i32) -> Memory {
    let gpus = cuda::gpus().as_ref().ok();
    let gpu = gpus.and_then(|gpus| gpus.get(usize::try_from(number).ok()?));
    Memory {
        total_bytes: gpu.map_or(0, |gpu| gpu.memory_bytes),
        free_bytes: 0,
    }
}

#[cfg(test)]
mod tests {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    use std::fs;

    use super::*;
    use crate::library::LibraryOrigin;

    #[test]
    fn an_id_that_can_be_read_is_what_the_device_is_called() {
        for id in ["cpu", "cuda:0", "cuda:3", "directml:1", "coreml", "webgpu"] {
            let device = ComputeDevice::by_id(id).expect("it is a device");
            assert_eq!(device.id(), id);
        }
        let shipped = include_str!("../../../model_config.toml");
        let entries = shipped.split("\n[available_models.");
        let entries = entries.filter(|it| it.contains("\nframework = \"onnx\""));
        let named = entries.filter_map(|it| it.split_once("\ndevice = \"")?.1.split_once('"'));
        let shipped: Vec<&str> = named.map(|(id, _)| id).collect();
        assert!(!shipped.is_empty(), "the shipped configuration has some");
        for id in shipped {
            ComputeDevice::by_id(id).expect("an entry names a device");
        }
        for id in ["cuda", "cuda:-1", "cuda:x", "cpu:0", "metal", ""] {
            let error = ComputeDevice::by_id(id)
                .expect_err("it is none")
                .to_string();
            assert!(error.contains("choose device = \"cpu\""), "{error}");
        }
    }

    #[test]
    fn a_runtime_for_cuda_says_at_once_what_the_machine_lacks() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let provider = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", cuda::PROVIDER);
        fs::write(folder.path().join(provider), "").expect("it is ours");
        let library = FoundLibrary {
            path: folder.path().join("library"),
            origin: LibraryOrigin::Installed,
            version: None,
        };
        let listed = list(Some(&library));
        let rows = listed.iter().filter(|row| row.id.starts_with("cuda:"));
        let names: Vec<String> = rows.map(|row| row.name.clone()).collect();
        let expected = match cuda::gpus() {
            Ok(gpus) => {
                let name = |gpu: &cuda::Gpu| format!("{} through CUDA, not tested", gpu.name);
                gpus.iter().map(name).collect()
            }
            Err(reason) => vec![format!("CUDA: {reason}")],
        };
        assert_eq!(names, expected);
        assert!(
            list(None).iter().all(|row| row.id == "cpu"),
            "it needs the provider"
        );
    }
}
