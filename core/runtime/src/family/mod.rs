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

pub use detect::detect;
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
    /// Which positions see which in the checkpoint of `config`.
    ///
    /// # Errors
    /// [`FamilyError::Block`] for a block that has no length.
    pub fn attention(&self, config: &Value) -> Result<Attention, FamilyError> {
        let AttentionRule::Blocks { keys, usual } = self.attention else {
            return Ok(Attention::Bidirectional);
        };
        let said = keys.iter().map(|key| (*key, &config[*key]));
        let Some((key, said)) = said.into_iter().find(|(_, said)| !said.is_null()) else {
            return Ok(Attention::BlockCausal(usual));
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
