//! Names in paths.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::error::ApiError;

/// The name in a path; what is no text is refused as everything else is.
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(name) =
            (Path::from_request_parts(parts, state).await).map_err(|_: PathRejection| no_text())?;
        Ok(Self(name))
    }
}

fn no_text() -> ApiError {
    let message = "the path holds bytes that are no UTF-8";
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_path", message)
}
