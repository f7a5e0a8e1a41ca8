//! Models of the Hugging Face hub, for `unmask pull` and for the screen: what one takes, and bringing it into the cache.

mod gguf;
mod plan;

use std::ops::ControlFlow;

use gguf::GgufCandidate;
pub use plan::FetchPlan;
use unmask_core::checkpoint::{Locations, hugging_face_folder};
use unmask_core::config::{Config, ConfigError, Environment};
use unmask_core::engine::{Failure, FailureKind};
use unmask_core::model_id::ModelId;
use unmask_core::regular_file::{SMALL, read_text};
use unmask_download::hub::{ENDPOINT, Hub, HubFile, HubModel, Listing, MAIN, PullProgress, Pulled};
use unmask_download::{DownloadError, agent, hub};
use ureq::Agent;

/// Why a model was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It cannot be asked for, or holds nothing that is read.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// A variable cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The hub, the network or the disk.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// No folder can be made for what is looked at.
    #[error("cannot make a folder for what is looked at")]
    Folder(#[source] std::io::Error),
}

/// A model of the hub that may be fetched.
pub struct Fetch {
    /// The hub.
    pub hub: Hub,
    /// What is there.
    pub listing: Listing,
    /// What of it is needed.
    pub files: Vec<HubFile>,
    /// What else it could be, the largest first: GGUF files, of which [`FetchPlan::make`] takes one.
    gguf: Vec<GgufCandidate>,
    agent: Agent,
}

impl Fetch {
    /// Asks what the hub has of `model`: a GGUF file where there is nothing else, or `quantisation` names one.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn look(
        hub: Hub,
        model: &HubModel,
        quantisation: Option<&str>,
    ) -> Result<Self, FetchError> {
        let agent = agent();
        let listing = hub.list(&agent, model)?;
        let gguf = gguf::candidates(&hub, &listing, quantisation)?;
        let files = match gguf.first() {
            Some(largest) => largest.files.clone(),
            None => {
                refuse_without_weights(&listing)?;
                hub::needed(&listing.files)
            }
        };
        Ok(Self {
            files,
            gguf,
            hub,
            listing,
            agent,
        })
    }

    /// Brings the files into the cache; `told` hears of progress, and may end it.
    ///
    /// # Errors
    /// [`FetchError::Download`].
    pub fn pull(
        &self,
        told: &mut dyn FnMut(PullProgress) -> ControlFlow<()>,
    ) -> Result<Pulled, FetchError> {
        let pulled = hub::pull(&self.hub, &self.agent, &self.listing, &self.files, told);
        Ok(pulled?)
    }
}

/// The repository that `config` begins with, in `revision` if one is named.
///
/// # Errors
/// A [`Failure`] if it is none of the hub.
pub fn hub_model(config: &Config, revision: Option<&str>) -> Result<HubModel, Failure> {
    match &config.active_model().model_id.value {
        ModelId::Hub {
            org,
            name,
            revision: of_id,
            ..
        } => Ok(HubModel {
            org: org.clone(),
            name: name.clone(),
            revision: revision.or(of_id.as_deref()).unwrap_or(MAIN).to_owned(),
        }),
        ModelId::Builtin(_) => {
            let text = "the program carries this model; there is nothing to fetch".to_owned();
            Err(Failure::usage(text, ""))
        }
        ModelId::Folder(folder) => {
            let kind = if folder.is_file() { "file" } else { "folder" };
            let text = format!(
                "{} is a {kind} on this machine; name a model of the hub as ORG/NAME",
                folder.display()
            );
            Err(Failure::usage(text, ""))
        }
    }
}

/// Which GGUF file of that repository is meant.
#[must_use]
pub fn quantisation(config: &Config) -> Option<&str> {
    match &config.active_model().model_id.value {
        ModelId::Hub { quantisation, .. } => quantisation.as_deref(),
        ModelId::Builtin(_) | ModelId::Folder(_) => None,
    }
}

/// The hub as Hugging Face's own variables have it.
///
/// # Errors
/// [`FetchError::Refused`] if it is not to be asked, or has no place; [`FetchError::Config`].
pub fn hub(config: &Config, environment: &Environment) -> Result<Hub, FetchError> {
    for name in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        if is_on(environment.text(name)?) {
            let text = format!("{name} says that the hub is not to be asked; unset it");
            return Err(Failure::usage(text, "").into());
        }
    }
    let cache = Locations::new(config, environment).hub;
    let cache = cache.ok_or_else(|| Failure {
        kind: FailureKind::Generation,
        text: "this account has no home folder; set HF_HOME".to_owned(),
        hint: String::new(),
    })?;
    let endpoint = environment.text("HF_ENDPOINT")?.unwrap_or(ENDPOINT);
    Ok(Hub {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        token: token(environment)?,
        cache,
    })
}

fn is_on(text: Option<&str>) -> bool {
    let word = text.unwrap_or_default().to_ascii_uppercase();
    matches!(word.as_str(), "1" | "ON" | "YES" | "TRUE")
}

/// Of a variable, or of the file that `hf auth login` writes.
fn token(environment: &Environment) -> Result<Option<String>, FetchError> {
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(token) = environment.text(name)? {
            return Ok(Some(token.trim().to_owned()));
        }
    }
    if is_on(environment.text("HF_HUB_DISABLE_IMPLICIT_TOKEN")?) {
        return Ok(None);
    }
    let usual = || Some(hugging_face_folder(environment)?.join("token"));
    let Some(path) = environment.path("HF_TOKEN_PATH").or_else(usual) else {
        return Ok(None);
    };
    match read_text(&path, SMALL) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|it| !it.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FetchError::Refused(Failure {
            kind: FailureKind::Generation,
            text: format!(
                "cannot read the token of the hub in {}: {error}",
                path.display()
            ),
            hint: String::new(),
        })),
    }
}

/// What a repository holds instead of weights that can be read.
fn refuse_without_weights(listing: &Listing) -> Result<(), Failure> {
    let ends = |ending: &str| listing.files.iter().any(|it| it.path.ends_with(ending));
    if ends(".safetensors") {
        return Ok(());
    }
    let text = match () {
        () if ends(".bin") || ends(".pt") => {
            "holds its weights as Python pickles, which can run code and are not read; look for safetensors"
        }
        () if ends(".onnx") => {
            "holds ONNX graphs of other programs, which are not read; look for the model they were made from"
        }
        () => "holds no weights",
    };
    Err(Failure {
        kind: FailureKind::Model,
        text: format!("{} {text}", listing.model.id()),
        hint: String::new(),
    })
}

/// What to do about an error of the hub; empty if it says so itself.
#[must_use]
pub fn advice(error: &DownloadError, hub: &Hub, model: &HubModel) -> String {
    let page = format!("{}/{}", hub.endpoint, model.id());
    match error {
        DownloadError::Status { status: 401, .. } if hub.token.is_none() => format!(
            "either there is no such model, or only some may have it: look at {page}, accept its terms, and name your token in HF_TOKEN"
        ),
        DownloadError::Status { status: 401, .. } => {
            "the hub does not take the token of HF_TOKEN or `hf auth login`; make a new one"
                .to_owned()
        }
        DownloadError::Status { status: 403, .. } => {
            format!("accept its terms at {page}; your token must be allowed to read it")
        }
        DownloadError::Status { status: 404, .. } => format!(
            "there is no model {} with a revision `{}` at {}",
            model.id(),
            model.revision,
            hub.endpoint
        ),
        DownloadError::Status { status: 429, .. } => {
            "the hub wants to be left alone for a while; what has come is kept, try again later"
                .to_owned()
        }
        _ => String::new(),
    }
}
