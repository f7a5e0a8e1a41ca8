use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use unmask_core::engine::{Failure, FailureKind};

/// Tells the SDKs of OpenAI not to send the same once more.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a request is not answered, as clients of the OpenAI API know it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    /// What clients tell apart: `context_length_exceeded`.
    pub(crate) code: &'static str,
    /// The field that is wrong.
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    /// Seconds after which the same may succeed.
    pub(crate) retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            param: None,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A field that cannot be used.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_value", message)
        }
    }

    /// A field that would change the answer's meaning and that nothing here can honour.
    pub(crate) fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: "unsupported_parameter",
            ..Self::invalid(param, message)
        }
    }

    pub(crate) fn shutdown() -> Self {
        let message = "the server is ending; ask again once it is back";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "shutdown", message)
    }

    /// What the engine says; `shows_all` if whoever asked may read paths and what backends say.
    pub(crate) fn of(failure: &Failure, shows_all: bool) -> Self {
        let (status, code, instead) = match failure.kind {
            FailureKind::Usage => (StatusCode::BAD_REQUEST, "invalid_value", None),
            FailureKind::Context { .. } => {
                (StatusCode::BAD_REQUEST, "context_length_exceeded", None)
            }
            FailureKind::Config => (
                StatusCode::SERVICE_UNAVAILABLE,
                "configuration",
                Some("the server's configuration cannot be used; its log says why"),
            ),
            FailureKind::Model => (
                StatusCode::NOT_FOUND,
                "model_not_found",
                Some("the server has the model in its list, but cannot load it; its log says why"),
            ),
            FailureKind::NoModel => (
                StatusCode::SERVICE_UNAVAILABLE,
                "backend",
                Some("the model's process has ended; ask again"),
            ),
            FailureKind::Backend => (
                StatusCode::SERVICE_UNAVAILABLE,
                "backend",
                Some("the server's backend does not work; its log says why"),
            ),
            FailureKind::Memory => (
                StatusCode::SERVICE_UNAVAILABLE,
                "out_of_memory",
                Some("the server has too little memory for this; ask for a shorter answer"),
            ),
            FailureKind::Generation => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "generation",
                Some("denoising failed; the server's log says why"),
            ),
        };
        let message = match instead {
            Some(instead) if !shows_all => instead.to_owned(),
            _ => failure.to_string(),
        };
        Self::new(status, code, message)
    }

    /// What a text holds that the network has no row for: the request's fault, not the model's.
    pub(crate) fn of_request(failure: &Failure, shows_all: bool) -> Self {
        match failure.kind {
            FailureKind::Model => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_value", &*failure.text)
            }
            _ => Self::of(failure, shows_all),
        }
    }

    /// The body.
    pub(crate) fn json(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind(),
            "param": self.param,
            "code": self.code,
        }})
    }

    fn kind(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::NOT_FOUND => "not_found_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_client_error() => "invalid_request_error",
            _ => "server_error",
        }
    }

    /// Whether the same may succeed a little later.
    fn may_retry(&self) -> bool {
        matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        )
    }
}

/// What the server itself has done wrong.
pub(crate) fn bug(what: &str) -> ApiError {
    tracing::error!(what, "the server met a bug");
    let message = "the server met a bug; its log says more";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.json())).into_response();
        let headers = response.headers_mut();
        if !self.may_retry() {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_the_status_that_clients_know() {
        let context = FailureKind::Context {
            tokens: 9,
            limit: 8,
            room: 0,
        };
        for (kind, status, code) in [
            (FailureKind::Usage, 400, "invalid_value"),
            (context, 400, "context_length_exceeded"),
            (FailureKind::Model, 404, "model_not_found"),
            (FailureKind::Generation, 500, "generation"),
            (FailureKind::Backend, 503, "backend"),
            (FailureKind::NoModel, 503, "backend"),
            (FailureKind::Memory, 503, "out_of_memory"),
            (FailureKind::Config, 503, "configuration"),
        ] {
            let failure = Failure {
                kind,
                text: "it failed".to_owned(),
                hint: String::new(),
            };
            let error = ApiError::of(&failure, true);
            assert_eq!((error.status.as_u16(), error.code), (status, code));
            let response = error.into_response();
            let retry = response.headers().get(SHOULD_RETRY);
            let retry = retry.map(HeaderValue::as_bytes);
            let expected = (status < 503).then_some(&b"false"[..]);
            assert_eq!(retry, expected, "{code}");
        }
        assert_eq!(ApiError::shutdown().status.as_u16(), 503);
    }
}
