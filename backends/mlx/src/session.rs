//! A loaded model and its sessions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unmask_sdk::keys::CellPositions;
use unmask_sdk::{
    Attention, BackendError, LogitsMut, Model, ModelFacts, Pass, Session, SessionSpec, TopMut,
    TopRequest, memory,
};

use crate::device::{ComputeDevice, failed};
use crate::models::Network;
use crate::output::PassOutput;
use crate::slot::{CacheSizes, LayerCache};

pub(crate) struct MlxModel {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    /// One pass at a time: MLX's arrays may move between threads but not be used by two at once, and a pass keeps the whole
    /// device busy.
    pub(crate) network: Mutex<Network>,
    pub(crate) device: ComputeDevice,
    pub(crate) attention: Attention,
    pub(crate) sizes: CacheSizes,
    pub(crate) facts: ModelFacts,
}

struct MlxSession {
    shared: Arc<Shared>,
    /// By slot, then by layer.
    slots: Vec<Vec<LayerCache>>,
    positions: CellPositions,
    output: PassOutput,
}

impl Shared {
    /// Held while arrays are made, see [`network`](Self::network).
    fn lock(&self) -> MutexGuard<'_, Network> {
        let network = self.network.lock();
        network.unwrap_or_else(PoisonError::into_inner)
    }

    fn check_room(&self, spec: SessionSpec) -> Result<(), BackendError> {
        let (_, free) = self.device.memory();
        memory::check_cells(spec, self.sizes.cell_bytes(), free)
    }
}

impl Model for MlxModel {
    fn facts(&self) -> ModelFacts {
        self.shared.facts.clone()
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        let shared = Arc::clone(&self.shared);
        shared.check_room(spec)?;
        let one = shared.lock();
        let slots = shared.device.run(|| shared.sizes.slots(spec));
        let slots = slots.map_err(failed)?;
        drop(one);
        Ok(Box::new(MlxSession {
            shared,
            slots,
            positions: CellPositions::new(spec),
            output: PassOutput::Absent,
        }))
    }
}

impl Session for MlxSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.output = PassOutput::Absent;
        let (shared, slots) = (&self.shared, &mut self.slots);
        let rows = self.positions.keys(pass, shared.attention);
        let network = shared.lock();
        let logits = shared.device.run(|| network.forward(pass, &rows, slots))?;
        self.output = logits.map_or(PassOutput::Empty, PassOutput::Logits);
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        let _one = self.shared.lock();
        let kept = self.output.kept(self.shared.facts.vocab)?;
        kept.read_logits(rows, out)
    }

    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        let _one = self.shared.lock();
        let Shared { device, facts, .. } = &*self.shared;
        device.run(|| self.output.top(facts.vocab, request, out))
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.positions.copy(from, to)?;
        let _one = self.shared.lock();
        self.slots[to as usize] = self.slots[from as usize].clone();
        Ok(())
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.positions.clear(slot)
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        let before = self.positions.cells() as u32;
        let Some(more) = cells.checked_sub(before).filter(|more| *more > 0) else {
            return Ok(());
        };
        let slots = self.slots.len() as u32;
        self.shared.check_room(SessionSpec { cells, slots })?;
        let _one = self.shared.lock();
        let Shared { device, sizes, .. } = &*self.shared;
        let longer = device.run(|| sizes.longer(&self.slots, before, more));
        self.slots = longer.map_err(failed)?;
        self.positions.reserve(cells);
        Ok(())
    }
}
