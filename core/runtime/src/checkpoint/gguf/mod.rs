//! Checkpoints as GGUF: one file, or one that was cut into several, says what a folder's small files say.
//!
//! What its keys mean is told by llama.cpp's converter (`conversion/{base,llada,dream}.py`) and by `gguf-py/gguf/constants.py`.

mod config;
mod tokenizer;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use unmask_gguf::{GgmlType, GgufError, GgufHeader, HeaderBytes, SplitName};

use super::json::unreadable;
use super::{Checkpoint, CheckpointError, Form, weights};
use crate::family::{Family, FamilyError, detect_gguf};
use crate::model_id::ModelId;
use crate::settings::GenerationPatch;

/// The model that is at `place`: a GGUF file, or a folder of one that is no folder in Hugging Face form.
///
/// # Errors
/// [`CheckpointError::SeveralGguf`] for a folder of several models.
pub(super) fn in_place(place: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    if !place.is_dir() {
        return Ok(Some(place.to_owned()));
    }
    if place.join("config.json").exists() || place.join("adapter_config.json").exists() {
        return Ok(None);
    }
    let is_first = |name: &String| {
        let split = SplitName::of(Path::new(name));
        name.ends_with(weights::GGUF) && split.is_none_or(|it| it.number == 1)
    };
    let mut names = weights::names(place)?;
    let all = names.clone();
    names.retain(is_first);
    match names.as_slice() {
        // The first of a model that was cut is missing.
        [] => Ok(all
            .iter()
            .find(|it| it.ends_with(weights::GGUF))
            .map(|it| place.join(it))),
        [one] => Ok(Some(place.join(one))),
        several => Err(CheckpointError::SeveralGguf {
            folder: place.to_owned(),
            names: several.join(", "),
        }),
    }
}

/// The files of a model with their headers, the first of which holds the metadata.
pub(super) struct GgufFiles {
    pub(super) paths: Vec<PathBuf>,
    headers: Vec<HeaderBytes>,
}

impl GgufFiles {
    /// Reads the headers of the model whose file, or one of whose files, is at `path`.
    ///
    /// # Errors
    /// [`CheckpointError`] naming the file: what is missing, or cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let paths: Vec<PathBuf> = match SplitName::of(path) {
            Some(split) => split.all().collect(),
            None => vec![path.to_owned()],
        };
        let mut headers = Vec::new();
        for file in &paths {
            headers.push(HeaderBytes::read(file).map_err(|error| wrong(file, path, error))?);
        }
        let this = Self { paths, headers };
        this.check()?;
        Ok(this)
    }

    /// Tests that all files are of one model, and that every tensor can be read.
    fn check(&self) -> Result<(), CheckpointError> {
        for (path, header) in self.paths.iter().zip(&self.headers) {
            let header = header.header();
            let broken = |what: String| broken(path, what);
            let said = header
                .count("split.count")
                .filter(|it| *it > 1)
                .unwrap_or(1);
            if said != self.paths.len() as u64 {
                return Err(broken(format!(
                    "says that it is one of {said} files, but is called as one of {}; give the files back the names that they were \
                     published with",
                    self.paths.len()
                )));
            }
            let other = |kind: &GgmlType| matches!(kind, GgmlType::Other(_));
            if let Some(tensor) = header.tensors.iter().find(|it| other(&it.kind)) {
                return Err(broken(format!(
                    "keeps {} as {}, and only {} are read; fetch the model in one of these, or as safetensors",
                    tensor.name,
                    tensor.kind,
                    GgmlType::READ
                )));
            }
        }
        Ok(())
    }

    fn first(&self) -> GgufHeader<'_> {
        self.headers[0].header()
    }

    fn broken(&self, what: String) -> CheckpointError {
        broken(&self.paths[0], what)
    }

    /// Its family, and what a `config.json` would say.
    ///
    /// # Errors
    /// [`CheckpointError::Family`] for a model that is none of ours; [`CheckpointError::Gguf`] naming the key that is missing.
    pub(super) fn config(&self, called: &str) -> Result<(&'static Family, Value), CheckpointError> {
        let header = self.first();
        let architecture = header.text("general.architecture").unwrap_or_default();
        let named = header.text("general.name").filter(|it| !it.is_empty());
        let family = detect_gguf(architecture, named.unwrap_or(called));
        let family = family.map_err(|what: FamilyError| CheckpointError::Family {
            path: self.paths[0].clone(),
            what,
        })?;
        let headers: Vec<GgufHeader<'_>> = self.headers.iter().map(HeaderBytes::header).collect();
        let config = config::config(&headers, family).map_err(|what| self.broken(what))?;
        Ok((family, config))
    }

    /// What a `tokenizer.json` would say.
    ///
    /// # Errors
    /// [`CheckpointError::Gguf`]: what is missing, or another kind of tokenizer.
    pub(super) fn tokenizer_json(&self) -> Result<String, CheckpointError> {
        tokenizer::tokenizer_json(&self.first()).map_err(|what| self.broken(what))
    }

    /// The checkpoint.
    ///
    /// # Errors
    /// As of [`config`](Self::config).
    pub(super) fn checkpoint(self, id: &ModelId) -> Result<Checkpoint, CheckpointError> {
        let called = id.to_string();
        let (family, config) = self.config(&called)?;
        let attention = family.attention(&config, &called);
        let attention = attention.map_err(|what| CheckpointError::Family {
            path: self.paths[0].clone(),
            what,
        })?;
        let tokenizer_config = tokenizer::tokenizer_config(&self.first());
        Ok(Checkpoint {
            id: id.clone(),
            place: self.paths[0].clone(),
            family,
            attention,
            config_json: config.to_string(),
            config,
            generation: GenerationPatch::default(),
            weight_bytes: weights::total_bytes(&self.paths)?,
            form: Form::Gguf,
            generation_config: Value::Object(Map::new()),
            tokenizer_config_json: "{}".to_owned(),
            tokenizer_config,
            called,
            weights: self.paths,
        })
    }
}

fn broken(path: &Path, what: String) -> CheckpointError {
    CheckpointError::Gguf {
        path: path.to_owned(),
        what,
    }
}

/// Why `file`, one of those of `asked`, cannot be read.
fn wrong(file: &Path, asked: &Path, error: io::Error) -> CheckpointError {
    if file != asked && error.kind() == io::ErrorKind::NotFound {
        return broken(
            asked,
            format!(
                "is one of several files, and {} is not beside it; fetch them all",
                file.file_name().unwrap_or_default().display()
            ),
        );
    }
    match error
        .get_ref()
        .and_then(|it| it.downcast_ref::<GgufError>())
    {
        Some(what) => broken(file, what.to_string()),
        None => unreadable(file, error),
    }
}

#[cfg(test)]
mod tests;
