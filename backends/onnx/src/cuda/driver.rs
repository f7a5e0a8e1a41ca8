//! NVIDIA's driver, by its C interface.
#![expect(unsafe_code, reason = "the driver is a C interface")]

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr;

use libloading::Library;

use super::Gpu;

/// The library as the system's loader finds it.
pub(super) const LIBRARY: &str = match cfg!(windows) {
    true => "nvcuda.dll",
    false => "libcuda.so.1",
};

/// `CUresult`; 0 is success.
type Status = c_int;
const NO_DEVICE: Status = 100;

/// The functions that are asked, all of them as old as CUDA 6.
struct Driver {
    init: unsafe extern "system" fn(c_uint) -> Status,
    error_string: unsafe extern "system" fn(Status, *mut *const c_char) -> Status,
    device_get_count: unsafe extern "system" fn(*mut c_int) -> Status,
    device_get: unsafe extern "system" fn(*mut c_int, c_int) -> Status,
    device_get_name: unsafe extern "system" fn(*mut c_char, c_int, c_int) -> Status,
    device_total_mem: unsafe extern "system" fn(*mut usize, c_int) -> Status,
}

/// Every GPU of the driver whose library is called `library`.
///
/// # Errors
/// Why there is none, and what to do.
pub(super) fn gpus(library: &str) -> Result<Vec<Gpu>, String> {
    // SAFETY: the system's driver, which is meant to be opened by any program.
    let library_there = unsafe { Library::new(library) }.map_err(|_| {
        format!(
            "the driver of NVIDIA's GPUs ({library}) was not found: where there is such a GPU, install its driver"
        )
    })?;
    let driver = Driver::of(&library_there)
        .map_err(|_| format!("{library} is too old or damaged: install a driver of NVIDIA anew"))?;
    let gpus = driver.gpus();
    // A driver that has started is not taken out of its process.
    std::mem::forget(library_there);
    gpus
}

/// True if the system finds the library `name`, and all that it needs itself.
pub(super) fn can_be_opened(name: &str) -> bool {
    // SAFETY: a library that the runtime's provider is linked with, which opens it in any case.
    unsafe { Library::new(name) }.is_ok()
}

impl Driver {
    fn of(library: &Library) -> Result<Self, libloading::Error> {
        // SAFETY: the names are the driver's own, and the types those of its header; the library is never closed once one of
        // them was called.
        unsafe {
            Ok(Self {
                init: *library.get(b"cuInit\0")?,
                error_string: *library.get(b"cuGetErrorString\0")?,
                device_get_count: *library.get(b"cuDeviceGetCount\0")?,
                device_get: *library.get(b"cuDeviceGet\0")?,
                device_get_name: *library.get(b"cuDeviceGetName\0")?,
                device_total_mem: *library.get(b"cuDeviceTotalMem_v2\0")?,
            })
        }
    }

    fn gpus(&self) -> Result<Vec<Gpu>, String> {
        // SAFETY: as its header says, before all others, with 0.
        self.check(unsafe { (self.init)(0) })?;
        let mut count = 0;
        // SAFETY: the driver has started, and writes one number.
        self.check(unsafe { (self.device_get_count)(&raw mut count) })?;
        match count {
            0 => self.check(NO_DEVICE).map(|()| Vec::new()),
            _ => (0..count).map(|number| self.gpu(number)).collect(),
        }
    }

    fn gpu(&self, number: c_int) -> Result<Gpu, String> {
        let (mut device, mut memory_bytes, mut name) = (0, 0_usize, [0; 256]);
        // SAFETY: the driver has started and `number` is below its count; it writes one number.
        self.check(unsafe { (self.device_get)(&raw mut device, number) })?;
        // SAFETY: `device` is one of the driver's; it writes one number.
        self.check(unsafe { (self.device_total_mem)(&raw mut memory_bytes, device) })?;
        let length = name.len() as c_int;
        // SAFETY: `device` is one of the driver's; it writes at most `length` bytes, the last of them 0.
        self.check(unsafe { (self.device_get_name)(name.as_mut_ptr(), length, device) })?;
        let bytes = name.map(|byte: c_char| byte as u8);
        let name = CStr::from_bytes_until_nul(&bytes).unwrap_or(c"unnamed");
        Ok(Gpu {
            name: name.to_string_lossy().into_owned(),
            memory_bytes: memory_bytes as u64,
        })
    }

    fn check(&self, status: Status) -> Result<(), String> {
        match status {
            0 => Ok(()),
            NO_DEVICE => Err(
                "NVIDIA's driver finds no GPU: see whether CUDA_VISIBLE_DEVICES hides it"
                    .to_owned(),
            ),
            _ => Err(format!(
                "NVIDIA's driver does not start ({}): see `nvidia-smi`, or install it anew",
                self.words(status)
            )),
        }
    }

    /// What the driver calls an error.
    fn words(&self, status: Status) -> String {
        let mut text = ptr::null();
        // SAFETY: it needs no driver that has started, and writes a pointer to a text of its own, or null.
        let told = unsafe { (self.error_string)(status, &raw mut text) };
        match told == 0 && !text.is_null() {
            // SAFETY: it ends with 0, and is the driver's own to the end of the process.
            true => unsafe { CStr::from_ptr(text) }
                .to_string_lossy()
                .into_owned(),
            false => format!("error {status}"),
        }
    }
}
