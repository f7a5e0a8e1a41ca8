use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Which positions a position may attend to; a property of the model family, not of a call.
///
/// A backend that does not compute a kind refuses the load: it never computes another one instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// Every position attends to every other.
    Bidirectional,
    /// A position attends to its own block of this many positions, counted from position 0, and to earlier blocks:
    /// `q` sees `k` if `k / block <= q / block`.
    BlockCausal(NonZeroU32),
    /// A position attends to itself and to earlier ones: `q` sees `k` if `k <= q`.
    Causal,
}

impl Attention {
    /// True if a query at `query` attends to a key at `key`.
    #[must_use]
    pub fn sees(self, query: crate::Position, key: crate::Position) -> bool {
        match self {
            Self::Bidirectional => true,
            Self::BlockCausal(block) => key.0 / block <= query.0 / block,
            Self::Causal => key <= query,
        }
    }
}

/// What to load, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadSpec {
    /// The network's family, such as `llada`.
    pub family: String,
    /// The checkpoint's folder.
    pub folder: PathBuf,
    /// Its weight files, in the order of the index file, or the one.
    pub weights: Vec<PathBuf>,
    /// The text of its `config.json`.
    pub config_json: String,
    /// A [`Device::id`](crate::Device::id).
    pub device: String,
    /// One of the device's precisions.
    pub precision: String,
    /// Threads to compute with; `None` leaves it to the backend, which then uses all cores.
    pub threads: Option<NonZeroU32>,
    /// The family's attention kind.
    pub attention: Attention,
    /// Where derived files, such as quantised weights, may be kept; `None` forbids them.
    pub cache_folder: Option<PathBuf>,
    /// Free-form options of this backend: a JSON object, `{}` if there are none.
    pub options_json: String,
}

/// What a load would take, told before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Memory that the weights would hold, mapped files not counted; 0 if it cannot be told.
    pub weights_bytes: u64,
    /// K/V of one cell of one slot, in bytes; 0 if it cannot be told, or nothing is kept.
    pub cell_bytes: u64,
    /// Threads that it would compute with; 0 if that means nothing on the device.
    pub threads: u32,
}

/// How far loading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadProgress<'a> {
    /// What is being done, such as `reading weights`.
    pub stage: &'a str,
    /// Bytes done in this stage.
    pub done: u64,
    /// Bytes in all, 0 if unknown.
    pub total: u64,
}

/// Hears of progress, from any thread; `Break` asks the backend to give up with [`BackendError::Cancelled`].
///
/// [`BackendError::Cancelled`]: crate::BackendError::Cancelled
pub type Progress<'a> = dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync + 'a;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    #[test]
    fn a_kind_says_who_sees_whom() {
        let two = NonZeroU32::new(2).expect("two");
        let seen = |kind: Attention| {
            let keys =
                |query: u32| (0..5).filter(move |&key| kind.sees(Position(query), Position(key)));
            [1, 2].map(|query| keys(query).count())
        };
        assert_eq!(seen(Attention::Bidirectional), [5, 5]);
        assert_eq!(seen(Attention::BlockCausal(two)), [2, 4]);
        assert_eq!(seen(Attention::Causal), [2, 3]);
    }
}
