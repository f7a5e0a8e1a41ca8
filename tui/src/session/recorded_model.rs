//! A model that is known from its trace alone: enough to show what it did, and nothing that could go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use unmask_core::TokenId;
use unmask_core::api::{Capabilities, ModelFacts};
use unmask_core::engine::{Failure, Loaded, Message, ModelText, Pin, SpecialTokens};
use unmask_core::family::{FamilyRules, SpecialIds};
use unmask_core::likelihood::Pair;
use unmask_core::plugin::Running;
use unmask_core::precision::PrecisionReason;
use unmask_core::provenance::Provenance;
use unmask_core::text::Vocabulary;
use unmask_core::text::pins::PinPlaceError;
use unmask_core::wire::{CommitLine, Event, TokenText};

use crate::recorded_run::RecordedRun;

/// Larger ids are of no vocabulary; a trace may say anything.
const LARGEST_VOCABULARY: u32 = 1 << 20;

/// The model of a run, with the tokens that the run names.
#[must_use]
pub(super) fn recorded_model(run: &RecordedRun) -> Arc<Loaded> {
    let start = &run.start;
    let vocabulary = Arc::new(vocabulary(run));
    let ends: Vec<TokenId> = start.canvas.ends.iter().copied().map(TokenId).collect();
    let params = start.params.params();
    Arc::new(Loaded {
        key: start.model.key.clone(),
        name: start.model.name.clone(),
        provenance: Provenance::default(),
        backend: start.backend.name.clone(),
        backend_version: start.backend.version.clone(),
        running: Running::Here,
        device: start.backend.device.clone(),
        device_name: start.backend.device.clone(),
        device_kind: None,
        precision_reason: PrecisionReason::Named,
        facts: ModelFacts {
            vocab: vocabulary.len(),
            max_positions: u32::MAX,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: start.backend.precision.clone(),
            capabilities: Capabilities::default(),
            notes: Vec::new(),
        },
        special: SpecialIds {
            mask: TokenId(start.canvas.mask),
            // A model without end tokens ends nowhere.
            eos: ends.first().copied().unwrap_or(TokenId(u32::MAX)),
            eot: None,
            other_ends: ends.into_iter().skip(1).collect(),
            bos: None,
        },
        // Nothing goes on from here.
        rules: FamilyRules::default(),
        vocabulary,
        text: Arc::new(NoTokenizer),
        defaults: params,
        default_length: start.canvas.tokens.len() - start.canvas.answer_start,
        default_seed: None,
        measured: None,
        presets: Vec::new(),
        text_alone: start.backend.text_alone,
        is_untold: true,
    })
}

fn vocabulary(run: &RecordedRun) -> Vocabulary {
    let mut pieces: BTreeMap<u32, (Vec<u8>, bool)> = BTreeMap::new();
    for event in &run.events {
        if let Event::Edit { commits } | Event::Step(unmask_core::wire::StepLine { commits, .. }) =
            event
        {
            for commit in commits {
                take_commit(&mut pieces, commit);
            }
        }
    }
    // What is told exactly goes before what was only meant to be looked at.
    for (&id, text) in run.start.pieces.range(..LARGEST_VOCABULARY) {
        pieces.insert(id, piece(text));
    }
    let end = pieces.keys().next_back().map_or(0, |id| id + 1);
    let known = |id| {
        pieces
            .get(&id)
            .map(|(bytes, special)| (bytes.as_slice(), *special))
    };
    Vocabulary::new((0..end).map(|id| known(id).unwrap_or((b"", false))))
}

fn take_commit(pieces: &mut BTreeMap<u32, (Vec<u8>, bool)>, commit: &CommitLine) {
    let candidates = commit.top.iter().map(|it| (it.0, &it.2));
    let was = commit.was.iter().map(|(id, text)| (*id, text));
    for (id, text) in candidates.chain(was) {
        if id < LARGEST_VOCABULARY {
            let shown = || (text.as_bytes().to_vec(), false);
            pieces.entry(id).or_insert_with(shown);
        }
    }
    if let Some(text) = commit
        .text
        .as_ref()
        .filter(|_| commit.token < LARGEST_VOCABULARY)
    {
        pieces.insert(commit.token, piece(text));
    }
}

fn piece(text: &TokenText) -> (Vec<u8>, bool) {
    match text {
        TokenText::Text(text) => (text.as_bytes().to_vec(), false),
        TokenText::Bytes(bytes) => (bytes.clone(), false),
        TokenText::Special(name) => (name.as_bytes().to_vec(), true),
    }
}

/// A trace has no tokenizer.
#[derive(Debug)]
struct NoTokenizer;

fn refusal() -> Failure {
    Failure::usage(
        "this answer is shown from its trace, which has no tokenizer".to_owned(),
        "load the model that made it",
    )
}

impl ModelText for NoTokenizer {
    fn encode(&self, _: &str) -> Result<Vec<TokenId>, Failure> {
        Err(refusal())
    }
    fn encode_long(&self, _: &str) -> Result<Vec<TokenId>, Failure> {
        Err(refusal())
    }
    fn pair(&self, _: &str, _: &str) -> Result<Pair, Failure> {
        Err(refusal())
    }
    fn prompt(&self, _: &[Message]) -> Result<Vec<TokenId>, Failure> {
        Err(refusal())
    }
    fn render(&self, _: &[Message]) -> Result<String, Failure> {
        Err(refusal())
    }
    fn decode(&self, _: &[TokenId], _: SpecialTokens) -> Result<String, Failure> {
        Err(refusal())
    }
    fn until(&self, _: &[TokenId], _: &[String]) -> Result<String, Failure> {
        Err(refusal())
    }
    fn place(&self, _: &[Pin], _: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
        Ok(Vec::new())
    }
    fn finished(&self, _: &[TokenId]) -> Result<String, Failure> {
        Err(refusal())
    }
    fn stopped(&self, _: &[TokenId]) -> Result<String, Failure> {
        Err(refusal())
    }
}
