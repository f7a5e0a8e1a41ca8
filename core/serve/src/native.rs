//! What OpenAI's API has no word for: tokens, running turns, the server itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json, body::Bytes};
use serde::Deserialize;
use serde_json::{Value, json};
use unmask_core::TokenId;
use unmask_core::engine::{Loaded, SpecialTokens};
use unmask_core::settings::object;
use unmask_core::wire::{BackendLine, ModelLine, TokenText, TokenizerLine};

use super::app::App;
use super::client::Client;
use super::error::ApiError;
use super::fields::Fields;
use super::path_text::PathText;
use super::prepare::tokens;
use super::prompt::Prompt;
use super::queue::WorkKind;
use super::run::finished;

/// `POST /unmask/v1/tokenize`
pub(crate) async fn tokenize(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::parse(&body)?;
    let loaded = loaded(&app, &mut fields, &client).await?;
    fields.need_one_of(["text", "messages"])?;
    let prompt = match fields.take::<String>("text")? {
        Some(text) => Prompt::Text(text),
        None => Prompt::of_chat(&mut fields)?,
    };
    let special: Option<SpecialWord> = fields.take("special")?;
    fields.end()?;
    let names = special.unwrap_or(SpecialWord::Parse);
    on_a_thread(move || {
        let tokens = match (&prompt, names) {
            (Prompt::Text(text), SpecialWord::Plain) => loaded.text.encode_names_as_text(text),
            _ => tokens(&prompt, &loaded),
        };
        let tokens = tokens.map_err(|it| ApiError::of_request(&it, app.limits.shows_all))?;
        Ok(Json(json!({
            "tokens": tokens.iter().map(|it| it.0).collect::<Vec<_>>(),
            "pieces": pieces(&loaded, &tokens),
            "count": tokens.len(),
        })))
    })
    .await
}

/// What names of special tokens in a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SpecialWord {
    /// Those tokens.
    Parse,
    /// Text as any other.
    Plain,
}

/// `POST /unmask/v1/detokenize`
pub(crate) async fn detokenize(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::parse(&body)?;
    let loaded = loaded(&app, &mut fields, &client).await?;
    let tokens: Vec<u32> = fields.need("tokens")?;
    let special = match fields.take("skip_special")?.unwrap_or(false) {
        true => SpecialTokens::LeftOut,
        false => SpecialTokens::Named,
    };
    fields.end()?;
    on_a_thread(move || {
        let tokens: Vec<TokenId> = tokens.into_iter().map(TokenId).collect();
        let text = loaded.text.decode(&tokens, special);
        let text = text.map_err(|it| ApiError::of_request(&it, app.limits.shows_all))?;
        Ok(Json(
            json!({"text": text, "pieces": pieces(&loaded, &tokens)}),
        ))
    })
    .await
}

/// What is to become of a running turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TurnWish {
    Pause,
    Resume,
    Stop,
}

/// `POST /unmask/v1/turns/{id}`
pub(crate) async fn turn(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    PathText(id): PathText,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::parse(&body)?;
    let wish: TurnWish = fields.need("do")?;
    fields.end()?;
    let turn = app.turn(&id, &client.0, wish == TurnWish::Stop)?;
    match wish {
        TurnWish::Pause => turn.pause(),
        TurnWish::Resume => turn.resume(),
        TurnWish::Stop => turn.stop(),
    }
    Ok(Json(json!({"id": id, "ok": true})))
}

/// `GET /unmask/v1/state`
pub(crate) async fn state(State(app): State<Arc<App>>) -> Json<Value> {
    let model = app.host.model().borrow().clone();
    let queue = app.admission.state();
    let loaded = model.loaded.as_deref();
    Json(json!({
        "program": concat!("unmask ", env!("CARGO_PKG_VERSION")),
        "active": app.models.active,
        "models": app.models.list.iter().map(|it| model_json(&app, &it.key)).collect::<Vec<_>>(),
        "loaded": loaded.map(|it| json!({
            "model": ModelLine::of(it),
            "family": it.provenance.family,
            "tokenizer": TokenizerLine::of(it),
            "backend": BackendLine::of(it),
            "context": it.facts.max_positions,
            "vocabulary": it.facts.vocab,
            "mask": it.special.mask.0,
            "ends": it.special.ends().map(|token| token.0).collect::<Vec<_>>(),
            "memory_bytes": it.facts.memory_bytes,
            "settings": object(&it.defaults, it.default_length),
        })),
        "loading": model.loading.map(|it| json!({
            "model": it.key, "stage": it.stage, "done": it.done, "total": it.total
        })),
        "failed": model.failed.map(|(key, failure)| json!({
            "model": key, "message": ApiError::of(&failure, app.limits.shows_all).message
        })),
        "running": queue.running,
        "waiting": queue.waiting,
        "parallel": queue.parallel,
        "batch": app.host.at_once(model.loaded.as_ref()).1,
    }))
}

