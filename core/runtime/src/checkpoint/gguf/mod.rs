//! Checkpoints as GGUF: one file, or one that was cut into several, says what a folder's small files say.
//!
//! What its keys mean is told by llama.cpp's converter (`conversion/{base,llada,dream}.py`) and by `gguf-py/gguf/constants.py`.

mod config;
mod names;
mod tokenizer;

use std::io;
use std::path::{Path, PathBuf};

pub use names::{GgufModel, is_gguf_header_cut};
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
    if place.join("adapter_config.json").exists() {
        return Ok(None);
    }
    let names = weights::names(place)?;
    let has = |ending: &str| names.iter().any(|it| it.ends_with(ending));
    if names.iter().any(|it| it == "config.json") && has(".safetensors") {
        return Ok(None);
    }
    match models(place, names)?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(place.join(&one.files[0]))),
        several => Err(CheckpointError::SeveralGguf {
            folder: place.to_owned(),
            names: (several.iter().map(|it| it.files[0].as_str()))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// The GGUF file in the folder `place` whose model is called `wanted`; the first of several that it was cut into.
pub(super) fn called(place: &Path, wanted: &str) -> Result<Option<PathBuf>, CheckpointError> {
    let models = models(place, weights::names(place)?)?;
    let found = GgufModel::called(&models, wanted);
    Ok(found.map(|it| place.join(&it.files[0])))
}

/// The models in a folder that holds `names`, or, if it holds none itself, one folder down, as the hub has them.
fn models(place: &Path, names: Vec<String>) -> Result<Vec<GgufModel>, CheckpointError> {
    let here = GgufModel::all(names.iter().map(String::as_str));
    if !here.is_empty() {
        return Ok(here);
    }
    let mut below = Vec::new();
    for folder in names.iter().filter(|it| place.join(it).is_dir()) {
        // What may not be read holds no model for this user.
        let inside = weights::names(&place.join(folder)).unwrap_or_default();
        below.extend(inside.iter().map(|it| format!("{folder}/{it}")));
    }
    Ok(GgufModel::all(below.iter().map(String::as_str)))
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
        let mut this = Self { paths, headers };
        this.check()?;
        this.order()?;
        Ok(this)
    }

    /// In the order of the numbers that the files say, if they do: whatever they are called, the metadata is in the first.
    fn order(&mut self) -> Result<(), CheckpointError> {
        let number = |header: &HeaderBytes| header.header().count("split.no");
        let numbers: Option<Vec<u64>> = self.headers.iter().map(number).collect();
        let Some(numbers) = numbers.filter(|it| it.len() > 1) else {
            return Ok(());
        };
        let (paths, headers) = (&mut self.paths, &mut self.headers);
        let mut files: Vec<_> = (numbers.into_iter().zip(paths.drain(..)))
            .zip(headers.drain(..))
            .collect();
        files.sort_by_key(|((number, _), _)| *number);
        for (place, ((number, path), header)) in files.into_iter().enumerate() {
            if number != place as u64 {
                let (number, missing) = (number + 1, place + 1);
                return Err(broken(
                    &path,
                    format!(
                        "says that it is number {number} of its files, and none says that it is number {missing}; fetch them all again"
                    ),
                ));
            }
            self.paths.push(path);
            self.headers.push(header);
        }
        Ok(())
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
        let Some(architecture) = header.text("general.architecture") else {
            return Err(self.broken(
                "does not say general.architecture; fetch it again, or convert the model with a newer llama.cpp".to_owned(),
            ));
        };
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
