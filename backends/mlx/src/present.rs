//! The backend where MLX is.

use std::sync::{Arc, Mutex};

use unmask_sdk::{
    Backend, BackendError, Device, Estimate, LoadSpec, Model, Probe, Progress, options,
};

use crate::Mlx;
use crate::device::Place;
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
        match Place::here().first() {
            Some(Place::Metal) => Probe::Usable { score: 100 },
            // Slower there than any other backend.
            Some(Place::Cpu) => Probe::Usable { score: 1 },
            None => Probe::Unusable {
                reason: "MLX finds no device".to_owned(),
                remedy: "use candle or onnx".to_owned(),
            },
        }
    }

    fn devices(&self) -> Vec<Device> {
        let here = Place::here().into_iter();
        here.map(Place::describe).collect()
    }

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        let (place, precision) = wish(spec)?;
        models::check(spec, place, precision)
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let (place, precision) = wish(spec)?;
        place.limit_memory();
        let network = place.run(|| Network::load(spec, place, precision, progress))?;
        let mut facts = network.facts();
        if spec.threads.is_some() {
            let note = "MLX chooses its threads itself; `threads` has no effect";
            facts.notes.push(note.to_owned());
        }
        Ok(Box::new(MlxModel {
            shared: Arc::new(Shared {
                facts,
                place,
                attention: spec.attention,
                sizes: network.sizes(),
                network: Mutex::new(network),
            }),
        }))
    }
}

/// Where to compute, and how.
fn wish(spec: &LoadSpec) -> Result<(Place, Precision), BackendError> {
    let place = Place::by_id(&spec.device)?;
    let precision = precision(spec)?;
    options::refuse("mlx", &spec.options_json)?;
    Ok((place, precision))
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
