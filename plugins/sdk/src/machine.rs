//! The processor and its memory, as the system tells of them; instruction sets are told by Linux alone.

use std::fs;
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::thread;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

/// The machine's memory in bytes, 0 if unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// In all.
    pub total_bytes: u64,
    /// What can be had without swapping.
    pub free_bytes: u64,
}

impl Memory {
    /// As it is now.
    #[must_use]
    pub fn now() -> Self {
        let mut system = System::new();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        Self {
            total_bytes: system.total_memory(),
            free_bytes: system.available_memory(),
        }
    }
}

/// What the processor says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processor {
    /// Its name, such as `AMD EPYC 7763`; `CPU` if unknown.
    pub model: String,
    /// Its instruction sets in Linux's words, such as `avx512f`; empty if unknown.
    pub features: Vec<String>,
}

impl Processor {
    /// The first of this machine, read once: it stays the same, and the system takes a while to tell.
    #[must_use]
    pub fn here() -> &'static Self {
        static HERE: OnceLock<Processor> = OnceLock::new();
        HERE.get_or_init(|| match fs::read_to_string("/proc/cpuinfo") {
            Ok(cpuinfo) => Self::read(&cpuinfo),
            Err(_) => Self::of_other_systems(),
        })
    }

    fn of_other_systems() -> Self {
        let mut system = System::new();
        system.refresh_cpu_list(CpuRefreshKind::nothing());
        let brand = system.cpus().first().map(|it| it.brand().trim());
        let brand = brand.filter(|brand| !brand.is_empty());
        Self {
            model: brand.unwrap_or("CPU").to_owned(),
            features: Vec::new(),
        }
    }

    fn read(cpuinfo: &str) -> Self {
        let features = field(cpuinfo, "flags").or_else(|| field(cpuinfo, "Features"));
        let features = features.unwrap_or_default().split_whitespace();
        Self {
            model: field(cpuinfo, "model name").unwrap_or("CPU").to_owned(),
            features: features.map(str::to_owned).collect(),
        }
    }

    /// Whether it has an instruction set.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|each| each == feature)
    }

    /// A name for [`Device`](unmask_api::Device), such as `AMD EPYC 7763 · 2 threads`.
    #[must_use]
    pub fn with_threads(&self, threads: usize) -> String {
        let plural = if threads == 1 { "" } else { "s" };
        format!("{} · {threads} thread{plural}", self.model)
    }
}

/// Threads to compute with: as requested, else as many as this process may use at once.
#[must_use]
pub fn threads(requested: Option<NonZeroU32>) -> usize {
    match requested {
        Some(requested) => requested.get() as usize,
        None => thread::available_parallelism().map_or(1, usize::from),
    }
}

/// The first `key : value` line's value.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_called_by_its_model_and_the_threads_in_use() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f\n";
        let processor = Processor::read(cpuinfo);
        assert_eq!(processor.with_threads(2), "AMD EPYC · 2 threads");
        assert!(processor.has("avx2") && !processor.has("avx"));
        let unknown = Processor::read("Features : fp asimddp\n");
        assert_eq!(unknown.with_threads(1), "CPU · 1 thread");
        assert!(unknown.has("asimddp"));
    }

    #[test]
    fn free_memory_is_some_of_all() {
        let memory = Memory::now();
        assert!(memory.free_bytes <= memory.total_bytes);
    }

    #[test]
    fn as_many_threads_as_requested_are_used() {
        assert_eq!(threads(NonZeroU32::new(3)), 3);
        assert!(threads(None) > 0);
    }
}
