//! A session's K/V caches: keys (rotated, since positions are absolute) and values of every layer, in all slots.

use ort::memory::{AllocationDevice, Allocator};
use ort::value::Tensor;
use unmask_sdk::SessionSpec;
use unmask_sdk::llada::Heads;

use crate::device::Place;

/// Keys and values of one layer, `[slots * capacity, key heads * dim]` each.
pub(crate) struct LayerCache {
    pub(crate) parts: [Tensor<f32>; 2],
}

impl LayerCache {
    /// Zeros, on the device if the runtime can write them there; else they are carried to and fro with every pass.
    pub(crate) fn new(heads: Heads, spec: SessionSpec, place: Place) -> ort::Result<Self> {
        let rows = spec.capacity as usize * spec.slots as usize;
        let part = || {
            let shape = [rows, heads.keys * heads.dim];
            let mut part = Tensor::<f32>::new(&Allocator::default(), shape)?;
            part.extract_tensor_mut().1.fill(0.0);
            match place {
                Place::Cpu | Place::DirectMl(_) | Place::CoreMl => Ok(part),
                // Never run.
                Place::Cuda(number) => part.to(AllocationDevice::CUDA, number),
            }
        };
        Ok(Self {
            parts: [part()?, part()?],
        })
    }
}