/// `GET /unmask/v1/vocabulary`: what tokens are, for a screen that folds steps itself.
pub(crate) async fn vocabulary(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let loaded = app.host.loaded().ok_or_else(not_loaded)?;
    let sha256 = loaded.provenance.tokenizer.clone();
    let tag = HeaderValue::from_str(&format!("\"{}-{sha256}\"", loaded.facts.vocab))
        .unwrap_or(HeaderValue::from_static("\"\""));
    let is_known = headers.get(header::IF_NONE_MATCH) == Some(&tag);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => on_a_thread(move || {
            let ids: Vec<TokenId> = (0..loaded.facts.vocab as u32).map(TokenId).collect();
            let special = &loaded.special;
            let id = |token: TokenId| token.0;
            Ok(Json(json!({
                "model": loaded.key,
                "sha256": sha256,
                "pieces": pieces(&loaded, &ids),
                "special": {
                    "mask": special.mask.0,
                    "eos": special.eos.0,
                    "eot": special.eot.map(id),
                    "bos": special.bos.map(id),
                    "ends": special.ends().map(id).collect::<Vec<_>>(),
                },
            })))
        })
        .await?
        .into_response(),
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// `GET /health`
pub(crate) async fn health(State(app): State<Arc<App>>) -> Json<Value> {
    let is_loading = app.host.model().borrow().loading.is_some();
    let status = if is_loading { "loading" } else { "ok" };
    Json(json!({ "status": status }))
}

/// `GET /v1/models`
pub(crate) async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    let list = app.models.list.iter().map(|it| model_json(&app, &it.key));
    Json(json!({"object": "list", "data": list.collect::<Vec<_>>()}))
}

/// `GET /v1/models/{id}`
pub(crate) async fn model(
    State(app): State<Arc<App>>,
    PathText(id): PathText,
) -> Result<Json<Value>, ApiError> {
    let key = app.model(Some(&id))?.to_owned();
    Ok(Json(model_json(&app, &key)))
}

fn model_json(app: &App, key: &str) -> Value {
    let loaded = app.host.loaded().filter(|it| it.key == key);
    let served = app.served(key);
    json!({
        "id": key,
        "object": "model",
        "created": app.began,
        "owned_by": "unmask",
        "unmask": {
            "name": loaded.as_ref().map(|it| it.name.clone()).or(served.map(|it| it.name.clone())),
            "description": served.map(|it| &it.description),
            "family": loaded.as_ref().map(|it| &it.provenance.family),
            "context": loaded.as_ref().map(|it| it.facts.max_positions),
            "loaded": loaded.is_some(),
            "defaults": loaded.as_ref().map(|it| object(&it.defaults, it.default_length)),
        },
    })
}

/// The model that a request means, loaded if it is not: that waits for its turn as an answer does.
pub(crate) async fn loaded(
    app: &Arc<App>,
    fields: &mut Fields,
    client: &Client,
) -> Result<Arc<Loaded>, ApiError> {
    let asked: Option<String> = fields.take("model")?;
    let key = app.model(asked.as_deref())?.to_owned();
    if let Some(loaded) = app.host.loaded().filter(|it| it.key == key) {
        return Ok(loaded);
    }
    let waiting = app.admission.enter(&client.0, WorkKind::Turns, &key)?;
    let admitted = waiting.admitted.await;
    let admitted = admitted.map_err(|_| ApiError::shutdown())?;
    admitted.map_err(|failure| ApiError::of(&failure, app.limits.shows_all))
}

fn not_loaded() -> ApiError {
    let message = "no model is loaded yet; ask again";
    ApiError {
        retry_after: Some(1),
        ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "loading", message)
    }
}

/// What tokens stand for; null for ids that the tokenizer does not know.
fn pieces(loaded: &Loaded, tokens: &[TokenId]) -> Vec<Option<TokenText>> {
    let piece = |&token| TokenText::of(&loaded.vocabulary, token);
    tokens.iter().map(piece).collect()
}

/// Work that may take its time.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    finished(tokio::task::spawn_blocking(work).await)
}
