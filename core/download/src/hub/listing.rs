use serde::Deserialize;
use ureq::http::header;
use ureq::{Agent, Body};

use super::{Hub, HubModel};
use crate::fetch::{status_error, unreached};
use crate::{ContentHash, DownloadError, RemoteFile, shown};

/// The longest list that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// What a repository holds at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which repository; its id as the hub says it, which may have changed.
    pub model: HubModel,
    /// The commit that the revision names.
    pub commit: String,
    /// Its files.
    pub files: Vec<HubFile>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    /// Its path in the repository, with slashes.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// What it holds.
    pub hash: ContentHash,
}

/// As the hub writes it.
#[derive(Deserialize)]
struct Answer {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    sha256: String,
    size: u64,
}

impl Hub {
    /// Asks what `model` holds.
    ///
    /// # Errors
    /// [`DownloadError`]; also if the hub names files as none may be called.
    pub fn list(&self, agent: &Agent, model: &HubModel) -> Result<Listing, DownloadError> {
        let HubModel {
            org,
            name,
            revision,
        } = model;
        let revision = revision.replace('/', "%2F");
        let address = format!(
            "{}/api/models/{org}/{name}/revision/{revision}?blobs=true",
            self.endpoint
        );
        let text = self.text(agent, &address)?;
        let wrong = |what: String| DownloadError::Answer {
            address: shown(&address),
            what,
        };
        let answer: Answer =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if !is_commit(&answer.sha) {
            return Err(wrong(format!("its commit is called {:?}", answer.sha)));
        }
        let files = answer.siblings.into_iter().map(|sibling| {
            let name = sibling.rfilename.clone();
            HubFile::read(sibling).ok_or_else(|| wrong(format!("its file {name:?}")))
        });
        Ok(Listing {
            model: model.clone(),
            commit: answer.sha,
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// Where a file of a listing is.
    #[must_use]
    pub fn remote(&self, listing: &Listing, file: &HubFile) -> RemoteFile {
        let path: Vec<String> = file.path.split('/').map(escaped).collect();
        RemoteFile {
            name: file.path.clone(),
            address: format!(
                "{}/{}/resolve/{}/{}",
                self.endpoint,
                listing.model.id(),
                listing.commit,
                path.join("/")
            ),
            bytes: file.bytes,
            hash: file.hash.clone(),
            token: self.token.clone(),
        }
    }

    fn text(&self, agent: &Agent, address: &str) -> Result<String, DownloadError> {
        let mut request = agent.get(address);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let failed = |error| unreached(address, error);
        let mut answer: ureq::http::Response<Body> = request.call().map_err(failed)?;
        if !answer.status().is_success() {
            return Err(status_error(address, answer));
        }
        let body = answer.body_mut().with_config().limit(LONGEST);
        body.read_to_string().map_err(failed)
    }
}

impl HubFile {
    /// `None` if it is called as no file may be, or lacks its size or hash.
    fn read(sibling: Sibling) -> Option<Self> {
        let (bytes, hash) = match sibling.lfs {
            Some(large) => (large.size, ContentHash::Sha256(large.sha256)),
            None => (sibling.size?, ContentHash::GitBlob(sibling.blob_id?)),
        };
        let part =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
        let is_path = sibling.rfilename.split('/').all(part);
        (is_path && hash.is_well_formed()).then_some(Self {
            path: sibling.rfilename,
            bytes,
            hash,
        })
    }
}

/// It becomes the name of a folder.
fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// As part of an address.
fn escaped(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    part.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, hash: &str) -> Option<HubFile> {
        HubFile::read(Sibling {
            rfilename: name.to_owned(),
            size: Some(3),
            blob_id: Some(hash.to_owned()),
            lfs: None,
        })
    }

    #[test]
    fn what_would_leave_its_folder_is_no_file() {
        let hash = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert!(file("a/b.json", hash).is_some());
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "c:x",
            "a\\b",
        ] {
            assert_eq!(file(name, hash), None, "{name}");
        }
        for hash in ["", "..", "ce01", "xe013625030b8dba9060f756967f9e9ca394464a"] {
            assert_eq!(file("a", hash), None, "{hash}");
        }
    }

    #[test]
    fn addresses_hold_what_names_may() {
        assert_eq!(escaped("a b#c.json"), "a%20b%23c.json");
        assert_eq!(escaped("ä"), "%C3%A4");
    }
}
