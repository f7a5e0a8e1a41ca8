//! The page: files that the program carries, each with what keeps them from doing more than they are for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use unmask_core::settings::{Bounds, Changes, Counted, Definition, Domain, OneOf, TABLE};
use unmask_pages::PAGE_FILES;

use super::app::App;
use super::error::ApiError;
use super::path_text::PathText;
use super::prompt::no_such_route;

/// Scripts, styles and requests of the server's own and nothing else; what a model writes can neither become a script nor
/// load an image from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// `GET /`
pub(crate) async fn index(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    file(&app, "index.html")
}

/// `GET /page/NAME`
pub(crate) async fn part(
    State(app): State<Arc<App>>,
    PathText(name): PathText,
) -> Result<Response, ApiError> {
    file(&app, &name)
}

/// `GET /page/settings.json`: the table of settings for whoever draws it.
pub(crate) async fn settings() -> Json<Value> {
    Json(TABLE.iter().map(setting).collect())
}

fn setting(row: &Definition) -> Value {
    json!({
        "key": row.key,
        "label": row.label,
        "help": row.help,
        "remark": row.remark,
        "about": row.about,
        "domain": domain(row.domain),
        "default": row.default(),
        "is_approximate": row.changes == Changes::TokensForSpeed,
        "one_of": row.one_of.map(|OneOf::Transfer| "transfer"),
    })
}

fn domain(domain: Domain) -> Value {
    let bounded = |kind, bounds: Bounds| {
        json!({
            "kind": kind,
            "range": bounds.range,
            "arrows": bounds.arrows,
            "per_one": bounds.per_one,
            "digits": bounds.digits,
        })
    };
    match domain {
        Domain::Count(Counted::Answer) => json!({"kind": "count", "of": "answer"}),
        Domain::Count(Counted::Block) => json!({"kind": "count", "of": "block"}),
        Domain::Count(Counted::Steps) => json!({"kind": "count", "of": "steps"}),
        Domain::Number(bounds) => bounded("number", bounds),
        Domain::Optional(bounds) => bounded("optional", bounds),
        Domain::Switch => json!({"kind": "switch"}),
        Domain::Choice(words) => {
            json!({"kind": "choice", "words": words.iter().map(|it| it.word).collect::<Vec<_>>()})
        }
        Domain::Seed => json!({"kind": "seed"}),
    }
}

fn file(app: &App, name: &str) -> Result<Response, ApiError> {
    let file = PAGE_FILES.iter().find(|it| it.name == name);
    let file = file
        .filter(|_| app.has_page)
        .ok_or_else(|| no_such_route(&format!("/page/{name}")))?;
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, file.media_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
