use crate::diagnostic;
use crate::state::TracesKept;

/// The keys of `[traces]`, each with what it may be.
pub const TRACES: [(&str, &str); 2] = [
    ("keep", "all, lean or off"),
    ("max_mb", "a number of megabytes"),
];

/// What is kept of how answers came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TracePreferences {
    /// How much of it is kept.
    pub keep: TracesKept,
    /// Megabytes of all of it at most.
    pub max_mb: u64,
}

impl Default for TracePreferences {
    fn default() -> Self {
        Self {
            keep: TracesKept::All,
            max_mb: 512,
        }
    }
}

impl TracePreferences {
    /// Bytes of all of it at most.
    #[must_use]
    pub fn most(self) -> u64 {
        self.max_mb.saturating_mul(1 << 20)
    }

    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let known = TRACES.iter().find(|(name, _)| *name == key);
        let Some((_, may_be)) = known else {
            return Err(diagnostic::unknown(
                "key",
                key,
                &TRACES.map(|(name, _)| name),
            ));
        };
        let refused = || format!("`{key}` is {may_be}, not `{value}`");
        match key {
            "keep" => {
                self.keep = match value {
                    "all" | "true" => TracesKept::All,
                    "lean" => TracesKept::Lean,
                    "off" | "false" => TracesKept::Off,
                    _ => return Err(refused()),
                };
            }
            _ => self.max_mb = value.parse().map_err(|_| refused())?,
        }
        Ok(())
    }
}
