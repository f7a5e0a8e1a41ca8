//! Runs networks with [ONNX Runtime](https://onnxruntime.ai), without an exported file: the graph is made in memory.
//!
//! `lib` is the factory, `device` what can be computed on, `session` a loaded model's conversations, `models/` the
//! networks. A network becomes a `graph` with the inputs and outputs of `ports`, made of `layers`; `loader` fetches its
//! matrices; `emit` hands it to the `runtime`, whose `library` is found on disk. A pass becomes a `feed`.

mod cuda;
mod device;
mod emit;
mod feed;
mod feed_binding;
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
mod short_form;
mod slot;
mod watch;
mod webgpu;

use std::path::Path;
use std::sync::{Arc, Mutex};

use rayon::{ThreadPool, ThreadPoolBuilder};
use unmask_sdk::decoder::MatrixSpec;
use unmask_sdk::machine::{self, Memory};
use unmask_sdk::weights::Weights;
use unmask_sdk::{Backend, BackendError, Device, Estimate, LoadSpec, Model, Probe, Progress};

use device::ComputeDevice;
use graph::ElementType;
use loader::MatrixBytes;
use models::Network;
use options::Options;
use precision::Precision;
use runner::SessionPlan;
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

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        let requested = RequestedLoad::read(spec)?;
        let network = models::outline(spec, requested.cache_kind())?;
        let sizes = match &requested.options.graph {
            None => matrix_bytes(spec, requested.precision, &network.matrices),
            // What a file of its own holds is not known before the runtime has read it.
            Some(_) => MatrixBytes::default(),
        };
        let copies =
            prepack::copied_bytes(&requested.plan(sizes.all), requested.precision, sizes.all);
        Ok(Estimate {
            weights_bytes: sizes.held + copies,
            cell_bytes: network.caches.cell_bytes(),
            threads: match requested.device {
                ComputeDevice::Cpu => requested.threads as u32,
                ComputeDevice::Cuda(_)
                | ComputeDevice::DirectMl(_)
                | ComputeDevice::CoreMl
                | ComputeDevice::WebGpu => 0,
            },
        })
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let requested = RequestedLoad::read(spec)?;
        let environment = runtime::environment(requested.options.library.as_deref())?;
        let pool = workers(requested.threads)?;
        let mut network = match &requested.options.graph {
            None => pool.install(|| requested.build(spec, progress))?,
            Some(_) => models::outline(spec, requested.cache_kind())?,
        };
        let (precision, plan) = (requested.precision, requested.plan(network.matrix_bytes));
        let copies = prepack::copied_bytes(&plan, precision, network.matrix_bytes);
        let memory_bytes = network.held_bytes + copies;
        let note = prepack::note(&plan, requested.options.prepack, precision);
        network.notes.extend(plan.file_note().or(note));
        let prepared = plan.prepare(&environment, &network.graph, progress)?;
        network.graph.check_whole()?;
        network.notes.extend(prepared.note);
        let short_form = plan.short_form(&environment, prepared.device, network.vocab, progress)?;
        Ok(Box::new(OnnxModel {
            shared: Arc::new(Shared {
                runner: Mutex::new(Some(prepared.runner)),
                short_form,
                device: prepared.device,
                environment,
                network,
                precision,
                attention: spec.attention,
                pool,
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
        let requested = RequestedLoad::read(spec)?;
        let network = workers(requested.threads)?.install(|| requested.build(spec, progress))?;
        let written = emit::proto::write(&network.graph, ports::DOC, folder, progress);
        // It says more than what the system says of bytes that are not there.
        network.graph.check_whole()?;
        written
    }
}

/// What a load asks for.
struct RequestedLoad {
    device: ComputeDevice,
    precision: Precision,
    options: Options,
    threads: usize,
}

impl RequestedLoad {
    fn read(spec: &LoadSpec) -> Result<Self, BackendError> {
        let device = ComputeDevice::by_id(&spec.device)?;
        Ok(Self {
            device,
            precision: precision(spec, device)?,
            options: Options::read(&spec.options_json)?,
            threads: machine::threads(spec.threads),
        })
    }

    fn cache_kind(&self) -> ElementType {
        self.device.cache_kind(self.precision)
    }

    /// The graph with its weights, made on the threads of the pool.
    fn build(&self, spec: &LoadSpec, progress: &Progress<'_>) -> Result<Network, BackendError> {
        models::build(spec, self.precision, self.cache_kind(), progress)
    }

    /// How to make a session of a network with so many bytes of matrices.
    fn plan(&self, matrix_bytes: u64) -> SessionPlan {
        let free = Memory::now().free_bytes;
        let options = &self.options;
        SessionPlan {
            device: self.device,
            threads: self.threads,
            spin: options.spin.unwrap_or(true),
            is_prepacked: prepack::is_wanted(options.prepack, self.precision, matrix_bytes, free),
            allow_cpu_fallback: options.allow_cpu_fallback,
            file: options.graph.clone(),
        }
    }
}

/// What matrices would take, as far as the checkpoint is there to tell how it has them.
fn matrix_bytes(spec: &LoadSpec, precision: Precision, matrices: &[MatrixSpec]) -> MatrixBytes {
    let weights = Weights::open(&spec.weights).ok();
    let is_half = ["\"bfloat16\"", "\"float16\""].map(|name| spec.config_json.contains(name));
    MatrixBytes::of(
        matrices,
        precision,
        spec.cache_folder.as_deref(),
        |matrix| match &weights {
            Some(weights) => loader::is_f32(weights, matrix),
            None => is_half == [false; 2],
        },
    )
}

/// Threads that read, quantise and sum up rows of logits. The runtime has its own.
fn workers(threads: usize) -> Result<ThreadPool, BackendError> {
    let builder = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("onnx-{index}"));
    builder
        .build()
        .map_err(|error| BackendError::Device(format!("cannot start threads: {error}")))
}

fn precision(spec: &LoadSpec, device: ComputeDevice) -> Result<Precision, BackendError> {
    let offered = device.precisions();
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
