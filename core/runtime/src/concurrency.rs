//! How many turns run at once, and how many of them a pass computes.

use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::Deserialize;
use unmask_api::{Capabilities, DeviceKind, SessionSpec};

/// Rows of a pass on what is no processor, if nobody says how many.
const AUTO_BATCH: usize = 8;

/// How many turns run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Concurrency {
    /// So many; as many as a pass may compute if it is not said.
    pub turns: Option<NonZeroUsize>,
    /// How many of them a pass may compute.
    pub batch: BatchLimit,
}

/// How many turns a pass may compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "BatchWord")]
pub enum BatchLimit {
    /// 8 on a graphics processor and other accelerators. 1 on a processor: it has no time left over in a pass of one turn, so
    /// that a pass of several takes about as long as a pass each, and all of them wait for all of it.
    #[default]
    Auto,
    /// So many at most.
    Most(NonZeroUsize),
}

/// As a file of the configuration says it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a number from 1 or \"auto\"")]
enum BatchWord {
    Most(NonZeroUsize),
    Word(String),
}

impl Concurrency {
    /// One turn after the other.
    pub const ONE: Self = Self {
        turns: Some(NonZeroUsize::MIN),
        batch: BatchLimit::Most(NonZeroUsize::MIN),
    };

    /// Turns that a pass may compute on such a device, by a model of these abilities.
    #[must_use]
    pub fn batch(self, device: DeviceKind, capabilities: Capabilities) -> usize {
        if !capabilities.has(Capabilities::BATCH) {
            return 1;
        }
        let most = match (self.batch, device) {
            (BatchLimit::Most(most), _) => most.get(),
            (BatchLimit::Auto, DeviceKind::Cpu) => 1,
            (BatchLimit::Auto, DeviceKind::Gpu | DeviceKind::Accelerator) => AUTO_BATCH,
        };
        most.min(SessionSpec::MOST_SLOTS as usize)
    }

    /// Turns that run at once there.
    #[must_use]
    pub fn turns(self, device: DeviceKind, capabilities: Capabilities) -> usize {
        let said = self.turns.map(NonZeroUsize::get);
        said.unwrap_or_else(|| self.batch(device, capabilities))
    }
}

impl FromStr for BatchLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            text => text
                .parse()
                .map(Self::Most)
                .map_err(|_| format!("`{text}` is neither auto nor a number from 1")),
        }
    }
}

impl TryFrom<BatchWord> for BatchLimit {
    type Error = String;

    fn try_from(word: BatchWord) -> Result<Self, String> {
        match word {
            BatchWord::Most(most) => Ok(Self::Most(most)),
            BatchWord::Word(word) => word.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(turns: usize, batch: &str, device: DeviceKind, can: bool, expected: (usize, usize)) {
        let concurrency = Concurrency {
            turns: NonZeroUsize::new(turns),
            batch: batch.parse().expect("it is a batch"),
        };
        let capabilities = match can {
            true => Capabilities::BATCH,
            false => Capabilities::default(),
        };
        let turns = concurrency.turns(device, capabilities);
        assert_eq!((turns, concurrency.batch(device, capabilities)), expected);
    }

    #[test]
    fn a_processor_takes_one_turn_and_what_is_said_counts_where_the_backend_can() {
        use DeviceKind::{Accelerator, Cpu, Gpu};
        check(0, "auto", Cpu, true, (1, 1));
        check(0, "auto", Gpu, true, (8, 8));
        check(0, "auto", Accelerator, true, (8, 8));
        check(0, "auto", Gpu, false, (1, 1));
        check(0, "4", Cpu, true, (4, 4));
        check(4, "auto", Cpu, true, (4, 1));
        check(4, "2", Gpu, true, (4, 2));
        check(4, "2", Gpu, false, (4, 1));
        check(0, "1000", Gpu, true, (64, 64));
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for text in ["0", "-1", "all", ""] {
            assert!(text.parse::<BatchLimit>().is_err(), "{text}");
        }
    }
}
