//! A network to a session of the runtime on a device.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use ort::environment::Environment;
use ort::ep::{self, ExecutionProviderDispatch};
use ort::session::Session as Runner;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use unmask_sdk::{BackendError, LoadProgress, Progress, log};

use crate::cuda;
use crate::device::ComputeDevice;
use crate::emit::editor;
use crate::file;
use crate::graph::Graph;
use crate::library;
use crate::runtime::failed;
use crate::short_form::{self, DeviceShortForm};
use crate::watch::watched;
use crate::webgpu;

/// How often the host hears that the network is still being prepared, and may end it.
const INTERVAL: Duration = Duration::from_millis(100);

/// How a session is to be made.
pub(crate) struct SessionPlan {
    pub(crate) device: ComputeDevice,
    pub(crate) threads: usize,
    /// Threads wait awake within a pass.
    pub(crate) spin: bool,
    /// The runtime may hold another copy of the matrices, arranged for this processor.
    pub(crate) is_prepacked: bool,
    /// What the device lacks may be computed on the processor.
    pub(crate) allow_cpu_fallback: bool,
    /// Where the network is, if not in the graph, which then tells but inputs and outputs.
    pub(crate) file: Option<PathBuf>,
}

/// A session, and what the user should know about it.
pub(crate) struct Prepared {
    pub(crate) runner: Runner,
    /// Where it computes.
    pub(crate) device: ComputeDevice,
    /// A line for `ModelFacts::notes`.
    pub(crate) note: Option<String>,
}

impl SessionPlan {
    /// What the user should know of a network from a file.
    pub(crate) fn file_note(&self) -> Option<String> {
        let file = self.file.as_ref()?.display();
        Some(format!(
            "the network is that of {file}, in the precision it has"
        ))
    }

    /// Makes a session of `graph`, which has to outlive it.
    ///
    /// # Errors
    /// [`BackendError::Device`] with the runtime's own text if it or its provider fails, unless the plan allows the
    /// processor instead; [`BackendError::Cancelled`].
    pub(crate) fn prepare(
        &self,
        environment: &Environment,
        graph: &Graph,
        progress: &Progress<'_>,
    ) -> Result<Prepared, BackendError> {
        let on = |device| {
            let _alone = webgpu::alone(device);
            let builder = self.builder(environment, device, graph)?;
            let runner = self.watched(graph, builder, progress)?;
            Ok(Prepared {
                runner,
                device,
                note: None,
            })
        };
        let error = match on(self.device) {
            Err(error @ BackendError::Device(_)) if self.device != ComputeDevice::Cpu => error,
            done => return done,
        };
        let id = self.device.id();
        if !self.allow_cpu_fallback {
            return Err(BackendError::Device(format!(
                "{id} cannot be used: {error}; {}, choose device = \"cpu\", or set the model's option allow_cpu_fallback",
                remedy(self.device)
            )));
        }
        log::warn("device", format_args!("{id} cannot be used: {error}"));
        let note = format!("{id} cannot be used ({error}): computes on the processor instead");
        on(ComputeDevice::Cpu).map(|prepared| Prepared {
            note: Some(note),
            ..prepared
        })
    }

