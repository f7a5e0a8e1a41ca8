//! What `model_id = "…"` names: a hub id, a folder or a model that the program carries.

use std::fmt;
use std::path::{Path, PathBuf};

/// The user's home, as people write it; a shell replaces the later ones, a file's reader has to.
const HOMES: [&str; 3] = ["~", "$HOME", "${HOME}"];

/// The hub's own hosts; the second is that of short addresses.
const HUBS: [&str; 2] = ["huggingface.co", "hf.co"];

/// Where a checkpoint is to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelId {
    /// `builtin:NAME`: carried by the program.
    Builtin(String),
    /// `ORG/NAME`, `ORG/NAME@REVISION` or `ORG/NAME:QUANTISATION`: a Hugging Face hub id, found in the models folder or the hub's
    /// cache.
    Hub {
        /// The part before the slash.
        org: String,
        /// The part after it.
        name: String,
        /// A branch, a tag, a commit or the first digits of one; the main branch if none is named.
        revision: Option<String>,
        /// Of a repository of GGUF files: which is meant, by the end of its name, such as `Q4_K_M`.
        quantisation: Option<String>,
    },
    /// A folder of files in Hugging Face form, or a GGUF file.
    Folder(PathBuf),
}

/// Why a text names no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelIdError {
    /// It has none of the forms.
    #[error(
        "`{0}` names no model; write ORG/NAME, ORG/NAME@REVISION or ORG/NAME:Q4_K_M for a hub id, ./FOLDER or an absolute path \
         for a folder, NAME.gguf for a file, or builtin:demo"
    )]
    NoModel(String),
    /// It is an address, and not the hub's: nothing is fetched from elsewhere.
    #[error(
        "`{0}` is an address of another host than {hub}; write a model of the hub as ORG/NAME, or name a mirror of it in \
         HF_ENDPOINT",
        hub = HUBS[0]
    )]
    OtherHost(String),
}

impl ModelId {
    /// Reads `text`; a folder that is not absolute is taken from `base`. `endpoint` is where the hub is too, if not at its own
    /// address alone.
    ///
    /// A folder is an absolute path or begins with `.`, `~` or `$HOME` (which are `home`); one slash between plain names is a hub id, also
    /// with a slash behind it, or as the address of its page. A quantisation stands behind a colon. What ends in `.gguf` is a
    /// file.
    ///
    /// # Errors
    /// If it is none of the three forms, or an address elsewhere.
    pub fn parse(
        text: &str,
        base: &Path,
        home: Option<&Path>,
        endpoint: Option<&str>,
    ) -> Result<Self, ModelIdError> {
        if let Some(name) = text.strip_prefix("builtin:") {
            return Ok(Self::Builtin(name.to_owned()));
        }
        if let Some(folder) = explicit_folder(text, base, home) {
            return Ok(Self::Folder(folder));
        }
        let (path, mark) = match Named::of(text, endpoint) {
            Named::Page(path) => (path, "/tree/"),
            Named::Elsewhere => return Err(ModelIdError::OtherHost(text.to_owned())),
            Named::Id => (text, "@"),
        };
        hub_id(path, mark).ok_or_else(|| ModelIdError::NoModel(text.to_owned()))
    }

    /// A short name for people: the last part of the id.
    #[must_use]
    pub fn short_name(&self) -> String {
        match self {
            Self::Builtin(name) | Self::Hub { name, .. } => name.clone(),
            Self::Folder(folder) => {
                let name = match is_gguf(folder) {
                    true => folder.file_stem(),
                    false => folder.file_name(),
                };
                name.map_or_else(
                    || folder.display().to_string(),
                    |name| name.to_string_lossy().into_owned(),
                )
            }
        }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(out, "builtin:{name}"),
            Self::Hub {
                org,
                name,
                revision,
                quantisation,
            } => {
                write!(out, "{org}/{name}")?;
                revision.iter().try_for_each(|it| write!(out, "@{it}"))?;
                (quantisation.iter()).try_for_each(|it| write!(out, ":{it}"))
            }
            Self::Folder(folder) => write!(out, "{}", folder.display()),
        }
    }
}

/// `path` with `~` or `$HOME` replaced by `home`, and taken from `base` if it is not absolute.
pub(crate) fn expand(path: &Path, base: &Path, home: Option<&Path>) -> PathBuf {
    let in_home = HOMES.iter().find_map(|word| path.strip_prefix(word).ok());
    match (in_home, home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => base.join(path),
    }
}

