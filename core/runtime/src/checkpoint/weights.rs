use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::json::{is_there, read_json, unreadable};
use crate::model_id::is_gguf;

const INDEX: &str = "model.safetensors.index.json";
const SINGLE: &str = "model.safetensors";
/// What backends know an adapter's file by, which is none of the model's.
pub(super) const ADAPTER: &str = "adapter_model.safetensors";

/// The weight files of a folder: the single one, those of its index in their order, or all `.safetensors` by name. As with
/// Hugging Face an index beside a single file is one that was left over.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let single = folder.join(SINGLE);
    if is_there(&single)? {
        return Ok(vec![single]);
    }
    if is_there(&folder.join(INDEX))? {
        return shards(folder);
    }
    let names = names(folder)?;
    let files: Vec<PathBuf> = names
        .iter()
        .filter(|name| name.ends_with(".safetensors") && *name != ADAPTER)
        .map(|name| folder.join(name))
        .collect();
    if !files.is_empty() {
        return Ok(files);
    }
    let has = |ending: &str| names.iter().find(|name| name.ends_with(ending));
    let what = if let Some(name) = has(".bin").or_else(|| has(".pt")) {
        format!(
            "{name} is a Python pickle, which can run code and is not read; fetch the .safetensors files"
        )
    } else if let Some(name) = names.iter().find(|name| is_gguf(Path::new(name))) {
        format!(
            "{name} is a GGUF file, into which no adapter is merged; fetch the model as safetensors, or name that file to run it alone"
        )
    } else {
        "there is no .safetensors file; fetch the checkpoint again".to_owned()
    };
    Err(CheckpointError::NoWeights {
        folder: folder.to_owned(),
        what,
    })
}

/// Size of the files together.
pub(super) fn total_bytes(files: &[PathBuf]) -> Result<u64, CheckpointError> {
    files.iter().try_fold(0, |total, path| {
        is_there(path)?;
        let data = std::fs::metadata(path).map_err(|source| unreadable(path, source))?;
        Ok(total + data.len())
    })
}

fn shards(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let path = folder.join(INDEX);
    let (_, index) = read_json(&path)?;
    let wrong = |what: &str| CheckpointError::Json {
        path: path.clone(),
        line: 1,
        what: what.to_owned(),
    };
    let map = index["weight_map"].as_object();
    let map = map.ok_or_else(|| wrong("`weight_map` is missing"))?;
    let (mut shards, mut seen) = (Vec::new(), HashSet::new());
    for shard in map.values() {
        let shard = shard.as_str();
        let shard = shard.ok_or_else(|| wrong("`weight_map` names something that is no file"))?;
        if !seen.insert(shard) {
            continue;
        }
        let path = folder.join(shard);
        // A name with a folder in it would leave the checkpoint.
        if Path::new(shard).components().count() != 1 || !is_there(&path)? {
            return Err(CheckpointError::NoShard {
                folder: folder.to_owned(),
                shard: shard.to_owned(),
            });
        }
        shards.push(path);
    }
    match shards.is_empty() {
        true => Err(wrong("`weight_map` names no file")),
        false => Ok(shards),
    }
}

/// What is in a folder, sorted.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let unreadable = |source| unreadable(folder, source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
