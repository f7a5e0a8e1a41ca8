use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::special::token_name;
use super::{Checkpoint, CheckpointError, read, special};
use crate::config::TokenOverrides;
use crate::family::SpecialIds;
use crate::text::{ChatTemplate, TextError, Tokenizer, Vocabulary};

/// The text side of a checkpoint.
#[derive(Debug, Clone)]
pub struct CheckpointText {
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    /// The text of each row of the embedding.
    pub vocabulary: Arc<Vocabulary>,
    /// Messages to a prompt.
    pub template: ChatTemplate,
    /// The ids that steer denoising.
    pub special: SpecialIds,
}

impl Checkpoint {
    /// Reads the tokenizer, the chat template and the special ids; takes a good part of a second for a large vocabulary.
    ///
    /// # Errors
    /// [`CheckpointError`]: what is missing or damaged, where, and what to do.
    pub fn text(&self, overrides: &TokenOverrides) -> Result<CheckpointText, CheckpointError> {
        let path = self.folder.join("tokenizer.json");
        if !path.is_file() {
            return Err(CheckpointError::NoTokenizer(self.folder.clone()));
        }
        let wrong = |what: TextError| CheckpointError::Text {
            folder: self.folder.clone(),
            what,
        };
        let json = read(&path)?;
        let tokenizer =
            Tokenizer::new(json.as_bytes(), &self.tokenizer_config_json).map_err(wrong)?;
        let template =
            ChatTemplate::new(&self.template_source()?, self.template_tokens()).map_err(wrong)?;
        Ok(CheckpointText {
            special: special::resolve(self, &tokenizer, overrides)?,
            vocabulary: Arc::new(tokenizer.vocabulary(self.rows().unwrap_or(0))),
            template,
            tokenizer,
        })
    }

    /// `chat_template.jinja`, else that of `tokenizer_config.json`, else the family's.
    fn template_source(&self) -> Result<String, CheckpointError> {
        let file = self.folder.join("chat_template.jinja");
        if file.is_file() {
            return read(&file);
        }
        match &self.tokenizer_config["chat_template"] {
            Value::String(source) => Ok(source.clone()),
            Value::Array(named) if !named.is_empty() => self.named_template(named),
            _ => Ok(self.family.chat_template.to_owned()),
        }
    }

    /// Of several templates the default, or the only one.
    fn named_template(&self, named: &[Value]) -> Result<String, CheckpointError> {
        let name = |template: &Value| template["name"].as_str().unwrap_or_default().to_owned();
        let default = named.iter().find(|template| name(template) == "default");
        let only = (named.len() == 1).then(|| &named[0]);
        let source = default
            .or(only)
            .and_then(|template| template["template"].as_str());
        source
            .map(str::to_owned)
            .ok_or_else(|| CheckpointError::Templates {
                path: self.folder.join("tokenizer_config.json"),
                names: named.iter().map(name).collect::<Vec<_>>().join(", "),
            })
    }

    /// `bos_token`, `eos_token` and the like.
    fn template_tokens(&self) -> BTreeMap<String, String> {
        let entries = self.tokenizer_config.as_object().into_iter().flatten();
        let tokens = entries.filter(|(key, _)| key.ends_with("_token"));
        tokens
            .filter_map(|(key, token)| Some((key.clone(), token_name(token)?.to_owned())))
            .collect()
    }
}
