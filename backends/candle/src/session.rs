//! A loaded model and its sessions.

use std::sync::Arc;

use candle_core::{Result as CandleResult, Tensor};
use rayon::ThreadPool;
use rayon::prelude::*;
use unmask_sdk::keys::CellPositions;
use unmask_sdk::machine::Memory;
use unmask_sdk::output::KeptLogits;
use unmask_sdk::{
    Attention, BackendError, Capabilities, LogitsMut, Model, ModelFacts, Pass, Session,
    SessionSpec, TopMut, TopRequest, memory,
};

use crate::device_error;
use crate::loader::Held;
use crate::matrix::with_slice;
use crate::models::{Network, Sizes};
use crate::slot::KeyValues;
use crate::summary::summary;

/// What every model of this backend can do.
pub(crate) const CAPABILITIES: Capabilities = Capabilities(
    Capabilities::BATCH.0
        | Capabilities::KV_CACHE.0
        | Capabilities::TOPK_OUTPUT.0
        | Capabilities::CANCEL.0
        | Capabilities::CONCURRENT.0
        | Capabilities::LEFT_PADDING.0
        | Capabilities::ATTENTION_MASK.0
        | Capabilities::DETERMINISTIC.0,
);

/// Weights and the threads that compute with them.
pub(crate) struct CandleModel {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) network: Network,
    pub(crate) sizes: Sizes,
    pub(crate) attention: Attention,
    /// As people choose it.
    pub(crate) precision: &'static str,
    pub(crate) threads: ThreadPool,
    pub(crate) held: Held,
}

struct CandleSession {
    shared: Arc<Shared>,
    positions: CellPositions,
    /// By slot, then by layer.
    slots: Vec<Vec<KeyValues>>,
    /// `[wanted, vocab]` of the last pass.
    output: Option<Tensor>,
}

impl Shared {
    /// Cells of every layer for one slot.
    fn slot(&self, cells: u32) -> CandleResult<Vec<KeyValues>> {
        let layer = |_| KeyValues::cells(self.sizes.heads, cells as usize);
        (0..self.sizes.layers).map(layer).collect()
    }

    fn check_room(&self, spec: SessionSpec) -> Result<(), BackendError> {
        let free = Memory::now().free_bytes;
        memory::check_cells(spec, self.sizes.cell_bytes(), free)
    }
}

impl Model for CandleModel {
    fn facts(&self) -> ModelFacts {
        let sizes = self.shared.sizes;
        ModelFacts {
            vocab: sizes.vocab,
            max_positions: sizes.max_positions,
            memory_bytes: self.shared.held.memory_bytes,
            cell_bytes: sizes.cell_bytes(),
            precision: self.shared.precision.to_owned(),
            capabilities: CAPABILITIES,
            notes: self.shared.held.notes.clone(),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        self.shared.check_room(spec)?;
        let slots: CandleResult<_> = (0..spec.slots)
            .map(|_| self.shared.slot(spec.cells))
            .collect();
        Ok(Box::new(CandleSession {
            shared: Arc::clone(&self.shared),
            positions: CellPositions::new(spec),
            slots: slots.map_err(device_error)?,
            output: None,
        }))
    }
}

impl CandleSession {
    /// Lends the output of the last pass.
    fn read<T>(
        &self,
        look: impl FnOnce(KeptLogits<'_>) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let vocab = self.shared.sizes.vocab;
        match &self.output {
            None => look(KeptLogits::of(None, vocab)?),
            Some(output) => with_slice(output, |logits| look(KeptLogits::of(Some(logits), vocab)?))
                .map_err(device_error)?,
        }
    }
}

impl Session for CandleSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.output = None;
        let shared = &self.shared;
        let rows = self.positions.keys(pass, shared.attention);
        let computed = shared
            .threads
            .install(|| shared.network.forward(pass, &rows, &self.slots));
        self.output = Some(computed?);
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.read(|kept| kept.read_logits(rows, out))
    }

    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        self.read(|kept| {
            kept.check_top(request)?;
            let (rows, k) = (request.rows.par_iter(), out.k);
            let summarise = || rows.map(|&row| summary(kept, row, request, k)).collect();
            let summaries: Vec<_> = self.shared.threads.install(summarise);
            kept.put_top(&summaries, request, out);
            Ok(())
        })
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.positions.copy(from, to)?;
        let written = self.positions.written(from);
        if from == to {
            return Ok(());
        }
        let (from, to) = (&self.slots[from as usize], &self.slots[to as usize]);
        let copied = from
            .iter()
            .zip(to)
            .try_for_each(|(from, to)| to.take(from, written));
        copied.map_err(device_error)
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.positions.clear(slot)?;
        let cells = self.positions.cells() as u32;
        self.slots[slot as usize] = self.shared.slot(cells).map_err(device_error)?;
        Ok(())
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        let more = cells.saturating_sub(self.positions.cells() as u32);
        if more == 0 {
            return Ok(());
        }
        let slots = self.slots.len() as u32;
        self.shared.check_room(SessionSpec { cells: more, slots })?;
        for (slot, layers) in (0..).zip(&mut self.slots) {
            let written = self.positions.written(slot);
            let roomier = self.shared.slot(cells).map_err(device_error)?;
            for (layer, roomier) in layers.iter_mut().zip(roomier) {
                roomier.take(layer, written).map_err(device_error)?;
                *layer = roomier;
            }
        }
        self.positions.reserve(cells);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use unmask_sdk::testing::{TINY, TestCheckpoint};

    use super::*;
    use crate::models::NetworkPlan;
    use crate::precision::{Choice, Precision};

    #[test]
    fn a_session_holds_as_many_bytes_as_its_cells_are_said_to_take() {
        let checkpoint = TestCheckpoint::new(TINY).save();
        let spec = checkpoint.spec("cpu", "f32");
        let plan = NetworkPlan::read(&spec).expect("the checkpoint is whole");
        let shared = crate::load(plan, Choice::Candle(Precision::F32), &spec, &|_| {
            ControlFlow::Continue(())
        });
        let shared = shared.expect("the checkpoint is whole");
        for cells in [0, 1, 24] {
            let slot = shared.slot(cells).expect("there is room");
            let tensors = slot.iter().flat_map(|layer| [&layer.keys, &layer.values]);
            let numbers: usize = tensors.map(Tensor::elem_count).sum();
            let bytes = (numbers * size_of::<f32>()) as u64;
            assert_eq!(bytes, u64::from(cells) * shared.sizes.cell_bytes());
        }
    }
}
