//! What can be computed on: the processor, and what ONNX Runtime's execution providers reach.

use std::fs;
use std::num::NonZeroU32;
use std::thread;

use unmask_sdk::{BackendError, Device, DeviceKind};

use crate::library::Found;
use crate::precision::Precision;

/// A device of this backend. All but the processor have never been run: there was no such machine to run them on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Cpu,
    /// NVIDIA, by number.
    Cuda(i32),
    /// What Windows' DirectX 12 reaches, by number.
    DirectMl(i32),
    /// Apple's GPU and neural engine.
    CoreMl,
}

impl Place {
    /// Reads a device's id.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] naming the ids that there are.
    pub(crate) fn by_id(id: &str) -> Result<Self, BackendError> {
        let number = |digits: &str| digits.parse().ok().filter(|it| *it >= 0);
        let place = match id.split_once(':') {
            None if id == "cpu" => Some(Self::Cpu),
            None if id == "coreml" => Some(Self::CoreMl),
            Some(("cuda", digits)) => number(digits).map(Self::Cuda),
            Some(("directml", digits)) => number(digits).map(Self::DirectMl),
            _ => None,
        };
        place.ok_or_else(|| {
            BackendError::Unsupported(format!(
                "onnx has no device {id:?}; choose device = \"cpu\", \"cuda:0\", \"directml:0\" or \"coreml\""
            ))
        })
    }

    pub(crate) fn id(self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda(number) => format!("cuda:{number}"),
            Self::DirectMl(number) => format!("directml:{number}"),
            Self::CoreMl => "coreml".to_owned(),
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
        }
    }

    fn describe(self, name: String) -> Device {
        let (kind, (total_bytes, free_bytes)) = match self {
            Self::Cpu => (DeviceKind::Cpu, memory()),
            Self::Cuda(_) | Self::DirectMl(_) => (DeviceKind::Gpu, (0, 0)),
            Self::CoreMl => (DeviceKind::Accelerator, (0, 0)),
        };
        let names = self.precisions().iter().map(|each| each.name().to_owned());
        Device {
            id: self.id(),
            name,
            kind,
            total_bytes,
            free_bytes,
            precisions: names.collect(),
        }
    }
}

/// The devices that the library has providers for, as far as its files tell; without one, the processor, which all have: the
/// option `library` may name one. The processor is the default: the others have never been run.
pub(crate) fn list(library: Option<&Found>) -> Vec<Device> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut devices = vec![Place::Cpu.describe(name(&cpuinfo, threads(None)))];
    let Some(library) = library else {
        return devices;
    };
    let mut add = |place: Place, name: &str| devices.push(place.describe(name.to_owned()));
    if library.has_beside("onnxruntime_providers_cuda") {
        add(Place::Cuda(0), "NVIDIA GPU through CUDA, not tested");
    }
    if cfg!(windows) && library.has_beside("DirectML") {
        add(Place::DirectMl(0), "GPU through DirectML, not tested");
    }
    if cfg!(target_os = "macos") {
        add(
            Place::CoreMl,
            "Apple's accelerators through Core ML, not tested",
        );
    }
    devices
}

/// Threads to compute with: the wish, else one a core that this process may use.
pub(crate) fn threads(wish: Option<NonZeroU32>) -> usize {
    match wish {
        Some(wish) => wish.get() as usize,
        None => thread::available_parallelism().map_or(1, usize::from),
    }
}

/// Memory in all and memory that can be had without swapping, in bytes; zeros if unknown.
pub(crate) fn memory() -> (u64, u64) {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| {
        let kib = field(&meminfo, key)?.strip_suffix("kB")?.trim();
        Some(kib.parse::<u64>().ok()? * 1024)
    };
    let total = bytes("MemTotal").unwrap_or(0);
    (total, bytes("MemAvailable").unwrap_or(0))
}

fn name(cpuinfo: &str, threads: usize) -> String {
    let model = field(cpuinfo, "model name").unwrap_or("CPU");
    // The contract gives a name 127 bytes; marketing may take 80 of them.
    let model = &model[..model.floor_char_boundary(80)];
    let plural = if threads == 1 { "" } else { "s" };
    format!("{model} · {threads} thread{plural}")
}

/// The first `key : value` line's value.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_can_be_read_is_what_the_device_is_called() {
        for id in ["cpu", "cuda:0", "cuda:3", "directml:1", "coreml"] {
            let place = Place::by_id(id).expect("it is a device");
            assert_eq!(place.id(), id);
        }
        for id in ["cuda", "cuda:-1", "cuda:x", "cpu:0", "metal", ""] {
            let error = Place::by_id(id).expect_err("it is none").to_string();
            assert!(error.contains("choose device = \"cpu\""), "{error}");
        }
    }

    #[test]
    fn the_name_says_model_and_threads() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\n";
        assert_eq!(name(cpuinfo, 2), "AMD EPYC · 2 threads");
        assert_eq!(name("", 1), "CPU · 1 thread");
    }
}
