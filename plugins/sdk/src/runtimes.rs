//! Where the libraries lie that a backend needs and does not carry.
//!
//! A backend names them with `runtimes` in [`export_backend!`](crate::export_backend), the user fetches them with
//! `unmask backends install NAME`, and the backend opens them from here.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// `unmask/runtimes/BACKEND` in the user's data folder, which holds a folder `VERSION-FLAVOUR` for each that is installed;
/// it may not exist. `None` for an account without a home.
///
/// The libraries lie in those folders without folders of their own. A folder whose name begins with a point is unfinished.
#[must_use]
pub fn folder(backend: &str) -> Option<PathBuf> {
    Some(own_folder()?.join("runtimes").join(backend))
}

/// `unmask/backends` in the user's data folder, where backends are looked for; it may not exist.
#[must_use]
pub fn backends_folder() -> Option<PathBuf> {
    Some(own_folder()?.join("backends"))
}

fn own_folder() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.data_dir().join("unmask"))
}
