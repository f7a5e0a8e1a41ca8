use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;

use super::app::App;
use super::client::Client;
use super::completion::answer;
use super::error::ApiError;
use super::fields::Fields;
use super::generation::GenerationFields;
use super::prepare::{AnswerKind, AskedAnswers};
use super::prompt::Prompt;
use super::unmask_member::AnswerForm;

/// `POST /v1/chat/completions`
pub(crate) async fn chat(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let asked = read(&body)?;
    answer(&app, asked, &client).await
}

pub(crate) fn read(body: &[u8]) -> Result<AskedAnswers, ApiError> {
    let mut fields = Fields::parse(body)?;
    let mut generation = GenerationFields::of_chat(&mut fields)?;
    let prompt = match &generation.unmask.form {
        // Its prompt is in it.
        AnswerForm::Canvas(_) => fields
            .take::<serde_json::Value>("messages")
            .map(|_| Prompt::Canvas),
        _ => Prompt::of_chat(&mut fields),
    }?;
    generation.end(fields)?;
    Ok(AskedAnswers {
        kind: AnswerKind::Chat,
        prompts: vec![prompt],
        generation,
        echo: false,
    })
}
