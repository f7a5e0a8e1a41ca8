use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::config::LikelihoodPreset;
use crate::engine::{Failure, FailureKind, Loaded, MeasureId, MeasureRequest};
use crate::likelihood::{
    CountRule, DRAWS, Masking, Pair, Pairing, STRATUM, Samples, rolling_windows,
};
use serde::{Deserialize, Serialize};

/// From how many masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "serde_json::Value")]
pub enum SamplesWord {
    /// So many draws.
    Draws(usize),
    /// Every mask.
    Exact,
    /// Every mask where that is no more work than the reference's draws.
    Auto,
}

/// What is said of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeasureSettings {
    /// From how many masks.
    pub samples: SamplesWord,
    /// Draws of a stratum.
    pub strata: usize,
    /// Classifier-free guidance, 0 and up.
    pub cfg_scale: f32,
    /// How many tokens a draw masks.
    pub rule: CountRule,
    /// Which pairs are masked alike.
    pub pairing: Pairing,
    /// Of all masks.
    pub seed: u64,
    /// Whether it is asked too if the model would give the continuation greedily.
    pub greedy: bool,
    /// Whether the beginning of text goes before the context.
    pub bos: bool,
}

/// Why nothing can be measured with such settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what}")]
pub struct MeasureError {
    /// The setting that is wrong: `samples`, `strata` or `cfg_scale`.
    pub setting: &'static str,
    what: String,
}

impl Default for MeasureSettings {
    fn default() -> Self {
        Self {
            samples: SamplesWord::Draws(DRAWS),
            strata: STRATUM,
            cfg_scale: 0.0,
            rule: CountRule::Reference,
            pairing: Pairing::SameLength,
            seed: 0,
            greedy: false,
            bos: false,
        }
    }
}

impl MeasureSettings {
    /// The same with what a preset says.
    #[must_use]
    pub fn with_preset(mut self, preset: &LikelihoodPreset) -> Self {
        let samples = preset.samples.map(SamplesWord::Draws);
        self.samples = samples.unwrap_or(self.samples);
        self.strata = preset.strata.unwrap_or(self.strata);
        self.cfg_scale = preset.cfg_scale.unwrap_or(self.cfg_scale);
        self
    }

    /// Tests what no text is needed for.
    ///
    /// # Errors
    /// [`MeasureError`] naming a setting.
    pub fn check(&self) -> Result<(), MeasureError> {
        let refused = |setting, what| Err(MeasureError { setting, what });
        if !(self.cfg_scale.is_finite() && self.cfg_scale >= 0.0) {
            let what = format!("cfg scale is {}; it must be 0 or more", self.cfg_scale);
            return refused("cfg_scale", what);
        }
        // Two tokens: those of one are all alike, and every mask of them can be evaluated.
        match self.samples().draws(2) {
            Ok(_) => Ok(()),
            Err(error) if self.strata == 0 => refused("strata", error.to_string()),
            Err(error) => refused("samples", error.to_string()),
        }
    }

    /// From which masks.
    #[must_use]
    pub fn samples(&self) -> Samples {
        let stratum = self.strata;
        match self.samples {
            SamplesWord::Draws(draws) => Samples::Draws { draws, stratum },
            SamplesWord::Exact => Samples::Exact,
            // A stratum that does not divide the reference's draws gets the next number that it does.
            SamplesWord::Auto => Samples::Auto {
                draws: DRAWS.next_multiple_of(stratum.max(1)),
                stratum,
            },
        }
    }

    /// Draws that a continuation of so many tokens needs; 0 if that is refused.
    #[must_use]
    pub fn draws(&self, tokens: usize) -> usize {
        self.samples().draws(tokens).unwrap_or(0)
    }

    /// The request for these pairs.
    #[must_use]
    pub fn request(
        &self,
        measure: MeasureId,
        pairs: Vec<Pair>,
        rows: Option<NonZeroUsize>,
    ) -> MeasureRequest {
        MeasureRequest {
            measure,
            pairs,
            samples: self.samples(),
            cfg_scale: self.cfg_scale,
            masking: Masking {
                seed: self.seed,
                rule: self.rule,
                pairing: self.pairing,
            },
            rows,
            greedy: self.greedy,
        }
    }

