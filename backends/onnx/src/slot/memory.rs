//! Where caches lie, and the way there and back.

#![expect(
    unsafe_code,
    reason = "copies between devices are the runtime's C calls"
)]

use std::ptr;

use ort::environment::Environment;
use ort::memory::{AllocationDevice, Allocator};
use ort::value::DynTensor;
use ort::{AsPointer as _, Error};

use crate::emit::editor::element;
use crate::graph::ElementType;

/// Where a session's caches lie.
pub(crate) enum CacheMemory {
    /// In the processor's memory; another device has them carried to and fro with every pass.
    Host,
    /// On a device that the runtime knows by name, and its number.
    Device(AllocationDevice<'static>, i32),
    /// On the device of a plugin.
    Plugin {
        environment: Environment,
        allocator: Allocator,
    },
}

impl CacheMemory {
    /// `part`, which lies in the processor's memory, where it belongs.
    pub(super) fn put(&self, part: DynTensor) -> ort::Result<DynTensor> {
        match self {
            Self::Host => Ok(part),
            Self::Device(device, number) => part.to(device.clone(), *number),
            Self::Plugin {
                environment,
                allocator,
            } => copied(environment, &part, allocator),
        }
    }

    /// Room for a tensor of `shape`, whatever is in it.
    pub(crate) fn room(&self, kind: ElementType, shape: [usize; 2]) -> ort::Result<DynTensor> {
        match self {
            Self::Plugin { allocator, .. } => DynTensor::new(allocator, element(kind), shape),
            Self::Host | Self::Device(..) => {
                self.put(DynTensor::new(&Allocator::default(), element(kind), shape)?)
            }
        }
    }

    /// A copy of `part` in the processor's memory; `None` if it lies there.
    pub(crate) fn fetch(&self, part: &DynTensor) -> ort::Result<Option<DynTensor>> {
        match self {
            Self::Host => Ok(None),
            Self::Device(..) => part.to(AllocationDevice::CPU, 0).map(Some),
            Self::Plugin { environment, .. } => {
                copied(environment, part, &Allocator::default()).map(Some)
            }
        }
    }
}

/// `from` in memory of `allocator`. The crate's own copies know no plugin.
fn copied(
    environment: &Environment,
    from: &DynTensor,
    allocator: &Allocator,
) -> ort::Result<DynTensor> {
    let to = DynTensor::new(allocator, *from.data_type(), from.shape().clone())?;
    let (sources, mut targets) = ([from.ptr()], [to.ptr()]);
    // SAFETY: one tensor on each side, alive until the call returns, of one type and shape; without a stream it has ended by
    // then.
    unsafe {
        let status = (ort::api().CopyTensors)(
            environment.ptr().cast_mut(),
            sources.as_ptr(),
            targets.as_mut_ptr(),
            ptr::null_mut(),
            1,
        );
        Error::result_from_status(status)?;
    }
    Ok(to)
}
