use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DenoisingMode;
use crate::config::Environment;
use crate::partial;
use crate::regular_file::{SMALL, is_there, read_text};

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// What was measured on one model: the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredModel {
    version: u32,
    /// Its name for people.
    pub model: String,
    /// Its hash.
    pub identity: String,
    /// One for each precision and device, and for answers with and without a right one.
    #[serde(default, rename = "measurement")]
    pub measurements: Vec<Measurement>,
}

/// Modes that were measured side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The backend's name.
    pub backend: String,
    /// The device's id.
    pub device: String,
    /// The precision of the weights.
    pub precision: String,
    /// SHA-256 of the questions.
    pub questions: String,
    /// How many there were.
    pub count: usize,
    /// The day, `2026-11-30`.
    pub date: String,
    /// Who measured: `unmask 0.1.0`.
    pub program: String,
    /// Positions of an answer.
    pub length: usize,
    /// Seconds that a forward takes; nothing where they could not be told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<ForwardTime>,
    /// Exact decoding first.
    #[serde(rename = "mode")]
    pub modes: Vec<MeasuredMode>,
}

/// Seconds of a forward over so many positions: `fixed + positions · a_position`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ForwardTime {
    /// Of any forward.
    pub fixed: f64,
    /// More for each position.
    pub a_position: f64,
}

/// One way to denoise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredMode {
    /// Which.
    pub mode: DenoisingMode,
    /// Forwards of an answer.
    pub forwards: Spread,
    /// Positions that a forward recomputes, the mean.
    pub fed_a_forward: f64,
    /// Seconds of an answer.
    pub seconds: Spread,
    /// With exact decoding.
    pub agreement: Agreement,
    /// Where the right answers are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// To exact decoding, where the right answers are known; nothing for exact decoding itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// How a number lies over the questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub median: f64,
    /// Nine in ten lie below.
    pub p90: f64,
}

/// Shares, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Tokens of the visible answer that stand at the same position.
    pub tokens: f64,
    /// Those that come in the same order.
    pub aligned: f64,
    /// Answers that are the same text.
    pub answers: f64,
}

/// A share of right answers, with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Right answers.
    pub right: usize,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Right answers less those of exact decoding, as a share of the questions, with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// -1 to 1.
    pub mean: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Right here alone.
    pub won: usize,
    /// Right in exact decoding alone.
    pub lost: usize,
    /// McNemar's.
    pub p: f64,
}

/// Why a file of measurements cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasuredError {
    /// The account has no home.
    #[error("there is no folder for measurements: the account has no home; set HOME")]
    NoFolder,
    /// The model has no hash.
    #[error("the model has no identity to keep measurements under; its files cannot be read")]
    NoIdentity,
    /// The system's.
    #[error("the measurements in {path} cannot be read or written", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is damaged, or of another version.
    #[error("the measurements in {path} cannot be used: {what}; remove it and measure again", path = path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl ForwardTime {
    /// Seconds of a forward over so many positions.
    #[must_use]
    pub fn seconds(&self, positions: f64) -> f64 {
        self.fixed + self.a_position * positions
    }

    /// Fitted by least squares to forwards of a mean size with their mean seconds; `None` where all are of one size.
    #[must_use]
    pub fn fitted(points: &[(f64, f64)]) -> Option<Self> {
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|it| it.0), mean(|it| it.1));
        let square: f64 = points.iter().map(|it| (it.0 - x).powi(2)).sum();
        let product: f64 = points.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
        if points.is_empty() || square == 0.0 {
            return None;
        }
        // A forward's time cannot fall with its size, and what is left for the fixed part is never negative.
        let a_position = (product / square).clamp(0.0, y / x);
        a_position.is_finite().then_some(Self {
            fixed: y - a_position * x,
            a_position,
        })
    }
}

