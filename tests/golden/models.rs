//! The tiny checkpoints, loaded once each through the C table of the backend under test.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use unmask_core::TokenId;
use unmask_core::api::{Attention, Backend, ErrorCode, LoadProgress, LoadSpec, Model};
use unmask_core::checkpoint::{Checkpoint, Locations};
use unmask_core::engine::Message;
use unmask_core::model_id::ModelId;
use unmask_core::text::{ChatTemplate, Tokenizer};

use crate::BACKENDS;
use crate::case::Case;

/// A checkpoint's text half.
#[derive(Clone)]
pub(crate) struct ModelText {
    pub(crate) tokenizer: Rc<Tokenizer>,
    template: Rc<ChatTemplate>,
}

/// Loads what cases name, in float32.
pub(crate) struct Models {
    root: PathBuf,
    backend: Arc<dyn Backend>,
    /// By folder and positions of a block, 0 where all see all.
    models: RefCell<HashMap<(String, u32), Rc<dyn Model>>>,
    texts: RefCell<HashMap<String, ModelText>>,
}

impl Models {
    pub(crate) fn new(root: PathBuf, backend: Arc<dyn Backend>) -> Self {
        Self {
            root,
            backend,
            models: RefCell::default(),
            texts: RefCell::default(),
        }
    }

    /// The model of a case, whose blocks are as long as the case says.
    pub(crate) fn get(&self, case: &Case) -> Result<Rc<dyn Model>, String> {
        let name = folder_of(case)?;
        let checkpoint = self.open(name)?;
        let attention = attention(&checkpoint, case);
        let key = match attention {
            Attention::BlockCausal(block) => (name.to_owned(), block.get()),
            Attention::Bidirectional | Attention::Causal => (name.to_owned(), 0),
        };
        if let Some(model) = self.models.borrow().get(&key) {
            return Ok(Rc::clone(model));
        }
        let spec = self.spec(checkpoint, attention)?;
        let go_on = |_: LoadProgress<'_>| ControlFlow::Continue(());
        let model = self
            .backend
            .load(&spec, &go_on)
            .map_err(|error| error.full_text())?;
        let model: Rc<dyn Model> = Rc::from(model);
        self.models.borrow_mut().insert(key, Rc::clone(&model));
        Ok(model)
    }

    /// Whether the backend may lack families: all but the one that runs everywhere.
    pub(crate) fn may_refuse(&self) -> bool {
        self.backend.name() != BACKENDS[0]
    }

    /// Why the backend lacks the network of a case, if it says so.
    pub(crate) fn refusal(&self, case: &Case) -> Option<String> {
        let checkpoint = self.open(folder_of(case).ok()?).ok()?;
        let family = checkpoint.family.name;
        let attention = attention(&checkpoint, case);
        match self.backend.check(&self.spec(checkpoint, attention).ok()?) {
            Err(error) if error.code() == ErrorCode::Unsupported => {
                Some(format!("{family} on {}", self.backend.name()))
            }
            _ => None,
        }
    }

    fn spec(&self, checkpoint: Checkpoint, attention: Attention) -> Result<LoadSpec, String> {
        Ok(LoadSpec {
            family: checkpoint.family.name.to_owned(),
            folder: checkpoint.folder().to_owned(),
            weights: checkpoint.weights,
            config_json: checkpoint.config_json,
            device: self.device()?,
            precision: "f32".to_owned(),
            threads: None,
            attention,
            cache_folder: None,
            options_json: "{}".to_owned(),
        })
    }

    /// `UNMASK_GOLDEN_DEVICE`, or the first of the backend.
    fn device(&self) -> Result<String, String> {
        if let Ok(id) = std::env::var("UNMASK_GOLDEN_DEVICE") {
            return Ok(id);
        }
        let first = self.backend.devices().into_iter().next();
        first
            .map(|it| it.id)
            .ok_or_else(|| "the backend has no device".to_owned())
    }

    fn open(&self, name: &str) -> Result<Checkpoint, String> {
        let id = ModelId::Folder(self.root.join(name));
        Checkpoint::open(&id, &Locations::default()).map_err(|error| error.to_string())
    }

    /// The tokenizer and template of a case's model.
    pub(crate) fn text(&self, case: &Case) -> Result<ModelText, String> {
        let name = folder_of(case)?;
        if let Some(text) = self.texts.borrow().get(name) {
            return Ok(text.clone());
        }
        let text = text_of(&self.root.join(name))?;
        self.texts
            .borrow_mut()
            .insert(name.to_owned(), text.clone());
        Ok(text)
    }
}

/// Which positions see which: blocks are as long as the case says.
fn attention(checkpoint: &Checkpoint, case: &Case) -> Attention {
    match checkpoint.attention {
        block @ Attention::BlockCausal(_) => case.attention().unwrap_or(block),
        other => other,
    }
}

/// The text half of a folder, which need not hold weights or a family that can be run.
fn text_of(folder: &Path) -> Result<ModelText, String> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let (tokenizer, config) = (read("tokenizer.json")?, read("tokenizer_config.json")?);
    let tokenizer =
        Tokenizer::new(tokenizer.as_bytes(), &config).map_err(|error| error.to_string())?;
    let config: Value = serde_json::from_str(&config).map_err(|error| error.to_string())?;
    let tokens = config.as_object().into_iter().flatten();
    let tokens = tokens.filter_map(|(key, token)| Some((key.clone(), token.as_str()?.to_owned())));
    let source = config["chat_template"].as_str().unwrap_or("");
    let template = ChatTemplate::new("the chat template", source, tokens.collect())
        .map_err(|error| error.to_string())?;
    Ok(ModelText {
        tokenizer: Rc::new(tokenizer),
        template: Rc::new(template),
    })
}

impl ModelText {
    /// The prompt's text.
    pub(crate) fn render(&self, messages: &[Message]) -> Result<String, String> {
        let rendered = self.template.render(messages, SystemTime::UNIX_EPOCH);
        rendered.map_err(|error| error.to_string())
    }

    /// The prompt's tokens.
    pub(crate) fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, String> {
        let text = self.render(messages)?;
        self.tokenizer
            .encode(&text)
            .map_err(|error| error.to_string())
    }
}

fn folder_of(case: &Case) -> Result<&str, String> {
    case.json["model"]
        .as_str()
        .ok_or_else(|| "the case names no model".to_owned())
}
