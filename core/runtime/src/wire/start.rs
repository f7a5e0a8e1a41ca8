use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use unmask_api::{Position, TokenId};

use super::piece::TokenText;
use super::settings::RunSettings;
use super::{RunLabel, VERSION};
use crate::engine::Loaded;
use crate::family::SpecialIds;
use crate::message::Message;
use crate::sampler::strategies::has_holes_before_answer;
use crate::{Canvas, Params};

/// How a run began: enough to make it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The format.
    pub v: u32,
    /// The run's name.
    pub id: String,
    /// When it began, RFC 3339.
    pub at: String,
    /// Who wrote it.
    pub program: String,
    /// The model's family; null where it is not known.
    pub family: Option<String>,
    /// The model.
    pub model: ModelLine,
    /// What turned text into tokens; null where it is not known.
    pub tokenizer: Option<TokenizerLine>,
    /// Who computed.
    pub backend: BackendLine,
    /// Every setting.
    pub params: RunSettings,
    /// True without an [`approximation`](Self::approximation).
    pub exact: bool,
    /// What was done to be faster that may change tokens, if something was.
    pub approximation: Option<String>,
    /// The run that this one goes on from.
    pub continues: Option<String>,
    /// True if the plan is laid over the masks alone, see [`Planned`](crate::engine::Planned).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub infill: bool,
    /// The canvas before the first step.
    pub canvas: CanvasLine,
    /// What the tokens of the canvas stand for, by id.
    pub pieces: BTreeMap<u32, TokenText>,
    /// What was said, oldest first; empty if the prompt is no conversation.
    pub messages: Vec<Message>,
}

/// The model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLine {
    /// Its key in the configuration.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// Its name in the hub; null where it is not known.
    pub hub: Option<String>,
    /// A hash that is the same on other machines; null where it is not known.
    pub identity: Option<String>,
    /// Its files; empty where they are not known.
    #[serde(default)]
    pub files: Vec<FileLine>,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// Its name in the model's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash, where that costs nothing.
    pub sha256: Option<String>,
}

/// What turned text into tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenizerLine {
    /// The hash of its file.
    pub sha256: String,
    /// The hash of the chat template; null if there is none.
    pub template: Option<String>,
}

/// Who computed a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendLine {
    /// The backend's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The device's id.
    pub device: String,
    /// The precision of the weights.
    pub precision: String,
    /// Threads; null where that is the backend's own choice.
    pub threads: Option<u32>,
    /// See [`Loaded::text_alone`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub text_alone: bool,
}

/// A canvas before the first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanvasLine {
    /// The mask.
    pub mask: u32,
    /// The tokens that end an answer.
    pub ends: Vec<u32>,
    /// Prompt and answer, masks included.
    pub tokens: Vec<u32>,
    /// Where the answer begins.
    pub answer_start: usize,
    /// The ranges that were given rather than committed, first and behind the last.
    pub given: Vec<(usize, usize)>,
    /// Length of the left padding.
    pub padding: usize,
}

impl FileLine {
    /// A file of a checkpoint; `None` if it is no longer there.
    fn of(path: &Path) -> Option<Self> {
        Some(Self {
            name: path.file_name()?.to_string_lossy().into_owned(),
            bytes: path.metadata().ok()?.len(),
            sha256: hub_blob(path),
        })
    }
}

/// The hub's cache names large files by their hash and links to them.
fn hub_blob(path: &Path) -> Option<String> {
    let blob = path.read_link().ok()?;
    let name = blob.file_name()?.to_str()?;
    let is_hash = name.len() == 64 && name.bytes().all(|it| it.is_ascii_hexdigit());
    is_hash.then(|| name.to_owned())
}

impl ModelLine {
    /// Of a loaded model.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let origin = &loaded.provenance;
        let files = origin.weights.iter();
        Self {
            key: loaded.key.clone(),
            name: loaded.name.clone(),
            hub: origin.hub.clone(),
            identity: origin.identity().map(str::to_owned),
            files: files.filter_map(|path| FileLine::of(path)).collect(),
        }
    }
}

impl TokenizerLine {
    /// Of a loaded model, where it is known.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Option<Self> {
        let origin = &loaded.provenance;
        Some(Self {
            sha256: origin.tokenizer.clone(),
            template: Some(origin.template.clone()),
        })
        .filter(|it| !it.sha256.is_empty())
    }
}

impl BackendLine {
    /// Of a loaded model.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        Self {
            name: loaded.backend.clone(),
            version: loaded.backend_version.clone(),
            device: loaded.device.clone(),
            precision: loaded.facts.precision.clone(),
            threads: loaded.provenance.threads,
            text_alone: loaded.text_alone,
        }
    }
}

impl Start {
    /// How a turn of `loaded` begins on `canvas`.
    #[must_use]
    pub fn of(canvas: &Canvas, params: &Params, loaded: &Loaded, label: &RunLabel) -> Self {
        let origin = &loaded.provenance;
        let approximation = crate::settings::approximation(params);
        let piece = |&token: &TokenId| Some((token.0, TokenText::of(&loaded.vocabulary, token)?));
        Self {
            v: VERSION,
            id: label.id.clone(),
            at: label.at.clone(),
            program: label.program.clone(),
            family: Some(origin.family.clone()).filter(|it| !it.is_empty()),
            model: ModelLine::of(loaded),
            tokenizer: TokenizerLine::of(loaded),
            backend: BackendLine::of(loaded),
            params: RunSettings::of(params, canvas.answer().len()),
            exact: approximation.is_none() && !has_holes_before_answer(canvas),
            approximation,
            continues: None,
            infill: false,
            canvas: CanvasLine::of(canvas, &loaded.special),
            pieces: canvas.tokens().iter().filter_map(piece).collect(),
            messages: label.messages.clone(),
        }
    }
}

impl CanvasLine {
    /// A canvas of a model with these special tokens.
    #[must_use]
    pub fn of(canvas: &Canvas, special: &SpecialIds) -> Self {
        Self {
            mask: canvas.mask().0,
            ends: special.ends().map(|token| token.0).collect(),
            tokens: canvas.tokens().iter().map(|token| token.0).collect(),
            answer_start: canvas.answer_start(),
            given: given(canvas),
            padding: canvas.padding(),
        }
    }

    /// The canvas; `None` if the numbers do not fit together: the given ranges are not empty, ascend and do not overlap.
    #[must_use]
    pub fn canvas(&self) -> Option<Canvas> {
        let tokens: Vec<TokenId> = self.tokens.iter().copied().map(TokenId).collect();
        let (prompt, answer) = tokens.split_at_checked(self.answer_start)?;
        let mut behind = 0;
        for &(start, end) in &self.given {
            if start < behind || end <= start || end > tokens.len() {
                return None;
            }
            behind = end;
        }
        if self.padding > prompt.len() {
            return None;
        }
        let masks = vec![TokenId(self.mask); prompt.len()];
        let mut canvas = Canvas::new(&masks, answer.len(), TokenId(self.mask));
        for (index, &token) in tokens.iter().enumerate() {
            canvas.commit(Position(u32::try_from(index).ok()?), token);
        }
        for index in self.given.iter().flat_map(|&(start, end)| start..end) {
            canvas.pin(Position(index as u32), tokens[index]);
        }
        Some(canvas.with_padding(self.padding))
    }
}

fn given(canvas: &Canvas) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for index in 0..canvas.len() {
        if !canvas.is_given(Position(index as u32)) {
            continue;
        }
        match ranges.last_mut() {
            Some((_, end)) if *end == index => *end += 1,
            _ => ranges.push((index, index + 1)),
        }
    }
    ranges
}
