//! The convention half of a model family: special ids, which row predicts a position, attention pattern, presets.

mod detect;
mod dream;
mod error;
mod fast_dllm_v2;
mod llada;
mod llada2;
mod others;
mod rules;
mod sdar;

use std::num::NonZeroU32;

pub use detect::{detect, detect_gguf};
pub use error::FamilyError;
pub use rules::{AttentionRule, BlockOrigin, FamilyRules, Predictor, Shift};
use serde_json::Value;
use unmask_api::{Attention, TokenId};

use crate::Params;

/// A model family: everything that its checkpoints have in common and that is not the network.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name, as [`LoadSpec::family`](unmask_api::LoadSpec::family) says it.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// `model_type` in its `config.json`.
    pub model_types: &'static [&'static str],
    /// `architectures` in its `config.json`.
    pub architectures: &'static [&'static str],
    /// Which positions a position may attend to.
    pub attention: AttentionRule,
    /// Which row predicts a position.
    pub shift: Shift,
    /// How it is used if nobody says otherwise.
    pub preset: fn() -> Preset,
    /// For checkpoints without a chat template.
    pub chat_template: &'static str,
    /// What its tokenizers call the mask, for checkpoints whose files do not say its id.
    pub mask_names: &'static [&'static str],
    /// What its tokenizers call the end of a turn, likewise.
    pub eot_names: &'static [&'static str],
}

impl Family {
    /// What was taken for granted of the checkpoint's attention, for people; `None` if nothing.
    #[must_use]
    pub fn attention_note(&self, config: &Value, called: &str) -> Option<String> {
        let AttentionRule::Blocks { keys, usual } = self.attention else {
            return None;
        };
        let is_said = keys.iter().any(|key| !config[*key].is_null());
        let is_guessed = self.name == sdar::SDAR.name && !is_said;
        (is_guessed && self.named_block(config, called).is_none()).then(|| {
            format!(
                "config.json does not say how long a block of attention is, and the name does not end in -b and a number: {usual} \
                 is assumed; if the answers are poor, write block_size into config.json"
            )
        })
    }

    /// The length of a block that the checkpoint's name tells.
    fn named_block(&self, config: &Value, called: &str) -> Option<NonZeroU32> {
        let said = config["_name_or_path"].as_str().unwrap_or_default();
        let mut names = [called, said].into_iter();
        let is_named = self.name == sdar::SDAR.name;
        is_named.then(|| names.find_map(block_in_name)).flatten()
    }

    /// Which positions see which in the checkpoint of `config`. SDAR's says no length of its blocks, but what it is `called`
    /// may end in `-b32`.
    ///
    /// # Errors
    /// [`FamilyError::Block`] for a block that has no length.
    pub fn attention(&self, config: &Value, called: &str) -> Result<Attention, FamilyError> {
        let AttentionRule::Blocks { keys, usual } = self.attention else {
            return Ok(Attention::Bidirectional);
        };
        let said = keys.iter().map(|key| (*key, &config[*key]));
        let Some((key, said)) = said.into_iter().find(|(_, said)| !said.is_null()) else {
            let named = self.named_block(config, called);
            return Ok(Attention::BlockCausal(named.unwrap_or(usual)));
        };
        let length = said.as_u64().and_then(|it| u32::try_from(it).ok());
        let length = length.and_then(|it| it.try_into().ok());
        length
            .map(Attention::BlockCausal)
            .ok_or_else(|| FamilyError::Block {
                key,
                said: said.to_string(),
            })
    }
}

/// The length of a block in a name such as `SDAR-1.7B-Chat-b32`.
fn block_in_name(called: &str) -> Option<NonZeroU32> {
    let mut words = others::own_name(called).split('-');
    words.find_map(|word| word.strip_prefix(['b', 'B'])?.parse().ok())
}

/// Settings for want of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// How to denoise.
    pub params: Params,
    /// Positions of an answer.
    pub length: usize,
}

/// The ids that steer denoising, as the checkpoint's own files name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialIds {
    /// The mask.
    pub mask: TokenId,
    /// End of text.
    pub eos: TokenId,
    /// End of turn, if the tokenizer has one.
    pub eot: Option<TokenId>,
    /// The other ids of an `eos_token_id` that is a list.
    pub other_ends: Vec<TokenId>,
    /// Beginning of text, if the tokenizer has one.
    pub bos: Option<TokenId>,
}

impl SpecialIds {
    /// True for a token that ends the answer.
    #[must_use]
    pub fn is_end(&self, token: TokenId) -> bool {
        self.ends().any(|end| end == token)
    }

    /// The tokens that end an answer, that of the text first.
    pub fn ends(&self) -> impl Iterator<Item = TokenId> {
        let named = std::iter::once(self.eos).chain(self.eot);
        named.chain(self.other_ends.iter().copied())
    }

    /// The tokens that end the text: all but the end of turn.
    pub fn ends_of_text(&self) -> impl Iterator<Item = TokenId> {
        std::iter::once(self.eos).chain(self.other_ends.iter().copied())
    }
}
