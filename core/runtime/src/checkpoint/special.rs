use serde_json::Value;
use unmask_api::TokenId;

use super::{Checkpoint, CheckpointError};
use crate::config::TokenOverrides;
use crate::family::SpecialIds;
use crate::text::Tokenizer;

/// The ids that steer denoising: from the configuration, else `config.json`, `generation_config.json`,
/// `tokenizer_config.json`, else the names that the family's tokenizers use.
pub(super) fn resolve(
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
    overrides: &TokenOverrides,
) -> Result<SpecialIds, CheckpointError> {
    let find = |said: Option<u32>, name: &str, names: &[&str]| {
        let said = said.or_else(|| checkpoint.said_id(name)).map(TokenId);
        let named = || token_name(&checkpoint.tokenizer_config[format!("{name}_token")]);
        said.or_else(|| tokenizer.id(named()?))
            .or_else(|| names.iter().find_map(|name| tokenizer.id(name)))
    };
    let missing = |what, key| CheckpointError::NoToken {
        folder: checkpoint.folder.clone(),
        what,
        key,
    };
    let family = checkpoint.family;
    let mask = find(overrides.mask, "mask", family.mask_names);
    let eos = find(overrides.eos, "eos", &[]);
    let ids = SpecialIds {
        mask: mask.ok_or_else(|| missing("the mask", "mask"))?,
        eos: eos.ok_or_else(|| missing("the end of text", "eos"))?,
        eot: find(overrides.eot, "eot", family.eot_names).filter(|&eot| Some(eot) != eos),
        bos: find(overrides.bos, "bos", &[]),
    };
    let all = [
        ("mask", Some(ids.mask)),
        ("eos", Some(ids.eos)),
        ("eot", ids.eot),
        ("bos", ids.bos),
    ];
    let rows = checkpoint.rows().unwrap_or_else(|| tokenizer.rows());
    for (key, id) in all {
        if let Some(id) = id.filter(|id| id.index() >= rows) {
            return Err(CheckpointError::TokenBeyond {
                folder: checkpoint.folder.clone(),
                key,
                id: id.0,
                rows,
            });
        }
    }
    Ok(ids)
}

/// A token in `tokenizer_config.json`: its name, or an object with it.
pub(super) fn token_name(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token["content"].as_str())
}

impl Checkpoint {
    /// `NAME_token_id` of `config.json` or `generation_config.json`; of a list the first.
    fn said_id(&self, name: &str) -> Option<u32> {
        let key = format!("{name}_token_id");
        let id = |config: &Value| {
            let said = &config[&key];
            let id = said.as_u64().or_else(|| said[0].as_u64())?;
            u32::try_from(id).ok()
        };
        id(&self.config).or_else(|| id(&self.generation_config))
    }
}
