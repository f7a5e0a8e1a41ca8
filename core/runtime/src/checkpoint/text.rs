use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::gguf::GgufFiles;
use super::json::{is_there, read};
use super::special::token_name;
use super::{Checkpoint, CheckpointError, Form, special};
use crate::config::TokenOverrides;
use crate::family::SpecialIds;
use crate::provenance::sha256;
use crate::regular_file::SMALL;
use crate::text::{ChatTemplate, TextError, Tokenizer, Vocabulary};

/// Bytes of a `tokenizer.json`: those of the largest vocabularies have 40 million.
const LARGEST_TOKENIZER: u64 = 128 << 20;

/// The text side of a checkpoint.
#[derive(Debug, Clone)]
pub struct CheckpointText {
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    /// The text of each token.
    pub vocabulary: Arc<Vocabulary>,
    /// Messages to a prompt.
    pub template: ChatTemplate,
    /// The ids that steer denoising.
    pub special: SpecialIds,
    /// SHA-256 of `tokenizer.json`, or of what it would say, and of the template's source, in hexadecimal.
    pub hashes: [String; 2],
}

impl Checkpoint {
    /// Reads the tokenizer, the chat template and the special ids; takes a good part of a second for a large vocabulary.
    ///
    /// # Errors
    /// [`CheckpointError`]: what is missing or damaged, where, and what to do.
    pub fn text(&self, overrides: &TokenOverrides) -> Result<CheckpointText, CheckpointError> {
        let wrong = |what: TextError| CheckpointError::Text {
            folder: self.place.clone(),
            what,
        };
        let json = self.tokenizer_json()?;
        let tokenizer =
            Tokenizer::new(json.as_bytes(), &self.tokenizer_config_json).map_err(wrong)?;
        let (name, source) = self.template_source()?;
        let template = ChatTemplate::new(&name, &source, self.template_tokens())
            .map_err(CheckpointError::Template)?;
        Ok(CheckpointText {
            hashes: [sha256(json.as_bytes()), sha256(source.as_bytes())],
            special: special::resolve(self, &tokenizer, overrides)?,
            vocabulary: Arc::new(tokenizer.vocabulary()),
            template,
            tokenizer,
        })
    }

    fn tokenizer_json(&self) -> Result<String, CheckpointError> {
        if self.form == Form::Gguf {
            return GgufFiles::open(&self.place)?.tokenizer_json();
        }
        let path = self.place.join("tokenizer.json");
        if !is_there(&path)? {
            return Err(CheckpointError::NoTokenizer(self.place.clone()));
        }
        read(&path, LARGEST_TOKENIZER)
    }

    /// `chat_template.jinja`, else that of `tokenizer_config.json`, else the family's; and where it is from.
    fn template_source(&self) -> Result<(String, String), CheckpointError> {
        let config = match self.form {
            Form::Gguf => self.place.clone(),
            Form::HuggingFace => {
                let file = self.place.join("chat_template.jinja");
                if is_there(&file)? {
                    return Ok((file.display().to_string(), read(&file, SMALL)?));
                }
                self.place.join("tokenizer_config.json")
            }
        };
        let name = format!("the chat template in {}", config.display());
        match &self.tokenizer_config["chat_template"] {
            Value::String(source) => Ok((name, source.clone())),
            Value::Array(named) if !named.is_empty() => Ok((name, self.named_template(named)?)),
            _ => Ok((
                "the chat template of the model's family".to_owned(),
                self.family.chat_template.to_owned(),
            )),
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
                path: self.place.join("tokenizer_config.json"),
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
