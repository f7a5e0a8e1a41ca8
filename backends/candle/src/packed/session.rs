//! A loaded model and its sessions.

use std::sync::{Arc, Mutex, PoisonError};

use unmask_kernels::{Aligned, Pool};
use unmask_sdk::keys::CellPositions;
use unmask_sdk::machine::Memory;
use unmask_sdk::output::KeptLogits;
use unmask_sdk::{
    Attention, BackendError, LogitsMut, Model, ModelFacts, Pass, RowSummary, Session, SessionSpec,
    TopMut, TopRequest, memory,
};

use super::cells::{CellForm, Cells};
use super::failed;
use super::network::{PackedNetwork, Place};
use super::packing::Packing;
use super::work::Work;
use crate::loader::Held;
use crate::models::Sizes;
use crate::session::CAPABILITIES;

/// Weights and the threads that compute with them.
pub(super) struct PackedModel {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) network: PackedNetwork,
    pub(super) sizes: Sizes,
    pub(super) form: CellForm,
    pub(super) attention: Attention,
    pub(super) packing: Packing,
    pub(super) pool: Pool,
    pub(super) held: Held,
    /// The buffers of passes that have ended: as many as were ever computed at the same time.
    pub(super) rooms: Mutex<Vec<Work>>,
}

struct PackedSession {
    shared: Arc<Shared>,
    positions: CellPositions,
    /// By slot.
    slots: Vec<Cells>,
    /// `[wanted, vocab]` of the last pass, if that succeeded.
    output: Aligned<f32>,
    has_output: bool,
}

impl Shared {
    fn check_room(&self, spec: SessionSpec) -> Result<(), BackendError> {
        memory::check_cells(spec, self.form.cell_bytes(), Memory::now().free_bytes)
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, Vec<Work>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Model for PackedModel {
    fn facts(&self) -> ModelFacts {
        let shared = &self.shared;
        ModelFacts {
            vocab: shared.sizes.vocab,
            max_positions: shared.sizes.max_positions,
            memory_bytes: shared.held.memory_bytes,
            cell_bytes: shared.form.cell_bytes(),
            precision: shared.packing.name().to_owned(),
            capabilities: CAPABILITIES,
            notes: shared.held.notes.clone(),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        self.shared.check_room(spec)?;
        let slot = |_| Cells::new(self.shared.form, spec.cells as usize);
        Ok(Box::new(PackedSession {
            shared: Arc::clone(&self.shared),
            positions: CellPositions::new(spec),
            slots: (0..spec.slots).map(slot).collect(),
            output: Aligned::default(),
            has_output: false,
        }))
    }
}

impl PackedSession {
    fn kept(&self) -> Result<KeptLogits<'_>, BackendError> {
        let output = self.has_output.then_some(&self.output[..]);
        KeptLogits::of(output, self.shared.sizes.vocab)
    }
}

impl Session for PackedSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.has_output = false;
        let shared = &self.shared;
        let room = shared.rooms().pop();
        let mut work = room.unwrap_or_default();
        self.positions
            .keys_into(pass, shared.attention, &mut work.rows);
        let mut place = Place {
            pool: &shared.pool,
            form: shared.form,
            slots: &mut self.slots,
        };
        let output = &mut self.output;
        let computed = shared.network.forward(pass, &mut work, &mut place, output);
        shared.rooms().push(work);
        computed?;
        self.has_output = true;
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.kept()?.read_logits(rows, out)
    }

    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        let kept = self.kept()?;
        kept.check_top(request)?;
        let mut summaries = vec![RowSummary::default(); request.rows.len()];
        let summarise = |at: usize, summary: &mut [RowSummary]| {
            summary[0] = crate::summary::summary(kept, request.rows[at], request, out.k);
        };
        let summarised = self
            .shared
            .pool
            .for_each_chunk(&mut summaries, 1, summarise);
        summarised.map_err(failed)?;
        kept.put_top(&summaries, request, out);
        Ok(())
    }

    fn copy_slot(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.positions.copy(from, to)?;
        let written = self.positions.written(from);
        if let Ok([from, to]) = self.slots.get_disjoint_mut([from as usize, to as usize]) {
            to.take(self.shared.form, from, written);
        }
        Ok(())
    }

    fn clear_slot(&mut self, slot: u32) -> Result<(), BackendError> {
        self.positions.clear(slot)?;
        self.slots[slot as usize] = Cells::new(self.shared.form, self.positions.cells());
        Ok(())
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        let more = cells.saturating_sub(self.positions.cells() as u32);
        if more == 0 {
            return Ok(());
        }
        let slots = self.slots.len() as u32;
        self.shared.check_room(SessionSpec { cells: more, slots })?;
        let form = self.shared.form;
        for (slot, kept) in (0..).zip(&mut self.slots) {
            let mut roomier = Cells::new(form, cells as usize);
            roomier.take(form, kept, self.positions.written(slot));
            *kept = roomier;
        }
        self.positions.reserve(cells);
        Ok(())
    }
}
