//! Runs networks on the processor: `int8` and `int4` on kernels of our own (`packed/`), `f32` and the quantised types of GGML
//! with [candle](https://github.com/huggingface/candle).
//!
//! `lib` is the factory, `device` the processor, `precision` what there is to choose from, `session` a loaded model's
//! conversations, `models/` the networks. Below them, for candle: `loader` fetches matrices (`matrix`), `quantise` makes
//! blocks of them, `blocks` maps those that are kept, `stored` takes those of a GGUF file; `attention`, `layers` and `slot`
//! are what a pass is made of beside matrix products. `summary` makes the short form of its output, for both.

mod attention;
mod blocks;
mod device;
mod layers;
mod loader;
mod matrix;
mod models;
mod packed;
mod precision;
mod quantise;
mod session;
mod slot;
mod stored;
mod summary;

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use unmask_kernels::InstructionSet;
use unmask_sdk::weights::Weights;
use unmask_sdk::{
    Backend, BackendError, Device, Estimate, LoadSpec, Model, Probe, Progress, options,
};

use loader::MatrixLoader;
use models::{Network, NetworkPlan};
use precision::{Choice, Precision};
use session::{CandleModel, Shared};

/// The backend; holds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Candle;

unmask_sdk::export_backend! { name: "candle", version: env!("CARGO_PKG_VERSION"), backend: Candle }

impl Backend for Candle {
    fn name(&self) -> &str {
        "candle"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn probe(&self) -> Probe {
        match InstructionSet::chosen() {
            Ok(_) => Probe::Usable { score: 10 },
            Err(error) => refused(&error),
        }
    }

    fn devices(&self) -> Vec<Device> {
        vec![device::describe()]
    }

    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        let (choice, plan) = plan(spec)?;
        let weights_bytes = match choice {
            Choice::Packed(packing) => return Ok(packed::estimate(&plan, packing, spec)),
            Choice::Candle(precision) => {
                loader::held_bytes(&plan.matrices, precision, spec.cache_folder.is_some())
            }
            Choice::Stored => stored::held_bytes(&Weights::open(&spec.weights)?, &plan.matrices)?,
        };
        Ok(Estimate {
            weights_bytes,
            cell_bytes: plan.sizes.cell_bytes(),
            threads: device::threads(spec.threads) as u32,
        })
    }

    fn load(
        &self,
        spec: &LoadSpec,
        progress: &Progress<'_>,
    ) -> Result<Box<dyn Model>, BackendError> {
        let (choice, plan) = plan(spec)?;
        match choice {
            Choice::Packed(packing) => packed::load(plan, packing, spec, progress),
            Choice::Candle(_) | Choice::Stored => {
                let shared = Arc::new(load(plan, choice, spec, progress)?);
                Ok(Box::new(CandleModel { shared }))
            }
        }
    }
}

/// What the user asks of the kernels cannot be had: that is said at once, not when a precision needs them.
fn refused(error: &unmask_kernels::Error) -> Probe {
    let text = error.to_string();
    let (reason, remedy) = text.split_once("; ").unwrap_or((&text, ""));
    Probe::Unusable {
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn load(
    plan: NetworkPlan,
    choice: Choice,
    spec: &LoadSpec,
    progress: &Progress<'_>,
) -> Result<Shared, BackendError> {
    let weights = Arc::new(Weights::open(&spec.weights)?);
    let (sizes, threads) = (plan.sizes, threads(spec)?);
    let load = || match choice {
        Choice::Candle(precision) => {
            let loader = MatrixLoader {
                weights: &weights,
                precision,
                cache_folder: spec.cache_folder.as_deref(),
                progress,
            };
            loader.load(&plan.matrices)
        }
        Choice::Stored | Choice::Packed(_) => stored::load(&weights, &plan.matrices, progress),
    };
    let (matrices, mut held) = threads.install(load)?;
    let network = Network::new(plan, &weights, matrices)?;
    held.notes
        .extend(thread_note(choice, threads.current_num_threads()));
    Ok(Shared {
        network,
        sizes,
        attention: spec.attention,
        precision: choice.name(),
        threads,
        held,
    })
}

/// What `spec` asks for, as far as it is known before weights are read.
fn plan(spec: &LoadSpec) -> Result<(Choice, NetworkPlan), BackendError> {
    if spec.device != device::CPU {
        return Err(BackendError::Unsupported(format!(
            "candle computes on \"cpu\" only, not on {:?}; choose device = \"cpu\"",
            spec.device
        )));
    }
    let choice = choice(spec)?;
    options::refuse("candle", &spec.options_json)?;
    Ok((choice, NetworkPlan::read(spec)?))
}

fn choice(spec: &LoadSpec) -> Result<Choice, BackendError> {
    Choice::by_name(&spec.precision).ok_or_else(|| {
        BackendError::Unsupported(format!(
            "candle has no precision {:?}; it offers {}",
            spec.precision,
            Choice::here().map(Choice::name).join(", ")
        ))
    })
}

fn threads(spec: &LoadSpec) -> Result<ThreadPool, BackendError> {
    let builder = ThreadPoolBuilder::new()
        .num_threads(device::threads(spec.threads))
        .thread_name(|index| format!("candle-{index}"));
    builder
        .build()
        .map_err(|error| BackendError::Device(format!("cannot start threads: {error}")))
}

/// Candle multiplies quantised matrices on threads of its own, which only its environment variable limits.
fn thread_note(choice: Choice, requested: usize) -> Option<String> {
    if choice == Choice::Candle(Precision::F32) {
        return None;
    }
    let own = candle_core::utils::barrier_pool().n_workers() + 1;
    (own != requested).then(|| {
        format!(
            "quantised products run on {own} threads, not {requested}; set CANDLE_NUM_THREADS={requested} to change it"
        )
    })
}

fn device_error(error: candle_core::Error) -> BackendError {
    BackendError::Device(format!("candle failed: {error}"))
}

#[cfg(test)]
mod tests;
