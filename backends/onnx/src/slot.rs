//! A session's K/V caches: keys (rotated, since positions are absolute) and values of every layer, in all slots.

#![expect(
    unsafe_code,
    reason = "cells are moved as bytes, whatever they are numbers of"
)]

mod memory;

use ort::memory::Allocator;
use ort::value::DynTensor;
use unmask_sdk::SessionSpec;
use unmask_sdk::decoder::Heads;

use crate::emit::editor::element;
use crate::graph::ElementType;

pub(crate) use memory::CacheMemory;

/// What decides how large caches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheSizes {
    pub(crate) layers: usize,
    pub(crate) heads: Heads,
    /// `F32` or `F16`.
    pub(crate) kind: ElementType,
}

impl CacheSizes {
    /// Numbers of a layer's keys, or values, of one cell.
    pub(crate) fn width(&self) -> usize {
        self.heads.keys * self.heads.dim
    }

    /// Bytes of one cell of one slot, all layers together.
    pub(crate) fn cell_bytes(&self) -> u64 {
        self.heads.cell_bytes(self.layers, self.kind.bytes())
    }
}

/// The caches of all layers.
pub(crate) struct Caches {
    /// By layer, keys before values: `[slots * cells, key heads * dim]` each, or a single row that nobody sees if there are no
    /// cells.
    pub(crate) layers: Vec<[DynTensor; 2]>,
    pub(crate) room: SessionSpec,
    sizes: CacheSizes,
    pub(crate) memory: CacheMemory,
}

impl Caches {
    /// Zeros.
    pub(crate) fn new(
        sizes: CacheSizes,
        room: SessionSpec,
        memory: CacheMemory,
    ) -> ort::Result<Self> {
        let mut caches = Self {
            layers: Vec::new(),
            room,
            sizes,
            memory,
        };
        let layer = |_| Ok([caches.part(room, |_| ())?, caches.part(room, |_| ())?]);
        caches.layers = (0..sizes.layers).map(layer).collect::<ort::Result<_>>()?;
        Ok(caches)
    }

    /// A part for `room`: zeros, then what `fill` makes of them; on the device if the runtime can write it there, else it is carried to and fro
    /// with every pass.
    fn part(&self, room: SessionSpec, fill: impl FnOnce(&mut [u8])) -> ort::Result<DynTensor> {
        let rows = (room.cells as usize * room.slots as usize).max(1);
        let shape = [rows, self.sizes.width()];
        let mut part = DynTensor::new(&Allocator::default(), element(self.sizes.kind), shape)?;
        fill(bytes_mut(&mut part));
        self.memory.put(part)
    }

    /// Makes the cells of slot `to` those of slot `from`.
    pub(crate) fn copy(&mut self, from: u32, to: u32) -> ort::Result<()> {
        let length = self.slot_bytes();
        let [from, to] = [from, to].map(|slot| slot as usize * length);
        let copy = |cells: &mut [u8]| cells.copy_within(from..from + length, to);
        for part in self.layers.iter_mut().flatten() {
            match self.memory.fetch(part)? {
                None => copy(bytes_mut(part)),
                Some(mut here) => {
                    copy(bytes_mut(&mut here));
                    *part = self.memory.put(here)?;
                }
            }
        }
        Ok(())
    }

    /// Makes room for `cells` a slot, more than there are. After an error everything is as it was.
    pub(crate) fn reserve(&mut self, cells: u32) -> ort::Result<()> {
        let (room, length) = (SessionSpec { cells, ..self.room }, self.slot_bytes());
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let larger = |part: &DynTensor| {
                let fetched = self.memory.fetch(part)?;
                let old = bytes(fetched.as_ref().unwrap_or(part));
                self.part(room, |new| {
                    let slots = new.chunks_exact_mut(new.len() / room.slots as usize);
                    for (new, old) in slots.zip(old.chunks_exact(length.max(1))) {
                        new[..length].copy_from_slice(&old[..length]);
                    }
                })
            };
            layers.push([larger(&layer[0])?, larger(&layer[1])?]);
        }
        (self.layers, self.room) = (layers, room);
        Ok(())
    }

    fn slot_bytes(&self) -> usize {
        self.room.cells as usize * self.sizes.width() * self.sizes.kind.bytes()
    }
}

fn n_bytes(tensor: &DynTensor) -> usize {
    let numbers = tensor.shape().num_elements();
    tensor.data_type().byte_size(numbers).unwrap_or(0)
}

/// What a tensor in the processor's memory consists of.
pub(crate) fn bytes(tensor: &DynTensor) -> &[u8] {
    // SAFETY: the tensor's own memory, borrowed with it, which holds as many numbers as its shape says; bytes have no
    // alignment and no invalid values.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), n_bytes(tensor)) }
}

/// The same to be written.
fn bytes_mut(tensor: &mut DynTensor) -> &mut [u8] {
    // SAFETY: as above, and borrowed alone.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr_mut().cast(), n_bytes(tensor)) }
}
