//! What MLX can compute on here, and the memory it has.

#![expect(
    unsafe_code,
    reason = "MLX tells of devices through its C interface alone"
)]

use std::ffi::{CStr, c_char};
use std::ptr;

use mlx_rs::{Dtype, Stream, memory, with_stream};
use unmask_sdk::machine::Memory;
use unmask_sdk::{BackendError, Device, DeviceKind, log};

use crate::precision::Precision;

/// Of the memory that a GPU may use, what MLX may keep of freed buffers for the next pass.
const SPARE: usize = 8;

/// Something to compute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ComputeDevice {
    /// The GPU, which shares the memory of the processor.
    Metal,
    /// The processor.
    Cpu,
}

impl ComputeDevice {
    const ALL: [Self; 2] = [Self::Metal, Self::Cpu];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Metal => "metal",
            Self::Cpu => "cpu",
        }
    }

    /// Those that this machine has, the best first.
    pub(crate) fn here() -> Vec<Self> {
        let here = Self::ALL.into_iter();
        here.filter(|device| device.is_available()).collect()
    }

    /// The place called `id`.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] naming those that there are.
    pub(crate) fn by_id(id: &str) -> Result<Self, BackendError> {
        let here = Self::here();
        let found = here.iter().find(|device| device.id() == id);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = here.iter().map(|device| device.id()).collect();
            let names = names.join("\" or \"");
            BackendError::Unsupported(format!(
                "mlx computes on \"{names}\" here, not on {id:?}; choose device = \"{}\"",
                here.first().map_or("cpu", |device| device.id())
            ))
        })
    }

    pub(crate) fn describe(self) -> Device {
        let (total_bytes, free_bytes) = self.memory();
        let mut precisions = Precision::ALL;
        match self {
            Self::Metal => (),
            // The processor has to widen half precisions, and tests want exact numbers.
            Self::Cpu => precisions.swap(0, 2),
        }
        Device {
            id: self.id().to_owned(),
            name: self.name(),
            kind: match self {
                Self::Metal => DeviceKind::Gpu,
                Self::Cpu => DeviceKind::Cpu,
            },
            total_bytes,
            free_bytes,
            precisions: precisions.map(|each| each.name().to_owned()).into(),
            ranked: true,
        }
    }

    /// What activations are beside quantised weights.
    pub(crate) fn usual_dtype(self) -> Dtype {
        match self {
            Self::Metal => Dtype::Bfloat16,
            Self::Cpu => Dtype::Float32,
        }
    }

    /// Memory in all, and what can still be had without swapping, in bytes; zeros if unknown.
    pub(crate) fn memory(self) -> (u64, u64) {
        match self {
            Self::Metal => {
                let total = self.size(c"memory_size").unwrap_or(0);
                let used = memory::active_memory().unwrap_or(0);
                (
                    total as u64,
                    self.budget().map_or(0, |all| all.saturating_sub(used)) as u64,
                )
            }
            Self::Cpu => {
                let memory = Memory::now();
                (memory.total_bytes, memory.free_bytes)
            }
        }
    }

    /// Bytes that MLX may use before the system slows down; `None` if the device does not say.
    fn budget(self) -> Option<usize> {
        self.size(c"max_recommended_working_set_size")
    }

    /// Sets MLX's limits, which are the process's, by what the device says of itself.
    pub(crate) fn limit_memory(self) {
        let Some(budget) = self.budget() else {
            return;
        };
        let set = || {
            memory::set_memory_limit(budget)?;
            memory::set_cache_limit(budget / SPARE)?;
            // Weights stay resident between passes; older systems cannot promise that.
            memory::set_wired_limit(budget)
        };
        if let Err(error) = set() {
            log::warn("memory", format_args!("MLX keeps its own limits: {error}"));
        }
    }

    /// Runs `body` with this place as the one that MLX computes on.
    pub(crate) fn run<T>(self, body: impl FnOnce() -> T) -> T {
        let stream = match self {
            Self::Metal => Stream::gpu(),
            Self::Cpu => Stream::cpu(),
        };
        with_stream(&stream, body)
    }

    fn name(self) -> String {
        let told = self.text(c"device_name").unwrap_or_default();
        let (name, kind) = match self {
            Self::Metal => (told, "Metal"),
            Self::Cpu => (told, "processor"),
        };
        match name.is_empty() {
            true => format!("MLX on the {kind}"),
            false => format!("{name} · {kind}"),
        }
    }

    fn kind(self) -> mlx_sys::mlx_device_type {
        match self {
            Self::Metal => mlx_sys::mlx_device_type__MLX_GPU,
            Self::Cpu => mlx_sys::mlx_device_type__MLX_CPU,
        }
    }

    fn is_available(self) -> bool {
        // Any checked call makes errors of the unchecked ones below come back instead of ending the process.
        let started = memory::active_memory().is_ok();
        let mut available = false;
        // SAFETY: the device is made here and freed once; `available` outlives the call.
        let status = unsafe {
            let device = mlx_sys::mlx_device_new_type(self.kind(), 0);
            let status = mlx_sys::mlx_device_is_available(&mut available, device);
            mlx_sys::mlx_device_free(device);
            status
        };
        started && status == 0 && available
    }

    fn size(self, key: &CStr) -> Option<usize> {
        let mut size = 0;
        self.told(key, |info| {
            // SAFETY: `info` lives through the closure and the key ends in NUL; nothing is kept.
            let status =
                unsafe { mlx_sys::mlx_device_info_get_size(&mut size, info, key.as_ptr()) };
            (status == 0).then_some(size)
        })
    }

    fn text(self, key: &CStr) -> Option<String> {
        let mut text: *const c_char = ptr::null();
        self.told(key, |info| {
            // SAFETY: as above; MLX's text ends in NUL and belongs to `info`, so it is copied before that goes.
            unsafe {
                let status = mlx_sys::mlx_device_info_get_string(&mut text, info, key.as_ptr());
                let is_there = status == 0 && !text.is_null();
                is_there.then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        })
    }

    /// Lends what MLX knows of the device, if it has `key`.
    fn told<T>(
        self,
        key: &CStr,
        read: impl FnOnce(mlx_sys::mlx_device_info) -> Option<T>,
    ) -> Option<T> {
        if !self.is_available() {
            return None;
        }
        // SAFETY: both handles are made here and freed once, after their last use; the key ends in NUL.
        unsafe {
            let device = mlx_sys::mlx_device_new_type(self.kind(), 0);
            let mut info = mlx_sys::mlx_device_info_new();
            let mut has_key = false;
            let known = mlx_sys::mlx_device_info_get(&mut info, device) == 0
                && mlx_sys::mlx_device_info_has_key(&mut has_key, info, key.as_ptr()) == 0
                && has_key;
            let value = if known { read(info) } else { None };
            mlx_sys::mlx_device_info_free(info);
            mlx_sys::mlx_device_free(device);
            value
        }
    }
}

/// MLX's own words as an error of this backend.
pub(crate) fn failed(error: impl ToString) -> BackendError {
    let text = error.to_string();
    // Its allocators' own words; there is no status of their own for them.
    if text.contains("[malloc") || text.contains("Unable to allocate") {
        return BackendError::OutOfMemory(format!(
            "MLX has no memory left ({text}); choose fewer bits, a shorter canvas or a smaller model"
        ));
    }
    BackendError::Device(format!("MLX failed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_there_and_free_memory_is_some_of_all() {
        for device in ComputeDevice::here() {
            let device = device.describe();
            assert!(device.free_bytes <= device.total_bytes);
        }
        assert!(ComputeDevice::here().contains(&ComputeDevice::Cpu));
    }

    #[test]
    fn the_processor_prefers_exact_numbers() {
        let precisions = ComputeDevice::Cpu.describe().precisions;
        assert_eq!(precisions, ["f32", "f16", "bf16", "q8", "q4"]);
    }

    #[test]
    fn lack_of_memory_is_told_from_other_failures() {
        let full = failed("[malloc] Unable to allocate 8 bytes.");
        assert!(matches!(full, BackendError::OutOfMemory(_)));
        assert!(matches!(failed("shapes differ"), BackendError::Device(_)));
    }
}
