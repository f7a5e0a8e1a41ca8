//! `unmask pull`: a model of the Hugging Face hub into Hugging Face's own cache, once it is known what it needs.

mod plan;

use std::ops::ControlFlow;

use anyhow::anyhow;
use unmask::amount::bytes;
use unmask_core::checkpoint::{Locations, hugging_face_folder};
use unmask_core::config::{Config, Environment};
use unmask_core::engine::{Failure, FailureKind};
use unmask_core::model_id::ModelId;
use unmask_core::regular_file::{SMALL, read_text};
use unmask_download::hub::{ENDPOINT, Hub, HubModel, Listing, MAIN, needed, pull};
use unmask_download::{DownloadError, agent};

use super::meter::ProgressMeter;
use super::signals::Interrupts;
use super::{Usage, code, print};
use crate::cli::PullArguments;
use plan::PullPlan;

pub(super) fn run(
    config: Config,
    environment: &Environment,
    arguments: &PullArguments,
) -> anyhow::Result<u8> {
    let model = hub_model(&config, arguments)?;
    let hub = hub(&config, environment)?;
    let interrupts = Interrupts::watch()?;
    let mut meter = ProgressMeter::until(arguments.quiet, interrupts);
    let agent = agent();
    let failed = |error, meter: &ProgressMeter| failure(error, meter, &hub, &model);
    let listing = hub
        .list(&agent, &model)
        .map_err(|error| failed(error, &meter))?;
    let files = needed(&listing.files);
    refuse_without_weights(&listing)?;
    let plan = PullPlan::make(&config, environment, &hub, &agent, &listing, &files, &meter)
        .map_err(|error| {
            error
                .downcast()
                .map_or_else(|it| it, |it| failed(it, &meter))
        })?;
    match arguments.dry_run {
        true => print(&plan.text)?,
        false => meter.note(plan.text.trim_end()),
    }
    if let (Some(obstacle), false) = (&plan.obstacle, arguments.force) {
        let text = format!("{} was not fetched: {obstacle}", model.id());
        return Err(Failure {
            kind: FailureKind::Model,
            text,
            hint: "--force fetches it all the same".to_owned(),
        }
        .into());
    }
    if arguments.dry_run {
        return Ok(code::DONE);
    }
    let stage = format!("fetching {}", model.id());
    let pulled = pull(&hub, &agent, &listing, &files, &mut |progress| {
        let word = match progress.is_waiting {
            true => format!("{} files (waiting)", files.len()),
            false => format!("{} files", files.len()),
        };
        meter.at_with(&stage, &word, progress.fetched, progress.total);
        match meter.check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    let pulled = pulled.map_err(|error| failed(error, &meter))?;
    meter.clear();
    print(&format!(
        "{} is in {}, {} came now; start it with: unmask -m {}\n",
        model.id(),
        environment.short(&pulled.folder),
        bytes(pulled.fetched),
        plan.name
    ))?;
    Ok(code::DONE)
}

/// The repository that the arguments mean.
fn hub_model(config: &Config, arguments: &PullArguments) -> anyhow::Result<HubModel> {
    let entry = config.active_model();
    match &entry.model_id.value {
        ModelId::Hub {
            org,
            name,
            revision,
        } => {
            let revision = arguments.revision.clone().or_else(|| revision.clone());
            Ok(HubModel {
                org: org.clone(),
                name: name.clone(),
                revision: revision.unwrap_or_else(|| MAIN.to_owned()),
            })
        }
        ModelId::Builtin(_) => Err(Usage(
            "the program carries this model; there is nothing to fetch".to_owned(),
        )
        .into()),
        ModelId::Folder(folder) => {
            let text = format!(
                "{} is a folder on this machine; name a model of the hub as ORG/NAME",
                folder.display()
            );
            Err(Usage(text).into())
        }
    }
}

/// The hub as Hugging Face's own variables have it.
fn hub(config: &Config, environment: &Environment) -> anyhow::Result<Hub> {
    for name in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        if is_on(environment.text(name)?) {
            return Err(Usage(format!(
                "{name} says that the hub is not to be asked; unset it"
            ))
            .into());
        }
    }
    let cache = Locations::new(config, environment).hub;
    let cache = cache.ok_or_else(|| anyhow!("this account has no home folder; set HF_HOME"))?;
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
fn token(environment: &Environment) -> anyhow::Result<Option<String>> {
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
        Err(error) => {
            let text = format!("cannot read the token of the hub in {}", path.display());
            Err(anyhow::Error::new(error).context(text))
        }
    }
}

/// What a repository holds instead of weights that can be read.
fn refuse_without_weights(listing: &Listing) -> anyhow::Result<()> {
    let ends = |ending: &str| listing.files.iter().any(|it| it.path.ends_with(ending));
    if ends(".safetensors") {
        return Ok(());
    }
    let text = match () {
        () if ends(".gguf") => {
            "holds GGUF files, which are not read; look for the model they were made from"
        }
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
    }
    .into())
}

/// The error with what to do about it.
fn failure(
    error: DownloadError,
    meter: &ProgressMeter,
    hub: &Hub,
    model: &HubModel,
) -> anyhow::Error {
    if let (DownloadError::Stopped, Err(interrupted)) = (&error, meter.check()) {
        return interrupted.into();
    }
    let page = format!("{}/{}", hub.endpoint, model.id());
    let hint = match &error {
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
    };
    let error = anyhow::Error::new(error);
    match hint.as_str() {
        "" => error,
        _ => error.context(hint),
    }
}
