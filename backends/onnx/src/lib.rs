//! Runs networks with [ONNX Runtime](https://onnxruntime.ai), without an exported file: the graph is made in memory.
//!
//! `lib` is the factory, `device` what can be computed on, `session` a loaded model's conversations, `models/` the
//! networks. A network becomes a `graph` with the inputs and outputs of `ports`, made of `layers`; `loader` fetches its
//! matrices; `emit` hands it to the `runtime`, whose `library` is found on disk. A pass becomes a `feed`.

mod device;
mod emit;
mod feed;
mod file;
mod graph;
mod layers;
mod library;
mod loader;
mod matrix;
mod models;
mod options;
mod ports;
mod precision;
mod prepack;
mod quant;
mod runner;
mod runtime;
mod session;
mod slot;
mod watch;

use std::path::Path;
use std::sync::{Arc, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};
use unmask_sdk::{Backend, BackendError, Device, LoadSpec, Model, Probe, Progress};

use device::Place;
use options::Options;
use precision::Precision;
use runner::Plan;
use session::{OnnxModel, Shared};

/// The backend; holds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Onnx;

unmask_sdk::export_backend! {
    name: "onnx",
    version: env!("CARGO_PKG_VERSION"),
    backend: Onnx,
    runtimes: include_str!("runtimes.json"),
}

impl Backend for Onnx {
    fn name(&self) -> &str {
        "onnx"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn probe(&self) -> Probe {
        match library::find() {
            Ok(_) => Probe::Usable { score: 9 },
            Err(missing) => missing.into(),
        }
    }

    fn devices(&self) -> Vec<Device> {
        device::list(library::find().ok().as_ref())
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let place = Place::by_id(&spec.device)?;
        let precision = precision(spec, place)?;
        let options = Options::read(&spec.options_json)?;
        let environment = runtime::environment(options.library.as_deref())?;
        let threads = device::threads(spec.threads);
        let mut network = match &options.graph {
            None => workers(threads)?.install(|| models::build(spec, precision, progress))?,
            Some(_) => models::outline(spec)?,
        };
        let (_, free) = device::memory();
        let plan = Plan {
            place,
            threads,
            spin: options.spin.unwrap_or(true),
            is_prepacked: prepack::is_wanted(
                options.prepack,
                precision,
                network.matrix_bytes,
                free,
            ),
            allow_cpu_fallback: options.allow_cpu_fallback,
            file: options.graph,
        };
        let copies = prepack::copied_bytes(&plan, precision, network.matrix_bytes);
        let memory_bytes = network.held_bytes + copies;
        let note = prepack::note(&plan, options.prepack, precision);
        network.notes.extend(plan.file_note().or(note));
        let prepared = plan.prepare(&environment, &network.graph, progress)?;
        network.notes.extend(prepared.note);
        Ok(Box::new(OnnxModel {
            shared: Arc::new(Shared {
                runner: Mutex::new(prepared.runner),
                place: prepared.place,
                network,
                precision,
                attention: spec.attention,
                memory_bytes,
            }),
        }))
    }

    fn export(
        &self,
        spec: &LoadSpec,
        folder: &Path,
        progress: &Progress<'_>,
    ) -> Result<(), BackendError> {
        let place = Place::by_id(&spec.device)?;
        let precision = precision(spec, place)?;
        Options::read(&spec.options_json)?;
        let workers = workers(device::threads(spec.threads))?;
        let network = workers.install(|| models::build(spec, precision, progress))?;
        emit::proto::write(&network.graph, ports::DOC, folder, progress)
    }
}

/// Threads that read and quantise; gone when the model is loaded. The runtime has its own.
fn workers(threads: usize) -> Result<ThreadPool, BackendError> {
    let builder = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("onnx-{index}"));
    builder
        .build()
        .map_err(|error| BackendError::Device(format!("cannot start threads: {error}")))
}

fn precision(spec: &LoadSpec, place: Place) -> Result<Precision, BackendError> {
    let offered = place.precisions();
    let named = offered.iter().find(|each| each.name() == spec.precision);
    named.copied().ok_or_else(|| {
        let names: Vec<&str> = offered.iter().map(|each| each.name()).collect();
        BackendError::Unsupported(format!(
            "onnx has no precision {:?} on {:?}; it offers {}",
            spec.precision,
            spec.device,
            names.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests;
