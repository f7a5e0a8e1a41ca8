//! A loaded model and its sessions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ort::environment::Environment;
use ort::memory::{AllocationDevice, Allocator};
use ort::session::{IoBinding, RunOptions, Session as Runner};
use ort::value::{DynTensor, TensorRefMut};
use rayon::ThreadPool;
use rayon::prelude::*;
use unmask_sdk::keys::CellPositions;
use unmask_sdk::machine::Memory;
use unmask_sdk::output::KeptLogits;
use unmask_sdk::{
    Attention, BackendError, Capabilities, LogitsMut, Model, ModelFacts, Pass, RowSummary, Session,
    SessionSpec, TopMut, TopRequest, memory,
};

use crate::device::ComputeDevice;
use crate::feed::Feed;
use crate::feed_binding::bind_feed;
use crate::graph::ElementType;
use crate::models::Network;
use crate::ports;
use crate::precision::Precision;
use crate::runtime::failed;
use crate::short_form::DeviceShortForm;
use crate::slot::{CacheMemory, Caches, bytes};
use crate::watch::watched;
use crate::webgpu;

/// How often a pass asks whether it is still wanted: far more often than layers of a large model end.
const INTERVAL: Duration = Duration::from_millis(10);

/// Why there is a runner.
const THERE: &str = "it goes with the model";

/// A network that the runtime has taken.
pub(crate) struct OnnxModel {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// One run at a time: the binding forbids more, and one already uses all threads. It borrows the network's weights, and is
    /// there until they go.
    pub(crate) runner: Mutex<Option<Runner>>,
    /// Where logits stay on the device.
    pub(crate) short_form: Option<DeviceShortForm>,
    pub(crate) device: ComputeDevice,
    pub(crate) environment: Environment,
    pub(crate) network: Network,
    pub(crate) precision: Precision,
    pub(crate) attention: Attention,
    /// For what the runtime does not compute.
    pub(crate) pool: ThreadPool,
    /// Bytes held, mapped files not counted.
    pub(crate) memory_bytes: u64,
}

/// The order matters: the binding holds the runner too and is dropped before what the runner borrows.
struct OnnxSession {
    binding: IoBinding,
    caches: Caches,
    positions: CellPositions,
    /// Of the wanted rows, or one that is not wanted, `[rows, vocab]`.
    logits: Vec<f32>,
    /// The same where they stay on the device.
    on_device: Option<DeviceLogits>,
    /// How many of them are the last pass's output; `None` if it failed.
    kept: Option<usize>,
    shared: Arc<Shared>,
}

