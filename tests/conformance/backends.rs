//! The backends under test, and what each is to load.

use std::sync::{Arc, LazyLock};

use unmask_api::{Attention, Backend, Device, ErrorCode, LoadSpec};
use unmask_core::plugin::{
    BackendFilter, BackendSearch, BackendState, Isolation, Registry, Running, SearchPath,
};
use unmask_tests::{compile_plugin, load_spec, plugin, root, worker_launcher};

/// Names the one backend to test.
const VARIABLE: &str = "UNMASK_CONFORMANCE_BACKEND";
/// Names the one precision to test it in.
const PRECISION: &str = "UNMASK_CONFORMANCE_PRECISION";
/// Names its device.
const DEVICE: &str = "UNMASK_CONFORMANCE_DEVICE";
/// Backends without networks: any checkpoint will do, so they get none.
const WITHOUT_NETWORKS: [&str; 2] = ["toy", "ctoy"];
/// Backends that are tested in processes of their own too, in the precision that their device has first.
const ISOLATED: [&str; 2] = ["toy", "candle"];
/// The checkpoint of all others: random weights, 512 tokens, 2 layers.
const GOLDEN: &str = "tests/golden/models/tiny-llada-a";

/// What lies on the search path, looked for once: the examples, and what was built beside these tests.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    // Its file may go once it is loaded.
    let in_c = compile_plugin("plugins/examples/c/toy.c");
    Registry::discover(&SearchPath::new(&BackendSearch {
        // What the user has installed is not under test.
        data_folder: None,
        plugins: vec![in_c.path.clone()],
        isolation: Isolation {
            launcher: worker_launcher(env!("CARGO_BIN_EXE_backend_worker")),
            ..Isolation::default()
        },
        ..BackendSearch::here(vec![plugin("example-toy")])
    }))
});

/// The backends under test.
///
/// # Panics
/// If the one that was asked for cannot be used.
pub(super) fn usable() -> Vec<Arc<dyn Backend>> {
    let find = |name: &str| match REGISTRY.find(name) {
        Ok(backend) => backend,
        Err(error) => panic!("{error}"),
    };
    match std::env::var(VARIABLE) {
        Ok(name) => vec![find(&name)],
        Err(_) => REGISTRY
            .rows()
            .iter()
            .filter(|row| matches!(row.state, BackendState::Usable { .. }))
            .map(|row| find(&row.name))
            .collect(),
    }
}

/// True if one backend is named, and no other demanded.
pub(super) fn is_one_named() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Some of the backends under test once more, in processes of their own.
///
/// # Panics
/// If one does not start.
pub(super) fn isolated() -> Vec<Arc<dyn Backend>> {
    let tested = usable().into_iter();
    let chosen = tested.filter(|backend| ISOLATED.contains(&backend.name()));
    chosen
        .map(|backend| {
            let twin = REGISTRY.find_running(backend.name(), BackendFilter::Usable, Running::Alone);
            twin.expect("its process starts")
        })
        .collect()
}

/// Every library that is no backend or may not be opened, with the reason.
pub(super) fn broken() -> Vec<String> {
    let rows = REGISTRY.rows().iter();
    let told = rows.filter_map(|row| match &row.state {
        BackendState::Broken(reason) => Some(format!("{}: {reason}", row.name)),
        BackendState::Unapproved { since, .. } => Some(format!("{}: {}", row.name, since.reason())),
        BackendState::Usable { .. } | BackendState::Unusable { .. } => None,
    });
    told.collect()
}

/// The precision that is named, or those of its device; one that cannot be loaded if there is none.
pub(super) fn precisions(backend: &dyn Backend) -> Vec<String> {
    if let Ok(named) = std::env::var(PRECISION) {
        return vec![named];
    }
    let precisions = device(backend).map_or_else(Vec::new, |device| device.precisions);
    // One that is for other files than the checkpoint's.
    let is_refused = |precision: &String| {
        let checked = spec(backend, precision).map(|spec| backend.check(&spec));
        matches!(checked, Ok(Err(error)) if error.code() == ErrorCode::Unsupported)
    };
    match precisions.iter().all(is_refused) {
        true => vec!["any".to_owned()],
        false => precisions
            .into_iter()
            .filter(|it| !is_refused(it))
            .collect(),
    }
}

/// That of `UNMASK_CONFORMANCE_DEVICE`, else the first.
fn device(backend: &dyn Backend) -> Option<Device> {
    let named = std::env::var(DEVICE).ok();
    let is_meant = |device: &Device| named.as_ref().is_none_or(|id| device.id == *id);
    backend.devices().into_iter().find(is_meant)
}

/// What `backend` is to load.
///
/// # Errors
/// What is missing.
pub(super) fn spec(backend: &dyn Backend, precision: &str) -> Result<LoadSpec, String> {
    let spec = match WITHOUT_NETWORKS.contains(&backend.name()) {
        true => load_spec("llada", 32),
        false => golden()?,
    };
    Ok(LoadSpec {
        device: device(backend).ok_or("it lists no device")?.id,
        precision: precision.to_owned(),
        ..spec
    })
}

fn golden() -> Result<LoadSpec, String> {
    let folder = root().join(GOLDEN);
    let config = folder.join("config.json");
    let config_json = std::fs::read_to_string(&config)
        .map_err(|error| format!("has no checkpoint: {}: {error}", config.display()))?;
    Ok(LoadSpec {
        family: "llada".to_owned(),
        weights: vec![folder.join("model.safetensors")],
        folder,
        config_json,
        attention: Attention::Bidirectional,
        ..load_spec("llada", 1)
    })
}
