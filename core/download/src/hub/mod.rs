//! The Hugging Face hub: what a repository holds, what of it a model needs, and the cache that Hugging Face's own programs share
//! (`models--ORG--NAME/{blobs,refs,snapshots}`, as its documentation "Understand caching" has it).

mod cache;
mod listing;
mod needed;
mod preview;
mod pull;

use std::path::PathBuf;

pub use listing::{HubFile, Listing};
pub use needed::needed;
pub use preview::preview;
pub use pull::{PullProgress, Pulled, missing, pull};

/// The hub's own address.
pub const ENDPOINT: &str = "https://huggingface.co";
/// The revision of who names none.
pub const MAIN: &str = "main";

/// Where the hub is, who asks, and where its files go.
#[derive(Clone)]
pub struct Hub {
    /// Its address, without a slash at the end.
    pub endpoint: String,
    /// The user's token.
    pub token: Option<String>,
    /// The cache's folder, `hub` in that of Hugging Face.
    pub cache: PathBuf,
}

/// A repository of the hub at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubModel {
    /// The part before the slash.
    pub org: String,
    /// The part after it.
    pub name: String,
    /// A branch, a tag or a commit.
    pub revision: String,
}

impl HubModel {
    /// `ORG/NAME`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.org, self.name)
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is nobody's business.
        out.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