impl Model for OnnxModel {
    fn facts(&self) -> ModelFacts {
        let network = &self.shared.network;
        let promises = match self.shared.device {
            ComputeDevice::Cpu => Capabilities::DETERMINISTIC,
            // Drivers promise no order of sums.
            ComputeDevice::Cuda(_)
            | ComputeDevice::DirectMl(_)
            | ComputeDevice::CoreMl
            | ComputeDevice::WebGpu => Capabilities::default(),
        };
        ModelFacts {
            vocab: network.vocab,
            max_positions: network.max_positions,
            memory_bytes: self.shared.memory_bytes,
            cell_bytes: network.caches.cell_bytes(),
            precision: self.shared.precision.name().to_owned(),
            capabilities: promises
                | Capabilities::BATCH
                | Capabilities::KV_CACHE
                | Capabilities::TOPK_OUTPUT
                | Capabilities::CANCEL
                | Capabilities::CONCURRENT
                | Capabilities::LEFT_PADDING
                | Capabilities::ATTENTION_MASK,
            notes: network.notes.clone(),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let sizes = self.shared.network.caches;
        check_room(&self.shared, spec)?;
        let runner = self.shared.runner.lock();
        let runner = runner.unwrap_or_else(PoisonError::into_inner);
        let runner = runner.as_ref().expect(THERE);
        let _alone = webgpu::alone(self.shared.device);
        let memory = self.shared.cache_memory(runner)?;
        let caches = Caches::new(sizes, spec, memory);
        let binding = runner.create_binding();
        Ok(Box::new(OnnxSession {
            binding: binding.map_err(|error| failed("open a session", error))?,
            caches: caches.map_err(no_room)?,
            positions: CellPositions::new(spec),
            logits: Vec::new(),
            on_device: None,
            kept: None,
            shared: Arc::clone(&self.shared),
        }))
    }
}

impl Shared {
    /// Where the caches of a session lie.
    fn cache_memory(&self, runner: &Runner) -> Result<CacheMemory, BackendError> {
        Ok(match self.device {
            ComputeDevice::Cpu | ComputeDevice::DirectMl(_) | ComputeDevice::CoreMl => {
                CacheMemory::Host
            }
            // Never run.
            ComputeDevice::Cuda(number) => CacheMemory::Device(AllocationDevice::CUDA, number),
            ComputeDevice::WebGpu => {
                let device = webgpu::device(&self.environment)?;
                let allocator = Allocator::new(runner, device.memory_info(false));
                CacheMemory::Plugin {
                    environment: self.environment.clone(),
                    allocator: allocator.map_err(no_room)?,
                }
            }
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _alone = webgpu::alone(self.device);
        self.short_form.iter_mut().for_each(DeviceShortForm::close);
        let runner = self.runner.get_mut();
        *runner.unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for OnnxSession {
    fn drop(&mut self) {
        let _alone = webgpu::alone(self.shared.device);
        self.binding.clear();
        self.on_device = None;
        self.caches.layers.clear();
    }
}

fn check_room(shared: &Shared, spec: SessionSpec) -> Result<(), BackendError> {
    let cell_bytes = shared.network.caches.cell_bytes();
    memory::check_cells(spec, cell_bytes, Memory::now().free_bytes)
}

fn no_room(error: ort::Error) -> BackendError {
    failed("make room for a K/V cache", error)
}

impl Session for OnnxSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.kept = None;
        let shared = Arc::clone(&self.shared);
        shared.network.graph.check_whole()?;
        let rows = self.positions.keys(pass, shared.attention);
        let feed = Feed::new(pass, &rows, self.positions.cells());
        let runner = shared.runner.lock();
        let mut runner = runner.unwrap_or_else(PoisonError::into_inner);
        let runner = runner.as_mut().expect(THERE);
        let _alone = webgpu::alone(shared.device);
        if pass.cancel.is_raised() {
            return Err(BackendError::Cancelled);
        }
        let options = RunOptions::new();
        let options = options.map_err(|error| failed("prepare a pass", error))?;
        let bound = self.bind(feed);
        let result = bound
            .map_err(|error| failed("take a pass", error))
            .and_then(|()| {
                // It can only fail for a null pointer.
                let stop = || drop(options.terminate());
                watched(
                    INTERVAL,
                    || pass.cancel.is_raised(),
                    stop,
                    || {
                        let run = runner.run_binding_with_options(&self.binding, &options);
                        run.map(drop)
                            .map_err(|error| match pass.cancel.is_raised() {
                                true => BackendError::Cancelled,
                                false => failed("compute a pass", error),
                            })
                    },
                )
            })
            .and_then(|()| shared.network.graph.check_whole());
        // What was bound borrows from the caches and the logits.
        self.binding.clear();
        self.kept = result.is_ok().then_some(pass.wanted.len());
        result
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.fetch()?;
        self.output()?.read_logits(rows, out)
    }

    fn read_top(
        &mut self,
        request: &TopRequest<'_>,
        mut out: TopMut<'_>,
    ) -> Result<(), BackendError> {
        if let Some(told) = self.read_top_there(request, &mut out)? {
            return self.complete(&told, request, &mut out);
        }
        self.fetch()?;
        let output = self.output()?;
        output.check_top(request)?;
        let summary = |row: &u32| output.summary(*row, request, out.k);
        let pool = &self.shared.pool;
        let summaries: Vec<RowSummary> =
            pool.install(|| request.rows.par_iter().map(summary).collect());
        output.put_top(&summaries, request, out);
        Ok(())
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.positions.copy(from, to)?;
        let _alone = webgpu::alone(self.shared.device);
        let copied = self.caches.copy(from, to);
        copied.map_err(|error| failed("copy a K/V cache", error))
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.positions.clear(slot)
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        if cells as usize <= self.positions.cells() {
            return Ok(());
        }
        let room = SessionSpec {
            cells,
            ..self.caches.room
        };
        check_room(&self.shared, room)?;
        let alone = webgpu::alone(self.shared.device);
        self.caches.reserve(cells).map_err(no_room)?;
        drop(alone);
        self.positions.reserve(cells);
        Ok(())
    }
}

impl OnnxSession {
    /// Answers `read_top` where the logits are, and tells for which rows; `None` if that cannot be, and whole rows will tell why.
    fn read_top_there(
        &self,
        request: &TopRequest<'_>,
        out: &mut TopMut<'_>,
    ) -> Result<Option<Vec<bool>>, BackendError> {
        let kept = self.kept.unwrap_or(0);
        let is_kept = request.rows.iter().all(|row| (*row as usize) < kept);
        let (Some(form), Some(there)) = (&self.shared.short_form, &self.on_device) else {
            return Ok(None);
        };
        if !is_kept || request.divergence {
            return Ok(None);
        }
        let _alone = webgpu::alone(self.shared.device);
        let read = form.read(&there.tensor, request, out);
        read.map_err(|error| failed("read the short form", error))
    }

    /// Answers for the rows that are not `told`.
    fn complete(
        &mut self,
        told: &[bool],
        request: &TopRequest<'_>,
        out: &mut TopMut<'_>,
    ) -> Result<(), BackendError> {
        if told.iter().all(|told| *told) {
            return Ok(());
        }
        self.fetch()?;
        let output = self.output()?;
        let vocab = self.shared.network.vocab;
        for (index, row) in request.rows.iter().enumerate().filter(|(at, _)| !told[*at]) {
            let summary = output.summary(*row, request, out.k);
            let whole = &self.logits[*row as usize * vocab..][..vocab];
            out.put(index, &summary, whole, request);
        }
        Ok(())
    }

    /// Brings the logits here, if they stayed on the device.
    fn fetch(&mut self) -> Result<(), BackendError> {
        let Some(there) = self.on_device.as_mut().filter(|it| !it.is_here) else {
            return Ok(());
        };
        let _alone = webgpu::alone(self.shared.device);
        let here = self.caches.memory.fetch(&there.tensor);
        let here = here.map_err(|error| failed("read logits", error))?;
        let numbers = bytes(here.as_ref().unwrap_or(&there.tensor));
        let (numbers, _) = numbers.as_chunks::<4>();
        self.logits.clear();
        self.logits
            .extend(numbers.iter().map(|it| f32::from_ne_bytes(*it)));
        there.is_here = true;
        Ok(())
    }

    fn output(&self) -> Result<KeptLogits<'_>, BackendError> {
        let vocab = self.shared.network.vocab;
        let kept = self.kept.map(|rows| &self.logits[..rows * vocab]);
        KeptLogits::of(kept, vocab)
    }

    /// Binds everything that a pass reads and writes. The caches are read and written in place: the same memory goes in
    /// as comes out, and the runtime's scatter then copies nothing.
    fn bind(&mut self, feed: Feed) -> ort::Result<()> {
        let binding = &mut self.binding;
        for (layer, parts) in self.caches.layers.iter_mut().enumerate() {
            let names = ports::cache_names(layer);
            for (part, [past, present]) in parts.iter_mut().zip(names) {
                binding.bind_input(past, part)?;
                binding.bind_output(present, part)?;
            }
        }
        let wanted = feed.wanted.len();
        bind_feed(binding, feed)?;
        let vocab = self.shared.network.vocab;
        if self.shared.short_form.is_some() {
            let there = match self.on_device.take() {
                Some(there) if there.rows == wanted => there,
                _ => DeviceLogits {
                    tensor: self.caches.memory.room(ElementType::F32, [wanted, vocab])?,
                    rows: wanted,
                    is_here: false,
                },
            };
            let there = self.on_device.insert(there);
            there.is_here = false;
            return binding.bind_output(ports::LOGITS, &mut there.tensor);
        }
        self.logits.resize(wanted * vocab, 0.0);
        let logits = ([wanted, vocab], &mut self.logits[..]);
        binding.bind_output(ports::LOGITS, TensorRefMut::from_array_view_mut(logits)?)
    }
}

/// Logits that stay on a device, `[rows, vocab]`.
struct DeviceLogits {
    tensor: DynTensor,
    rows: usize,
    /// Whether they have been brought here too.
    is_here: bool,
}