impl Measurement {
    /// Whether another one takes its place: the same machine's part in the same precision, and as much is known of answers.
    fn is_of(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.backend.clone(), it.device.clone(), it.precision.clone());
        of(self) == of(other) && self.is_judged() == other.is_judged()
    }

    /// Whether right answers are known.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.modes.iter().any(|it| it.accuracy.is_some())
    }
}

impl MeasuredModel {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(model: &str, identity: &str) -> Self {
        Self {
            version: VERSION,
            model: model.to_owned(),
            identity: identity.to_owned(),
            measurements: Vec::new(),
        }
    }

    /// The folder of all measurements.
    ///
    /// # Errors
    /// [`MeasuredError::NoFolder`].
    pub fn folder(environment: &Environment) -> Result<PathBuf, MeasuredError> {
        let folders = environment.folders.as_ref();
        let folders = folders.ok_or(MeasuredError::NoFolder)?;
        Ok(folders.data.join("unmask").join("measured"))
    }

    /// Where the measurements of a model are kept.
    ///
    /// # Errors
    /// [`MeasuredError::NoFolder`].
    pub fn path(identity: &str, environment: &Environment) -> Result<PathBuf, MeasuredError> {
        // `sha256:` is no part of a file's name on every system.
        let name = identity.rsplit(':').next().unwrap_or(identity);
        Ok(Self::folder(environment)?.join(format!("{name}.toml")))
    }

    /// The measurements of a model; `None` if there are none.
    ///
    /// # Errors
    /// [`MeasuredError`] naming the file.
    pub fn read(path: &Path) -> Result<Option<Self>, MeasuredError> {
        let failed = |source| MeasuredError::File {
            path: path.to_owned(),
            source,
        };
        if !is_there(path).map_err(failed)? {
            return Ok(None);
        }
        let damaged = |what| MeasuredError::Damaged {
            path: path.to_owned(),
            what,
        };
        let text = read_text(path, SMALL).map_err(failed)?;
        let read: Self =
            toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        match read.version {
            VERSION => Ok(Some(read)),
            other => Err(damaged(format!(
                "it is of version {other}, this program reads {VERSION}"
            ))),
        }
    }

    /// How many questions were asked before, if they were the same ones and more of them than `measurement` has.
    #[must_use]
    pub fn asked_more(&self, measurement: &Measurement) -> Option<usize> {
        let is_larger = |it: &&Measurement| {
            it.is_of(measurement)
                && it.questions == measurement.questions
                && it.count > measurement.count
        };
        Some(self.measurements.iter().find(is_larger)?.count)
    }

    /// Adds a measurement in place of the one of the same backend, device and precision, of which as much is known.
    pub fn add(&mut self, measurement: Measurement) {
        self.measurements.retain(|it| !it.is_of(&measurement));
        self.measurements.push(measurement);
    }

    /// The file's text.
    ///
    /// # Panics
    /// Never: all of it are numbers, texts and tables of them.
    #[must_use]
    pub fn text(&self) -> String {
        let body = toml::to_string(self).expect("it is plain data");
        format!(
            "# Written by `unmask bench --write`; removed, it is as if nothing had been measured.\n{body}"
        )
    }

    /// Writes the file whole.
    ///
    /// # Errors
    /// [`MeasuredError::File`].
    pub fn write(&self, path: &Path) -> Result<(), MeasuredError> {
        partial::replace(path, self.text().as_bytes()).map_err(|source| MeasuredError::File {
            path: path.to_owned(),
            source,
        })
    }

    /// What holds for a model as it runs: of this precision, on this backend and device before any other, with right answers
    /// before any without.
    #[must_use]
    pub fn of(&self, backend: &str, device: &str, precision: &str) -> Option<&Measurement> {
        let fitting = |it: &&Measurement| it.precision == precision;
        let here = |it: &&Measurement| it.backend == backend && it.device == device;
        let all = self.measurements.iter().filter(fitting);
        all.min_by_key(|it| (!here(it), !it.is_judged()))
    }
}
