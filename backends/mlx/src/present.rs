//! The backend where MLX is.

use std::sync::{Arc, Mutex};

use unmask_sdk::{
    Backend, BackendError, Device, Estimate, LoadSpec, Model, Probe, Progress, options,
};

use crate::Mlx;
use crate::device::ComputeDevice;
use crate::models::{self, Network};
use crate::precision::Precision;
use crate::session::{MlxModel, Shared};

impl Backend for Mlx {
    fn name(&self) -> &str {
        "mlx"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn probe(&self) -> Probe {
        match ComputeDevice::here().first() {
            Some(ComputeDevice::Metal) => Probe::Usable { score: 100 },
            // Slower there than any other backend.
            Some(ComputeDevice::Cpu) => Probe::Usable { score: 1 },
            None => Probe::Unusable {
                reason: "MLX finds no device".to_owned(),
                remedy: "use candle or onnx".to_owned(),
            },
        }
    }

    fn devices(&self) -> Vec<Device> {
        let here = ComputeDevice::here().into_iter();
        here.map(ComputeDevice::describe).collect()
    }

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        let (device, precision) = requested(spec)?;
        models::check(spec, device, precision)
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let (device, precision) = requested(spec)?;
        device.limit_memory();
        let network = device.run(|| Network::load(spec, device, precision, progress))?;
        let mut facts = network.facts.clone();
        if spec.threads.is_some() {
            let note = "MLX chooses its threads itself; `threads` has no effect";
            facts.notes.push(note.to_owned());
        }
        Ok(Box::new(MlxModel {
            shared: Arc::new(Shared {
                facts,
                device,
                attention: spec.attention,
                sizes: network.sizes(),
                network: Mutex::new(network),
            }),
        }))
    }
}

/// Where to compute, and how.
fn requested(spec: &LoadSpec) -> Result<(ComputeDevice, Precision), BackendError> {
    let device = ComputeDevice::by_id(&spec.device)?;
    let precision = precision(spec)?;
    options::refuse("mlx", &spec.options_json)?;
    Ok((device, precision))
}

fn precision(spec: &LoadSpec) -> Result<Precision, BackendError> {
    let mut all = Precision::ALL.into_iter();
    let named = all.find(|each| each.name() == spec.precision);
    named.ok_or_else(|| {
        BackendError::Unsupported(format!(
            "mlx has no precision {:?}; it offers {}",
            spec.precision,
            Precision::ALL.map(Precision::name).join(", ")
        ))
    })
}
