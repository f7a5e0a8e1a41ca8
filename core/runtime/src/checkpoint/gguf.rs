//! What a GGUF file says that it is; its weights are not read.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use crate::family::{FamilyError, detect_gguf};

/// How the files of llama.cpp end, which are told apart from what is missing.
pub(super) const ENDING: &str = ".gguf";
const MAGIC: &[u8; 4] = b"GGUF";
/// The keys that are wanted come first: behind these are lists of a whole vocabulary.
const MOST_KEYS: u64 = 64;
const MOST_BYTES: u64 = 1 << 20;

/// Why the file cannot be loaded: that it is of a family that is not run, if it says so, else that it is what it is.
pub(super) fn refusal(path: &Path) -> CheckpointError {
    let path = path.to_owned();
    let Some((architecture, name)) = says(&path) else {
        return CheckpointError::Gguf(path);
    };
    match detect_gguf(&architecture, &name) {
        Ok(family) => CheckpointError::GgufOf {
            path,
            family: family.title,
        },
        // Whoever has such a file may have meant another; what runs instead is told.
        Err(what @ (FamilyError::NotYet { .. } | FamilyError::Autoregressive { .. })) => {
            CheckpointError::Family { path, what }
        }
        Err(_) => CheckpointError::Gguf(path),
    }
}

/// `general.architecture` and `general.name`, which may be empty.
fn says(path: &PathBuf) -> Option<(String, String)> {
    // Opening a pipe would wait for a writer.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut file = BufReader::new(File::open(path).ok()?).take(MOST_BYTES);
    let magic: [u8; 4] = bytes(&mut file)?;
    let version = u32::from_le_bytes(bytes(&mut file)?);
    if magic != *MAGIC || !(2..=3).contains(&version) {
        return None;
    }
    let _tensors: [u8; 8] = bytes(&mut file)?;
    let keys = u64::from_le_bytes(bytes(&mut file)?);
    let (mut architecture, mut name) = (None, None);
    for _ in 0..keys.min(MOST_KEYS) {
        let Some((key, value)) = pair(&mut file) else {
            break;
        };
        match key.as_str() {
            "general.architecture" => architecture = value,
            "general.name" => name = value,
            _ => {}
        }
        if architecture.is_some() && name.is_some() {
            break;
        }
    }
    Some((architecture?, name.unwrap_or_default()))
}

/// A key and its value if that is a text; `None` where a list begins, or the file ends.
fn pair(file: &mut impl Read) -> Option<(String, Option<String>)> {
    let key = text(file)?;
    let width = match u32::from_le_bytes(bytes(file)?) {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => return Some((key, Some(text(file)?))),
        _ => return None,
    };
    let mut value = [0; 8];
    file.read_exact(&mut value[..width]).ok()?;
    Some((key, None))
}

fn text(file: &mut impl Read) -> Option<String> {
    let length = u64::from_le_bytes(bytes(file)?);
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).ok()?;
    String::from_utf8(text)
        .ok()
        .filter(|it| it.len() as u64 == length)
}

fn bytes<const N: usize>(file: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a file that says so.
    fn header(pairs: &[(&str, &str)]) -> Vec<u8> {
        let text = |it: &str| [&(it.len() as u64).to_le_bytes(), it.as_bytes()].concat();
        let mut out = [&MAGIC[..], &3_u32.to_le_bytes(), &0_u64.to_le_bytes()].concat();
        out.extend((pairs.len() as u64 + 1).to_le_bytes());
        out.extend(
            [
                text("general.alignment"),
                4_u32.to_le_bytes().to_vec(),
                vec![32, 0, 0, 0],
            ]
            .concat(),
        );
        for (key, value) in pairs {
            out.extend([text(key), 8_u32.to_le_bytes().to_vec(), text(value)].concat());
        }
        out
    }

    #[track_caller]
    fn check(content: &[u8], expected: &str) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("model.gguf");
        std::fs::write(&path, content).expect("there is room");
        let told = refusal(&path).to_string();
        let told = told.replace(&folder.path().display().to_string(), "FOLDER");
        assert!(told.contains(expected), "{told}");
        // Cut anywhere, it is still a file.
        for length in 0..content.len() {
            std::fs::write(&path, &content[..length]).expect("there is room");
            refusal(&path);
        }
    }

    #[test]
    fn exports_are_named_by_their_family() {
        let of = |architecture: &str| header(&[("general.architecture", architecture)]);
        for (architecture, family) in [
            ("llada", "LLaDA"),
            ("llada-moe", "LLaDA-MoE"),
            ("dream", "Dream"),
        ] {
            let told = format!(
                "FOLDER/model.gguf is {family} as a GGUF file, which this version does not read"
            );
            check(&of(architecture), &told);
        }
        check(
            &of("rnd1"),
            "FOLDER/model.gguf: it is a model of the family RND1",
        );
        check(&of("llama"), "`llama` is an autoregressive model");
        check(
            &of("unheard-of"),
            "FOLDER/model.gguf is a GGUF file, which this version does not read",
        );
        check(b"GGUF", "FOLDER/model.gguf is a GGUF file");
        let dreamon = header(&[
            ("general.architecture", "dream"),
            ("general.name", "DreamOn v0 7B"),
        ]);
        check(&dreamon, "it is a model of the family DreamOn");
    }
}
