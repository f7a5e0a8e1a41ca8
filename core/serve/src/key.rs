//! Who may ask: a file of named keys, or a key made for one run.

use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use ulid::Ulid;
use unmask_core::regular_file::{self, SMALL};

/// Characters of a key, at least.
const SHORTEST: usize = 24;
/// The key's header besides `authorization`.
const X_API_KEY: &str = "x-api-key";

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("cannot read the keys in {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("{path} can be read by other users; run chmod 600 on it", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A line is no name and key.
    #[error("{path}:{line}: {what}; a line is a name, a blank and a key of {SHORTEST} characters or more", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// There is no key.
    #[error("{path} holds no key; write lines of a name, a blank and a key", path = path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The keys that are accepted, as hashes; none: everybody may ask.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(Vec<(String, [u8; 32])>);

impl ApiKeys {
    /// Reads lines of `name key`; blank lines and such that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`KeyFileError`]; also if other users may read the file.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let unreadable = |source| KeyFileError::Unreadable {
            path: path.to_owned(),
            source,
        };
        if is_exposed(path).map_err(unreadable)? {
            return Err(KeyFileError::Exposed {
                path: path.to_owned(),
            });
        }
        let text = regular_file::read_text(path, SMALL).map_err(unreadable)?;
        let mut keys = Self::default();
        for (line, said) in (1..).zip(text.lines()) {
            let said = said.trim();
            if said.is_empty() || said.starts_with('#') {
                continue;
            }
            keys.add_line(said).map_err(|what| KeyFileError::Line {
                path: path.to_owned(),
                line,
                what,
            })?;
        }
        match keys.0.is_empty() {
            true => Err(KeyFileError::Empty {
                path: path.to_owned(),
            }),
            false => Ok(keys),
        }
    }

    /// Adds a key that nobody knows yet, and returns it.
    pub fn add_new(&mut self, name: &str) -> String {
        let key = format!("{}{}", Ulid::new(), Ulid::new());
        self.0.push((name.to_owned(), hash(&key)));
        key
    }

    /// True if a key has to be said.
    #[must_use]
    pub fn are_asked_for(&self) -> bool {
        !self.0.is_empty()
    }

    /// The name of the key that a request says.
    pub(crate) fn name(&self, headers: &HeaderMap) -> Option<&str> {
        let said = headers.get(header::AUTHORIZATION).map_or_else(
            || headers.get(X_API_KEY)?.to_str().ok(),
            |it| bearer(it.to_str().ok()?),
        )?;
        let said = hash(said);
        // Every key is looked at, so that time tells nothing of which one it is.
        let mut found = None;
        for (name, key) in &self.0 {
            if bool::from(key.ct_eq(&said)) {
                found = Some(name.as_str());
            }
        }
        found
    }

    fn add_line(&mut self, said: &str) -> Result<(), &'static str> {
        let (name, key) = said.split_once(char::is_whitespace).ok_or("no blank")?;
        let key = key.trim_start();
        if key.len() < SHORTEST {
            return Err("the key is too short");
        }
        if !key.bytes().all(|it| it.is_ascii_graphic()) {
            return Err("the key holds a blank or what is no ASCII");
        }
        if self.0.iter().any(|(known, _)| known == name) {
            return Err("the name is there twice");
        }
        self.0.push((name.to_owned(), hash(key)));
        Ok(())
    }
}

fn bearer(said: &str) -> Option<&str> {
    let (scheme, key) = said.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer")).then(|| key.trim())
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// What a folder lets others see is the folder's matter there.
#[cfg(not(unix))]
fn is_exposed(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const KEY: &str = "0123456789abcdefghijklmn";

    #[cfg_attr(not(unix), expect(unused_variables, reason = "there are no modes"))]
    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), text).expect("it can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), mode).expect("it is ours");
        }
        file
    }

    #[test]
    fn a_key_is_known_by_either_header() {
        let file = file(&format!("# keys\n\nann {KEY}\nben {KEY}2\n"), 0o600);
        let keys = ApiKeys::read(file.path()).expect("the file is sound");
        let name = |header: &'static str, said: &str| {
            let said = HeaderValue::from_str(said).expect("it is ASCII");
            let headers: HeaderMap = [(header.parse().expect("a name"), said)]
                .into_iter()
                .collect();
            keys.name(&headers).map(str::to_owned)
        };
        let ann = Some("ann".to_owned());
        assert_eq!(name("authorization", &format!("Bearer {KEY}")), ann);
        assert_eq!(name("authorization", &format!("bearer {KEY}")), ann);
        assert_eq!(name("x-api-key", KEY), ann);
        assert_eq!(name("x-api-key", &format!("{KEY}2")), Some("ben".into()));
        assert_eq!(name("x-api-key", &format!("{KEY}3")), None);
        assert_eq!(name("authorization", KEY), None);
        assert_eq!(name("authorization", &format!("Basic {KEY}")), None);
        assert_eq!(name("cookie", KEY), None);
    }

    #[test]
    fn what_is_no_name_and_key_is_refused_with_its_line() {
        for (text, part) in [
            ("ann short", ":1: the key is too short"),
            ("ann", ":1: no blank"),
            (
                &*format!("ann {KEY}\nann {KEY}2"),
                ":2: the name is there twice",
            ),
            ("# nothing\n", "holds no key"),
        ] {
            let file = file(text, 0o600);
            let error = ApiKeys::read(file.path()).expect_err("it is not sound");
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.to_string().contains(KEY), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let file = file(&format!("ann {KEY}"), 0o640);
        let error = ApiKeys::read(file.path()).expect_err("a group may read it");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_key_for_one_run_is_long_and_new() {
        let mut keys = ApiKeys::default();
        let (first, second) = (keys.add_new("page"), keys.add_new("page"));
        assert!(first.len() >= 40 && first != second);
        assert!(keys.are_asked_for());
    }
}
