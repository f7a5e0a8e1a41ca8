use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::Path;

/// How a backend's file name begins, after the system's prefix for libraries.
pub(super) const STEM: &str = "unmask_backend_";

/// The backend's name as its file tells it: `candle` for `libunmask_backend_candle.so`.
pub(super) fn name_in(path: &Path) -> Option<&str> {
    path.file_name()?
        .to_str()?
        .strip_suffix(DLL_SUFFIX)?
        .strip_prefix(DLL_PREFIX)?
        .strip_prefix(STEM)
}