fn explicit_folder(text: &str, base: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let path = Path::new(text);
    let first = path.components().next()?.as_os_str();
    let explicit = path.is_absolute()
        || [".", ".."]
            .iter()
            .chain(&HOMES)
            .any(|start| first == *start)
        || (is_gguf(path) && !text.contains("://"))
        || (cfg!(windows) && text.contains('\\'));
    explicit.then(|| expand(path, base, home))
}

/// True for what is called like a GGUF file.
pub(crate) fn is_gguf(path: &Path) -> bool {
    (path.extension()).is_some_and(|it| it.eq_ignore_ascii_case("gguf"))
}

/// What a text is that names no folder.
enum Named<'a> {
    /// The address of a page of the hub, and what stands behind its host.
    Page(&'a str),
    /// An address of another host.
    Elsewhere,
    /// No address.
    Id,
}

impl<'a> Named<'a> {
    fn of(text: &'a str, endpoint: Option<&str>) -> Self {
        let address = Address::of(text);
        let endpoint = endpoint.filter(|it| !it.is_empty());
        let mut hubs = HUBS.into_iter().chain(endpoint).map(Address::of);
        match hubs.find_map(|hub| address.below(&hub)) {
            Some(path) => Self::Page(path),
            None if address.has_scheme => Self::Elsewhere,
            None => Self::Id,
        }
    }
}

