//! What NVIDIA's driver says of its GPUs, and which libraries the runtime's provider for CUDA would lack: both can be told before
//! a model is loaded, and the runtime names but the first library that is not there.

mod driver;

use std::sync::OnceLock;

use crate::library::FoundLibrary;

/// The provider's library, without what the system puts around its name.
pub(crate) const PROVIDER: &str = "onnxruntime_providers_cuda";

/// A GPU of NVIDIA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gpu {
    /// As its driver calls it.
    pub(crate) name: String,
    pub(crate) memory_bytes: u64,
}

/// The driver's GPUs in its order, at least one, or why there are none: asked once, since a driver takes its time to start.
pub(crate) fn gpus() -> &'static Result<Vec<Gpu>, String> {
    static GPUS: OnceLock<Result<Vec<Gpu>, String>> = OnceLock::new();
    GPUS.get_or_init(|| driver::gpus(driver::LIBRARY))
}

/// The GPUs that the provider beside `library` can compute on; else what is missing, and what to do.
pub(crate) fn usable(library: &FoundLibrary) -> Result<&'static [Gpu], String> {
    let gpus = gpus().as_ref().map_err(Clone::clone)?;
    let mut needed = library.needed_by(PROVIDER);
    needed.retain(|name| !library.has_file_beside(name) && !driver::can_be_opened(name));
    match needed.is_empty() {
        true => Ok(gpus),
        false => Err(lacks(&needed)),
    }
}

fn lacks(libraries: &[String]) -> String {
    format!(
        "{} not found: install CUDA and cuDNN of these versions, and name their folders in LD_LIBRARY_PATH if they are not \
         the system's",
        libraries.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_driver_the_reason_says_what_to_install() {
        assert_eq!(
            driver::gpus("libnobody-has-this.so.1"),
            Err(
                "the driver of NVIDIA's GPUs (libnobody-has-this.so.1) was not found: where there is such a GPU, install its \
                 driver"
                    .to_owned()
            )
        );
    }

    #[test]
    fn another_library_is_no_driver() {
        // One that every system has.
        let system = match std::env::consts::OS {
            "windows" => "kernel32.dll",
            "macos" => "/usr/lib/libSystem.B.dylib",
            _ => "libc.so.6",
        };
        assert!(driver::can_be_opened(system));
        let reason = driver::gpus(system).expect_err("it has no functions of a driver");
        assert!(reason.contains("is too old or damaged"), "{reason}");
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let reason = lacks(&["libcublas.so.12".to_owned(), "libcudnn.so.9".to_owned()]);
        assert!(
            reason.starts_with("libcublas.so.12, libcudnn.so.9 not found: install CUDA and cuDNN"),
            "{reason}"
        );
    }
}
