//! Which path leads where, and what every request passes on its way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use http_body_util::BodyExt as _;
use tokio::time::timeout;
use ulid::Ulid;

use super::app::App;
use super::client::{Client, Ends};
use super::door::{RouteKind, check_body};
use super::error::ApiError;
use super::{chat, completion, likelihood, native, openapi, page, plan, prompt};

/// Bytes of a body.
const LARGEST_BODY: usize = 2 << 20;
/// Bytes of one that is too large which are read to its end, so that whoever sends it hears why.
const LARGEST_REFUSED: u64 = 16 << 20;
/// After which nobody sends any more of it.
const SILENCE: Duration = Duration::from_secs(1);
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
        .route("/v1/chat/completions", taking(chat::chat))
        .route("/v1/completions", taking(completion::completion))
        .route("/v1/fim/completions", taking(completion::fill_in))
        .route("/unmask/v1/tokenize", taking(native::tokenize))
        .route("/unmask/v1/detokenize", taking(native::detokenize))
        .route(
            "/unmask/v1/loglikelihood",
            taking(likelihood::loglikelihood),
        )
        .route("/unmask/v1/plan", taking(plan::plan))
        .route("/unmask/v1/turns/{id}", taking(native::turn))
        .route("/unmask/v1/state", get(native::state))
        .route("/unmask/v1/openapi.json", get(openapi::openapi))
        .route("/unmask/v1/vocabulary", get(native::vocabulary))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(entrance)
        .with_state(app)
}

/// A route that takes JSON.
fn taking<H: Handler<T, Arc<App>>, T: 'static>(handler: H) -> MethodRouter<Arc<App>> {
    post(handler).route_layer(middleware::from_fn(in_json))
}

async fn in_json(request: Request, next: Next) -> Result<Response, ApiError> {
    check_body(request.headers())?;
    Ok(next.run(request).await)
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
    // Before the route is known: a refusal while a body is still sent would not be heard.
    let body = match parts.method == Method::POST {
        true => Body::from(read(body, &parts.headers, patience).await?),
        false => Body::empty(),
    };
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn read(
    mut body: Body,
    headers: &HeaderMap,
    patience: Duration,
) -> Result<Vec<u8>, ApiError> {
    let said = body.size_hint().lower();
    // One that says so is not waited for.
    let read = match said > LARGEST_BODY as u64 {
        true => Ok(Ok(None)),
        false => timeout(patience, collect(&mut body)).await,
    };
    match read {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            // A body that is held back until somebody reads it never comes.
            if said <= LARGEST_REFUSED && !headers.contains_key(header::EXPECT) {
                tokio::spawn(timeout(patience, read_on(body)));
            }
            let message = format!("the body has more than {} MiB", LARGEST_BODY >> 20);
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Err(ApiError::new(status, "body_too_large", message))
        }
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

/// All of a body; `None` if it is too large.
async fn collect(body: &mut Body) -> Result<Option<Vec<u8>>, axum::Error> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if kept.len() + data.len() > LARGEST_BODY {
                return Ok(None);
            }
            kept.extend_from_slice(&data);
        }
    }
    Ok(Some(kept))
}

/// Reads on, and drops it: a connection that is closed while somebody sends takes the answer with it.
async fn read_on(mut body: Body) {
    let mut length = 0;
    while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
        length += frame.data_ref().map_or(0, axum::body::Bytes::len) as u64;
        if length > LARGEST_REFUSED {
            break;
        }
    }
}

/// Lets a page of an allowed origin read the answer; no cookies, no keys that a browser keeps.
fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
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
