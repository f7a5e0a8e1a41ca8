//! The machine's memory as its backends tell of it, and whether a model fits there.

use unmask_api::{Device, DeviceKind};

use super::devices;
use crate::engine::Loaded;
use crate::plugin::BackendRow;

/// One memory of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPool {
    /// `RAM`, `GPU`, or `GPU cuda:1` if there are several.
    pub name: String,
    /// Free bytes when it was looked at.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
    /// The backends and devices that compute in it.
    users: Vec<(String, String)>,
}

/// How a model fits into the memory of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryFit {
    /// Beside what runs.
    Beside,
    /// Only once the running model has made room.
    Alone,
    /// Not even then.
    TooLarge {
        /// What would be free then.
        free_bytes: u64,
    },
    /// Nobody knows.
    Unknown,
}

impl MemoryPool {
    /// True if `device` of `backend` computes in it.
    pub(super) fn is_used_by(&self, backend: &str, device: &str) -> bool {
        let is_it = |(name, id): &(String, String)| name == backend && id == device;
        self.users.iter().any(is_it)
    }

    /// How a model that needs so many bytes fits beside or instead of the one that runs.
    pub(super) fn fit(&self, needs: u64, running: Option<&Loaded>) -> MemoryFit {
        let shares = |it: &&Loaded| self.is_used_by(&it.backend, &it.device);
        let held = running.filter(shares).map_or(0, |it| it.facts.memory_bytes);
        let free_bytes = self.free_bytes.saturating_add(held);
        match needs {
            needs if needs <= self.free_bytes => MemoryFit::Beside,
            needs if needs <= free_bytes => MemoryFit::Alone,
            _ => MemoryFit::TooLarge { free_bytes },
        }
    }
}

/// What the backends tell of the machine's memory; several tell of the same, and some only that they compute in it.
#[must_use]
pub fn memory(rows: &[BackendRow]) -> Vec<MemoryPool> {
    let name = |device: &Device| match device.kind {
        DeviceKind::Cpu => "RAM".to_owned(),
        DeviceKind::Gpu | DeviceKind::Accelerator => format!("GPU {}", device.id),
    };
    let devices = devices(rows);
    let mut all: Vec<MemoryPool> = Vec::new();
    // Some drivers tell how much there is, and not how much of it is free: nobody knows what fits there.
    let is_told = |it: &Device| it.total_bytes > 0 && it.free_bytes > 0;
    for (_, device) in devices.iter().filter(|(_, it)| is_told(it)) {
        if all.iter().all(|memory| memory.name != name(device)) {
            all.push(MemoryPool {
                name: name(device),
                free_bytes: device.free_bytes,
                total_bytes: device.total_bytes,
                users: Vec::new(),
            });
        }
    }
    for (row, device) in devices {
        let user = (row.name.clone(), device.id.clone());
        if let Some(memory) = all.iter_mut().find(|memory| memory.name == name(device)) {
            memory.users.push(user);
        }
    }
    let is_gpu = |memory: &MemoryPool| memory.name != "RAM";
    all.sort_by_key(|memory| !is_gpu(memory));
    if all.iter().filter(|memory| is_gpu(memory)).count() == 1 {
        all[0].name = "GPU".to_owned();
    }
    all
}