    /// The pair of a context and its continuation.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub fn pair(
        &self,
        context: &str,
        continuation: &str,
        loaded: &Loaded,
    ) -> Result<Pair, Failure> {
        let mut pair = loaded.text.pair(context, continuation)?;
        if pair.continuation.is_empty() && !continuation.is_empty() {
            return Err(Failure {
                kind: FailureKind::Usage,
                text: "the continuation becomes part of the context's last token".to_owned(),
                hint: "cut the text elsewhere, such as before a word's blank".to_owned(),
            });
        }
        if let Some(bos) = loaded.special.bos.filter(|_| self.bos) {
            pair.context.insert(0, bos);
        }
        self.checked(pair, loaded)
    }

    /// The pair itself.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub fn checked(&self, pair: Pair, loaded: &Loaded) -> Result<Pair, Failure> {
        if pair.continuation.is_empty() {
            return Err(Failure {
                kind: FailureKind::Usage,
                text: "a continuation has no tokens".to_owned(),
                hint: "write what is asked about".to_owned(),
            });
        }
        let request = self.request(MeasureId::default(), Vec::new(), None);
        request.check(loaded)?;
        request.check_pair(&pair, loaded)?;
        Ok(pair)
    }

    /// The windows of a whole text, of which the first follows the beginning of text, or else its end, as in
    /// lm-evaluation-harness.
    ///
    /// # Errors
    /// If it cannot be measured.
    pub fn windows(&self, text: &str, loaded: &Loaded) -> Result<Vec<Pair>, Failure> {
        let tokens = loaded.text.encode_long(text)?;
        if tokens.is_empty() {
            return Err(Failure {
                kind: FailureKind::Usage,
                text: "a text has no tokens".to_owned(),
                hint: "leave it out".to_owned(),
            });
        }
        let first = loaded.special.bos.unwrap_or(loaded.special.eos);
        let windows = rolling_windows(&tokens, first, loaded.facts.max_positions as usize);
        let windows = windows.into_iter().map(|it| self.checked(it, loaded));
        windows.collect()
    }
}

impl fmt::Display for SamplesWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draws(draws) => write!(out, "{draws}"),
            Self::Exact => write!(out, "exact"),
            Self::Auto => write!(out, "auto"),
        }
    }
}

impl FromStr for SamplesWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "exact" => Ok(Self::Exact),
            "auto" => Ok(Self::Auto),
            text => match text.parse() {
                Ok(draws) => Ok(Self::Draws(draws)),
                Err(_) => Err("write a number of draws, exact or auto".to_owned()),
            },
        }
    }
}

impl TryFrom<serde_json::Value> for SamplesWord {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let word = text.parse();
        word.map_err(|allowed| format!("samples is {value}; {allowed}"))
    }
}

impl From<SamplesWord> for serde_json::Value {
    fn from(word: SamplesWord) -> Self {
        match word {
            SamplesWord::Draws(draws) => draws.into(),
            SamplesWord::Exact | SamplesWord::Auto => word.to_string().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_a_number_or_a_word() {
        for (text, word) in [
            ("128", SamplesWord::Draws(128)),
            ("\"16\"", SamplesWord::Draws(16)),
            ("\"exact\"", SamplesWord::Exact),
            ("\"auto\"", SamplesWord::Auto),
        ] {
            assert_eq!(serde_json::from_str(text).ok(), Some(word), "{text}");
        }
        for text in ["-1", "1.5", "\"many\"", "null", "[]"] {
            let error = serde_json::from_str::<SamplesWord>(text).expect_err("it is none");
            assert!(error.to_string().contains("exact or auto"), "{error}");
        }
    }

    #[test]
    fn auto_draws_whole_strata() {
        let settings = MeasureSettings {
            samples: SamplesWord::Auto,
            strata: 24,
            ..MeasureSettings::default()
        };
        assert_eq!((settings.draws(7), settings.draws(8)), (127, 144));
    }
}
