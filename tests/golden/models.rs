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
use unmask_core::api::{Backend, LoadProgress, LoadSpec, Model};
use unmask_core::checkpoint::{Checkpoint, Locations};
use unmask_core::engine::Message;
use unmask_core::model_id::ModelId;
use unmask_core::text::{ChatTemplate, Tokenizer};

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
    models: RefCell<HashMap<String, Rc<dyn Model>>>,
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

    /// The model of a case.
    pub(crate) fn get(&self, case: &Case) -> Result<Rc<dyn Model>, String> {
        let name = folder_of(case)?;
        if let Some(model) = self.models.borrow().get(name) {
            return Ok(Rc::clone(model));
        }
        let checkpoint = self.open(name)?;
        let spec = LoadSpec {
            family: checkpoint.family.name.to_owned(),
            folder: checkpoint.folder,
            weights: checkpoint.weights,
            config_json: checkpoint.config_json,
            device: self
                .backend
                .devices()
                .first()
                .ok_or("the backend has no device")?
                .id
                .clone(),
            precision: "f32".to_owned(),
            threads: None,
            attention: checkpoint.family.attention,
            cache_folder: None,
            options_json: "{}".to_owned(),
        };
        let go_on = |_: LoadProgress<'_>| ControlFlow::Continue(());
        let model = self
            .backend
            .load(&spec, &go_on)
            .map_err(|error| error.full_text())?;
        let model: Rc<dyn Model> = Rc::from(model);
        self.models
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&model));
        Ok(model)
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
