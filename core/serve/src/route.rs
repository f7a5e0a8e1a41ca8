//! Which path leads where, and what every request passes on its way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http_body_util::LengthLimitError;
use tokio::time::timeout;
use ulid::Ulid;

use super::app::App;
use super::client::{Client, Ends};
use super::door::{RouteKind, check_body};
use super::error::ApiError;
use super::{chat, completion, likelihood, native, openapi, page, plan, prompt};

/// Bytes of a body.
const LARGEST_BODY: usize = 2 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) fn router(app: Arc<App>) -> Router {
    let entrance = middleware::from_fn_with_state(Arc::clone(&app), enter);
    Router::new()
        .route("/", get(page::index))
        .route("/page/settings.json", get(page::settings))
        .route("/page/{*name}", get(page::part))
        .route("/health", get(native::health))
        .route("/v1/models", get(native::models))
        .route("/v1/models/{*id}", get(native::model))
        .route("/v1/chat/completions", post(chat::chat))
        .route("/v1/completions", post(completion::completion))
        .route("/v1/fim/completions", post(completion::fill_in))
        .route("/unmask/v1/tokenize", post(native::tokenize))
        .route("/unmask/v1/detokenize", post(native::detokenize))
        .route("/unmask/v1/loglikelihood", post(likelihood::loglikelihood))
        .route("/unmask/v1/plan", post(plan::plan))
        .route("/unmask/v1/turns/{id}", post(native::turn))
        .route("/unmask/v1/state", get(native::state))
        .route("/unmask/v1/openapi.json", get(openapi::openapi))
        .route("/unmask/v1/vocabulary", get(native::vocabulary))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(entrance)
        .with_state(app)
}

async fn nowhere(uri: Uri) -> ApiError {
    prompt::no_such_route(uri.path())
}

async fn no_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{} does not take {method}", uri.path());
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}

/// Door, key and body, then the route; a line of the log at the end.
async fn enter(
    State(app): State<Arc<App>>,
    Extension(ends): Extension<Ends>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let id = Ulid::new().to_string();
    let mut client = None;
    let (origin, admitted) = match app.door.test(request.uri(), request.headers(), ends.local) {
        Err(error) => (None, Err(error)),
        Ok(origin) => {
            let admitted = admit(&app, ends, &request, origin.as_ref());
            (origin, admitted)
        }
    };
    let answered = match admitted {
        Err(error) => Err(error),
        Ok(admitted) => {
            client = Some(admitted.0.clone());
            go_on(request, admitted, next, app.patience.body).await
        }
    };
    let mut response = answered.unwrap_or_else(ApiError::into_response);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(origin) = origin {
        allow(headers, origin);
    }
    tracing::info!(
        id,
        %method,
        path,
        status = response.status().as_u16(),
        ms = began.elapsed().as_secs_f64() * 1e3,
        client,
        "request"
    );
    response
}

/// Who comes in. A page of an allowed origin that only asks whether it may has no key yet.
fn admit(
    app: &App,
    ends: Ends,
    request: &Request,
    origin: Option<&HeaderValue>,
) -> Result<Client, ApiError> {
    let (method, headers) = (request.method(), request.headers());
    let is_asking = method == Method::OPTIONS && origin.is_some();
    let is_open = RouteKind::of(request.uri().path()) == RouteKind::Open || is_asking;
    let client = match app.keys.name(headers) {
        Some(name) => name.to_owned(),
        None if is_open || !app.keys.are_asked_for() => ends.peer.to_string(),
        None => {
            let message = "this server asks for a key: send it as `authorization: Bearer KEY`";
            return Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "invalid_api_key",
                message,
            ));
        }
    };
    check_body(method, headers)?;
    Ok(Client(client))
}

async fn go_on(
    request: Request,
    client: Client,
    next: Next,
    patience: Duration,
) -> Result<Response, ApiError> {
    if request.method() == Method::OPTIONS {
        // What a page of an allowed origin asks first.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(client);
    let body = match parts.method == Method::POST {
        true => Body::from(read(body, patience).await?),
        false => Body::empty(),
    };
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn read(body: Body, patience: Duration) -> Result<axum::body::Bytes, ApiError> {
    let too_large = || {
        let message = format!("the body has more than {} MiB", LARGEST_BODY >> 20);
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    };
    let is_too_large = |error: &axum::Error| {
        let source = std::error::Error::source(error);
        source.is_some_and(|it| it.is::<LengthLimitError>())
    };
    // One that says so is not waited for.
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    match timeout(patience, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "broken_body",
            "the body broke off, or its chunks are none; send it again",
        )),
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            format!("the body did not come within {} s", patience.as_secs()),
        )),
    }
}

/// Lets a page of an allowed origin read the answer; no cookies, no keys that a browser keeps.
fn allow(headers: &mut axum::http::HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::VARY, "origin"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, x-api-key",
        ),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "x-request-id, retry-after",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests;