/// Where an address leads. Browsers hide the scheme of what is copied by hand.
struct Address<'a> {
    has_scheme: bool,
    /// False for one word without a scheme, which is an organisation of the hub's.
    names_host: bool,
    /// With its port, unless that is a scheme's own.
    host: &'a str,
    path: &'a str,
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Self {
        let web = text.split_once("://").filter(|(scheme, _)| {
            let known = ["https", "http"];
            known.iter().any(|it| scheme.eq_ignore_ascii_case(it))
        });
        let has_scheme = web.is_some();
        let rest = web.map_or(text, |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        // A user's name and word may stand in front.
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let names_host = has_scheme || host.contains(['.', ':']);
        let port = [":443", ":80"]
            .into_iter()
            .find(|port| host.ends_with(port));
        Self {
            has_scheme,
            names_host,
            host: &host[..host.len() - port.map_or(0, str::len)],
            path,
        }
    }

    /// The path below `hub`, if it leads there.
    fn below(&self, hub: &Address<'_>) -> Option<&'a str> {
        if !self.names_host || !self.host.eq_ignore_ascii_case(hub.host) {
            return None;
        }
        match hub.path.trim_end_matches('/') {
            "" => Some(self.path),
            path => {
                let rest = self.path.strip_prefix(path)?;
                rest.strip_prefix('/').or(rest.is_empty().then_some(rest))
            }
        }
    }
}

/// `mark` stands before a revision: an at, or `/tree/` in the address of a page where a branch is looked at.
fn hub_id(path: &str, mark: &str) -> Option<ModelId> {
    let (path, quantisation) = match path.split_once(':') {
        Some((path, quantisation)) => (path, Some(quantisation)),
        None => (path, None),
    };
    let (id, revision) = match path.split_once(mark) {
        Some((id, revision)) => (id, Some(revision)),
        None => (path, None),
    };
    let (org, name) = id.strip_suffix('/').unwrap_or(id).split_once('/')?;
    let revision = revision.map(|it| it.strip_suffix('/').unwrap_or(it));
    let is_plain = [Some(org), Some(name), quantisation]
        .into_iter()
        .flatten()
        .all(is_hub_name)
        && revision.is_none_or(is_revision);
    is_plain.then(|| ModelId::Hub {
        org: org.to_owned(),
        name: name.to_owned(),
        revision: revision.map(str::to_owned),
        quantisation: quantisation.map(str::to_owned),
    })
}

/// Names of branches may hold slashes (`refs/pr/1`).
fn is_revision(text: &str) -> bool {
    text.split('/').all(is_hub_name)
}

/// The hub allows letters, digits, `-`, `_` and `.`; a name never begins with a dot.
fn is_hub_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Result<ModelId, ModelIdError>) {
        let home = Some(Path::new("/home/me"));
        let got = ModelId::parse(
            text,
            Path::new("/base"),
            home,
            Some("http://clara:word@Mirror:80/hub/"),
        );
        assert_eq!(&got, expected, "{text}");
    }

    #[cfg(unix)]
    fn folder(path: &str) -> Result<ModelId, ModelIdError> {
        Ok(ModelId::Folder(PathBuf::from(path)))
    }

    #[test]
    #[cfg(unix)]
    fn folders_are_told_from_hub_ids_by_their_first_part() {
        check("/models/x", &folder("/models/x"));
        check("./x/y", &folder("/base/./x/y"));
        check("../x", &folder("/base/../x"));
        check("x.gguf", &folder("/base/x.gguf"));
        check("models/x.GGUF", &folder("/base/models/x.GGUF"));
        for home in HOMES {
            check(&format!("{home}/x"), &folder("/home/me/x"));
        }
    }

    fn hub(org: &str, name: &str, revision: Option<&str>) -> ModelId {
        ModelId::Hub {
            org: org.to_owned(),
            name: name.to_owned(),
            revision: revision.map(str::to_owned),
            quantisation: None,
        }
    }

    #[test]
    fn one_slash_between_plain_names_is_a_hub_id() {
        let id = hub("GSAI-ML", "LLaDA-1.5", None);
        for text in [
            "GSAI-ML/LLaDA-1.5",
            "GSAI-ML/LLaDA-1.5/",
            "https://huggingface.co/GSAI-ML/LLaDA-1.5",
            "https://huggingface.co/GSAI-ML/LLaDA-1.5/?library=transformers",
            "huggingface.co/GSAI-ML/LLaDA-1.5",
            "hf.co/GSAI-ML/LLaDA-1.5/",
            "HTTP://HuggingFace.co/GSAI-ML/LLaDA-1.5",
            "https://mirror:80/hub/GSAI-ML/LLaDA-1.5#readme",
            "mirror:80/hub/GSAI-ML/LLaDA-1.5",
            "https://huggingface.co:443/GSAI-ML/LLaDA-1.5",
            "https://mirror/hub/GSAI-ML/LLaDA-1.5",
            "https://me@mirror/hub/GSAI-ML/LLaDA-1.5",
        ] {
            check(text, &Ok(id.clone()));
        }
        assert_eq!(id.to_string(), "GSAI-ML/LLaDA-1.5");
        assert_eq!(id.short_name(), "LLaDA-1.5");
        // One word is no host, whatever the endpoint is called.
        check("mirror/hub", &Ok(hub("mirror", "hub", None)));
        let file = ModelId::Folder("/models/LLaDA-8B-Q4_K_M.gguf".into());
        assert_eq!(file.short_name(), "LLaDA-8B-Q4_K_M");
    }

    #[test]
    fn a_revision_stands_behind_an_at_or_in_the_address() {
        let id = hub("a", "b", Some("refs/pr/1"));
        check("a/b@refs/pr/1", &Ok(id.clone()));
        check("https://huggingface.co/a/b/tree/refs/pr/1", &Ok(id.clone()));
        assert_eq!(id.to_string(), "a/b@refs/pr/1");
    }

    #[test]
    fn a_quantisation_stands_behind_a_colon() {
        let id = |revision: Option<&str>| ModelId::Hub {
            org: "a".to_owned(),
            name: "b-GGUF".to_owned(),
            revision: revision.map(str::to_owned),
            quantisation: Some("Q4_K_M".to_owned()),
        };
        check("a/b-GGUF:Q4_K_M", &Ok(id(None)));
        check("https://huggingface.co/a/b-GGUF:Q4_K_M", &Ok(id(None)));
        check("a/b-GGUF@main:Q4_K_M", &Ok(id(Some("main"))));
        assert_eq!(id(Some("main")).to_string(), "a/b-GGUF@main:Q4_K_M");
        assert_eq!(id(None).short_name(), "b-GGUF");
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in [
            "",
            "llada",
            "a/b/c",
            "a/..",
            "ftp://x/y/z",
            "a b/c",
            "a/b@",
            "a/b@../x",
            "a/b//",
            "a/b:",
            "a/b:../x",
            "a/b:c:d",
            "https://huggingface.co",
            "https://huggingface.co/",
            "https://huggingface.co/?search=a/b",
            "hf.co/a",
            "mirror:80/a/b",
        ] {
            check(text, &Err(ModelIdError::NoModel(text.to_owned())));
        }
    }

    #[test]
    fn an_address_of_another_host_is_no_model_of_the_hub() {
        for text in [
            "https://x/y",
            "https://github.com/a/b",
            "http://huggingface.co.evil.com/a/b",
            "https://evil.com/huggingface.co/a/b",
            "https://huggingface.com/a/b",
            "https://hf.co@evil.com/a/b",
            "http://mirror/a/b",
            "http://mirror:80/a/b",
            "http://mirror:80/hubs/a/b",
            "https://",
            "http://?huggingface.co/a/b",
        ] {
            check(text, &Err(ModelIdError::OtherHost(text.to_owned())));
        }
    }

    #[test]
    fn builtin_models_have_a_prefix() {
        check("builtin:demo", &Ok(ModelId::Builtin("demo".to_owned())));
    }
}