    /// What makes the short form of logits on `device`, where they stay there.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub(crate) fn short_form(
        &self,
        environment: &Environment,
        device: ComputeDevice,
        vocab: usize,
        progress: &Progress<'_>,
    ) -> Result<Option<DeviceShortForm>, BackendError> {
        if device != ComputeDevice::WebGpu {
            return Ok(None);
        }
        let graph = short_form::graph(vocab);
        let plan = Self {
            is_prepacked: false,
            file: None,
            ..*self
        };
        let prepared = plan.prepare(environment, &graph, progress)?;
        Ok(Some(DeviceShortForm::new(prepared.runner, graph, vocab)))
    }

    fn builder(
        &self,
        environment: &Environment,
        device: ComputeDevice,
        graph: &Graph,
    ) -> Result<SessionBuilder, BackendError> {
        let builder = self.plain_builder(environment);
        let builder = builder.map_err(|error| failed("start", error))?;
        let placed: ort::Result<SessionBuilder> = match device {
            ComputeDevice::Cpu => return Ok(builder),
            ComputeDevice::WebGpu => {
                // Arithmetic on shapes stays on the processor, so that a fallback to it cannot be refused.
                let options = webgpu::options(graph);
                let placed = builder.with_devices([webgpu::device(environment)?], Some(&options));
                placed.map_err(Into::into)
            }
            ComputeDevice::Cuda(number) => {
                let provider = ep::CUDA::default().with_device_id(number).build();
                let placed = self.with_provider(builder, provider);
                return placed.map_err(|error| match why_not_cuda(number) {
                    Some(why) => BackendError::Device(why),
                    None => failed("start", error),
                });
            }
            ComputeDevice::DirectMl(number) => self.with_provider(
                builder,
                ep::DirectML::default().with_device_id(number).build(),
            ),
            ComputeDevice::CoreMl => self.with_provider(builder, ep::CoreML::default().build()),
        };
        placed.map_err(|error| failed("start", error))
    }

    fn plain_builder(&self, environment: &Environment) -> ort::Result<SessionBuilder> {
        let builder = Runner::builder(environment)?
            .with_intra_threads(self.threads)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_prepacking(self.is_prepacked)?
            // Every pass has other shapes; and DirectML forbids it.
            .with_memory_pattern(false)?
            .with_intra_op_spinning(self.spin)?
            // Between passes the threads sleep.
            .with_config_entry("session.force_spinning_stop", "1")?;
        Ok(builder)
    }

    /// With a provider that has never been run.
    fn with_provider(
        &self,
        builder: SessionBuilder,
        provider: ExecutionProviderDispatch,
    ) -> ort::Result<SessionBuilder> {
        // Without the first, a provider that fails is silently none; without the second, so is a missing kernel.
        let builder = builder.with_execution_providers([provider.error_on_failure()])?;
        match self.allow_cpu_fallback {
            true => Ok(builder),
            false => Ok(builder.with_disable_cpu_fallback()?),
        }
    }

    /// The runtime tells nothing of how far it is, but lets itself be stopped.
    fn watched(
        &self,
        graph: &Graph,
        mut builder: SessionBuilder,
        progress: &Progress<'_>,
    ) -> Result<Runner, BackendError> {
        let is_unwanted = || {
            // Which matrices have been copied is not told, so all pages are let go: the few still needed come back at once.
            if self.is_prepacked {
                graph.release();
            }
            let stage = LoadProgress {
                stage: "preparing the network",
                done: 0,
                total: 0,
            };
            progress(stage) == ControlFlow::Break(())
        };
        if is_unwanted() {
            return Err(BackendError::Cancelled);
        }
        let canceler = builder.canceler();
        let stop = || {
            // It can only fail for a null pointer.
            canceler.cancel().ok();
        };
        let session = watched(INTERVAL, is_unwanted, stop, || match &self.file {
            None => editor::session(graph, &builder),
            Some(file) => file::session(file, graph, &mut builder),
        });
        match session {
            Err(_) if is_unwanted() => Err(BackendError::Cancelled),
            done => done,
        }
    }
}

/// All that is missing, as far as it can be seen from here; the runtime names the first library alone.
fn why_not_cuda(number: i32) -> Option<String> {
    let library = library::find().ok()?;
    if !library.has_beside(cuda::PROVIDER) {
        return None;
    }
    match cuda::usable(&library) {
        Err(why) => Some(why),
        Ok(gpus) if (0..).zip(gpus).any(|(it, _)| it == number) => None,
        Ok(gpus) => Some(format!(
            "`cuda:{number}` is not there: NVIDIA's driver has `cuda:0` to `cuda:{}`; `unmask backends` names them",
            gpus.len() - 1
        )),
    }
}

fn remedy(device: ComputeDevice) -> &'static str {
    match device {
        ComputeDevice::Cpu => "install ONNX Runtime again",
        ComputeDevice::Cuda(_) => {
            "install the runtime for CUDA (`unmask backends install onnx --gpu cuda`) and NVIDIA's CUDA libraries"
        }
        ComputeDevice::DirectMl(_) => {
            "install the runtime for DirectML (`unmask backends install onnx --gpu directml`)"
        }
        ComputeDevice::CoreMl => "use a runtime for macOS",
        ComputeDevice::WebGpu => "see `unmask backends`",
    }
}
