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
        folder: checkpoint.place.clone(),
        what,
        key,
    };
    let family = checkpoint.family;
    let mask = find(overrides.mask, "mask", family.mask_names);
    let eos = find(overrides.eos, "eos", &[]);
    let eos = eos.ok_or_else(|| missing("the end of text", "eos"))?;
    let eot = find(overrides.eot, "eot", family.eot_names).filter(|&eot| eot != eos);
    let said = match overrides.eos {
        Some(_) => Vec::new(),
        None => checkpoint.said_ids("eos"),
    };
    let mut other_ends: Vec<TokenId> = Vec::new();
    for end in said.into_iter().map(TokenId) {
        if end != eos && Some(end) != eot && !other_ends.contains(&end) {
            other_ends.push(end);
        }
    }
    let ids = SpecialIds {
        mask: mask.ok_or_else(|| missing("the mask", "mask"))?,
        eos,
        eot,
        other_ends,
        bos: find(overrides.bos, "bos", &[]),
    };
    let rows = checkpoint.rows().unwrap_or_else(|| tokenizer.rows());
    let mut all = vec![("mask", ids.mask)];
    all.extend(ids.ends().map(|end| match Some(end) == ids.eot {
        true => ("eot", end),
        false => ("eos", end),
    }));
    all.extend(ids.bos.map(|bos| ("bos", bos)));
    match all.into_iter().find(|(_, id)| id.index() >= rows) {
        Some((key, id)) => Err(CheckpointError::TokenBeyond {
            folder: checkpoint.place.clone(),
            key,
            id: id.0,
            rows,
        }),
        None => Ok(ids),
    }
}

/// Adds the names of `special_tokens_map.json` that `tokenizer_config.json` does not say.
pub(super) fn add_names(tokenizer_config: &mut Value, names: &Value) {
    let (Some(config), Some(names)) = (tokenizer_config.as_object_mut(), names.as_object()) else {
        return;
    };
    for (key, token) in names {
        if token_name(token).is_some() && config.get(key).is_none_or(Value::is_null) {
            config.insert(key.clone(), token.clone());
        }
    }
}

/// A token in `tokenizer_config.json`: its name, or an object with it.
pub(super) fn token_name(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token["content"].as_str())
}

impl Checkpoint {
    /// The first of [`said_ids`](Self::said_ids).
    fn said_id(&self, name: &str) -> Option<u32> {
        self.said_ids(name).first().copied()
    }

    /// `NAME_token_id` of `config.json` and `generation_config.json`: a number, or a list of them.
    fn said_ids(&self, name: &str) -> Vec<u32> {
        let key = format!("{name}_token_id");
        let id = |said: &Value| u32::try_from(said.as_u64()?).ok();
        let said = [&self.config[&key], &self.generation_config[&key]];
        let each = said.into_iter().flat_map(|said| match said {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        });
        each.filter_map(id).collect()
    }
}
