//! The backend of builds and systems without MLX: it says what is missing.

use unmask_sdk::{Backend, BackendError, Device, Estimate, LoadSpec, Model, Probe, Progress};

use crate::Mlx;

/// Why there is no MLX here.
const REASON: &str = if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    "this build was made without MLX"
} else {
    "needs Apple silicon"
};

const REMEDY: &str = if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    "build it with `cargo build --release -p unmask-backend-mlx --features metal`, which needs Xcode and CMake"
} else if cfg!(target_os = "linux") {
    "use candle or onnx; to try MLX on the processor, build it with `backends/mlx/linux/cargo.sh build`"
} else {
    "use candle or onnx"
};

impl Backend for Mlx {
    fn name(&self) -> &str {
        "mlx"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn probe(&self) -> Probe {
        Probe::Unusable {
            reason: REASON.to_owned(),
            remedy: REMEDY.to_owned(),
        }
    }

    fn devices(&self) -> Vec<Device> {
        Vec::new()
    }

    fn check(&self, _: &LoadSpec) -> Result<Estimate, BackendError> {
        Err(absent())
    }

    fn load(&self, _: &LoadSpec, _: &Progress<'_>) -> Result<Box<dyn Model>, BackendError> {
        Err(absent())
    }
}

fn absent() -> BackendError {
    BackendError::Unsupported(format!("mlx cannot be used: {REASON}; {REMEDY}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_mlx_the_probe_says_what_to_do() {
        let Probe::Unusable { reason, remedy } = Mlx.probe() else {
            panic!("there is no MLX in this build");
        };
        assert!(!reason.is_empty() && remedy.contains("build"));
        assert!(Mlx.devices().is_empty());
    }
}
