use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{CheckpointError, read_json};

const INDEX: &str = "model.safetensors.index.json";
const SINGLE: &str = "model.safetensors";

/// The weight files of a folder: those of its index in their order, the single one, or all `.safetensors` by name.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    if folder.join(INDEX).is_file() {
        return shards(folder);
    }
    let single = folder.join(SINGLE);
    if single.is_file() {
        return Ok(vec![single]);
    }
    let names = names(folder)?;
    let files: Vec<PathBuf> = names
        .iter()
        .filter(|name| name.ends_with(".safetensors"))
        .map(|name| folder.join(name))
        .collect();
    if !files.is_empty() {
        return Ok(files);
    }
    let pickled = names
        .iter()
        .find(|name| name.ends_with(".bin") || name.ends_with(".pt"));
    let what = match pickled {
        Some(name) => format!(
            "{name} is a Python pickle, which can run code and is not read; fetch the .safetensors files"
        ),
        None => "there is no .safetensors file; fetch the checkpoint again".to_owned(),
    };
    Err(CheckpointError::NoWeights {
        folder: folder.to_owned(),
        what,
    })
}

/// Size of the files together.
pub(super) fn total_bytes(files: &[PathBuf]) -> Result<u64, CheckpointError> {
    files.iter().try_fold(0, |total, path| {
        let length = std::fs::metadata(path).map_err(|source| CheckpointError::Unreadable {
            path: path.clone(),
            source,
        })?;
        Ok(total + length.len())
    })
}

fn shards(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let path = folder.join(INDEX);
    let (_, index) = read_json(&path)?;
    let Some(map) = index["weight_map"].as_object() else {
        return Err(CheckpointError::Json {
            path,
            line: 1,
            what: "`weight_map` is missing".to_owned(),
        });
    };
    let mut shards: Vec<PathBuf> = Vec::new();
    for shard in map.values().filter_map(Value::as_str) {
        let path = folder.join(shard);
        if shards.contains(&path) {
            continue;
        }
        // A name with a folder in it would leave the checkpoint.
        if Path::new(shard).components().count() != 1 || !path.is_file() {
            return Err(CheckpointError::NoShard {
                folder: folder.to_owned(),
                shard: shard.to_owned(),
            });
        }
        shards.push(path);
    }
    Ok(shards)
}

fn names(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let unreadable = |source| CheckpointError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
