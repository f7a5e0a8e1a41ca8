//! Where a model is from, for the records of what it did: the same on every machine that has the same files.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};
use unmask_gguf::HeaderBytes;

use crate::model_id::is_gguf;

/// Of a file of weights this much is hashed in every [`STRIDE`].
const SAMPLE: u64 = 4 << 10;
const STRIDE: u64 = 16 << 20;

/// Where a model is from.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// Its family, such as `llada`.
    pub family: String,
    /// Whether the program carries it.
    pub is_carried: bool,
    /// Its name in the hub, `ORG/NAME`, if it was found by that.
    pub hub: Option<String>,
    /// The text of its `config.json`, or what a GGUF file says in its place.
    pub config_json: String,
    /// Its files of weights.
    pub weights: Vec<PathBuf>,
    /// SHA-256 of `tokenizer.json`, or of what is made of a GGUF file's in its place, in hexadecimal.
    pub tokenizer: String,
    /// SHA-256 of the source of the chat template, in hexadecimal.
    pub template: String,
    /// Threads that the configuration asks for; `None` leaves them to the backend.
    pub threads: Option<u32>,
    /// Read once, when it is first asked for.
    pub(crate) identity: Arc<OnceLock<Option<String>>>,
}

impl Provenance {
    /// SHA-256 over `config.json`, if it is a file, and, of each file of weights, its length, the header and 4 KiB of each 16 MiB: so much of a
    /// large model is read in no time. `None` without files of weights, and, said in the log, if a file cannot be read.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        if self.weights.is_empty() {
            return None;
        }
        let read = || match self.hash_files() {
            Ok(hash) => Some(hash),
            Err(error) => {
                tracing::warn!(%error, "the identity of a model cannot be told: its files cannot be read");
                None
            }
        };
        self.identity.get_or_init(read).as_deref()
    }

    fn hash_files(&self) -> io::Result<String> {
        let mut hash = Sha256::new();
        // Of a GGUF file it is made of the header, which is hashed itself: how we make it is of no account.
        if !self.weights.iter().any(|it| is_gguf(it)) {
            hash.update(&self.config_json);
        }
        let mut files: Vec<&PathBuf> = self.weights.iter().collect();
        files.sort_unstable_by_key(|path| path.file_name());
        for path in files {
            sample(path, &mut hash)?;
            if path.ends_with("adapter_model.safetensors") {
                // How much of it counts.
                hash.update(std::fs::read(path.with_file_name("adapter_config.json"))?);
            }
        }
        Ok(format!("sha256:{}", hexadecimal(&hash.finalize())))
    }
}

/// SHA-256 of `bytes`, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sample(path: &Path, hash: &mut Sha256) -> io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    hash.update(length.to_le_bytes());
    let mut word = [0; 8];
    file.read_exact(&mut word)?;
    let header = match word.starts_with(unmask_gguf::MAGIC) {
        true => HeaderBytes::read(path)?.bytes().len() as u64,
        false => u64::from_le_bytes(word),
    };
    let header = header.min(length - 8);
    let ranges = std::iter::once(8..8 + header);
    let strides = (0..length.div_ceil(STRIDE)).map(|at| at * STRIDE);
    let ranges = ranges.chain(strides.map(|start| start..(start + SAMPLE).min(length)));
    for range in ranges {
        file.seek(SeekFrom::Start(range.start))?;
        let mut part = Vec::new();
        (&file)
            .take(range.end - range.start)
            .read_to_end(&mut part)?;
        hash.update(&part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A safetensors file with a header of two bytes.
    fn file(folder: &Path, name: &str, tail: &[u8]) -> PathBuf {
        let path = folder.join(name);
        let bytes = [&2_u64.to_le_bytes()[..], b"{}", tail].concat();
        std::fs::write(&path, bytes).expect("the folder is ours");
        path
    }

    fn identity(weights: Vec<PathBuf>) -> Option<String> {
        let provenance = Provenance {
            config_json: "{}".to_owned(),
            weights,
            ..Provenance::default()
        };
        provenance.identity().map(str::to_owned)
    }

    #[test]
    fn the_same_files_have_the_same_identity_wherever_they_lie() {
        let (here, there) = (tempfile::tempdir(), tempfile::tempdir());
        let (here, there) = (here.expect("a folder"), there.expect("a folder"));
        let [one, other] =
            [here.path(), there.path()].map(|it| file(it, "model.safetensors", b"1234"));
        let first = identity(vec![one]);
        assert!(first.as_deref().is_some_and(|it| it.len() == 7 + 64));
        assert_eq!(first, identity(vec![other]));
        let changed = file(there.path(), "model.safetensors", b"1235");
        assert_ne!(first, identity(vec![changed]));
    }

    #[test]
    fn the_order_of_the_files_is_of_no_matter_and_a_lost_one_has_no_identity() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["a", "b"].map(|name| file(folder.path(), name, name.as_bytes()));
        let backwards = files.iter().rev().cloned().collect();
        assert_eq!(identity(files.to_vec()), identity(backwards));
        assert_eq!(identity(vec![folder.path().join("c")]), None);
    }
}
