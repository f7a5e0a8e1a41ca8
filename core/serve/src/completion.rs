use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;

use super::app::App;
use super::client::Client;
use super::error::ApiError;
use super::fields::Fields;
use super::generation::GenerationFields;
use super::prepare::{AnswerKind, AskedAnswers};
use super::prompt::{self, Prompt};
use super::run::AnswerRun;
use super::unmask_member::AnswerForm;
use super::{stream, whole};

/// `POST /v1/completions`
pub(crate) async fn completion(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let asked = read(&body, AnswerKind::Completion)?;
    answer(&app, asked, &client).await
}

/// `POST /v1/fim/completions`, as which others know the one with a `suffix`.
pub(crate) async fn fill_in(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let asked = read(&body, AnswerKind::FillIn)?;
    answer(&app, asked, &client).await
}

pub(crate) fn read(body: &[u8], kind: AnswerKind) -> Result<AskedAnswers, ApiError> {
    let mut fields = Fields::parse(body)?;
    let mut generation = GenerationFields::of_completion(&mut fields)?;
    let echo = prompt::echo(&mut fields, generation.logprobs.is_some())?;
    let prompts = match &generation.unmask.form {
        // Its prompt is in it.
        AnswerForm::Canvas(_) => {
            fields.take::<serde_json::Value>("prompt")?;
            vec![Prompt::Canvas]
        }
        _ => Prompt::of_completion(&mut fields)?,
    };
    generation.end(fields)?;
    Ok(AskedAnswers {
        kind,
        prompts,
        generation,
        echo,
    })
}

/// Runs what was asked, as a stream or as a whole.
pub(crate) async fn answer(
    app: &Arc<App>,
    asked: AskedAnswers,
    client: &Client,
) -> Result<Response, ApiError> {
    if app.logs_prompts {
        tracing::info!(client = client.0, prompts = ?asked.prompts, "asked");
    }
    let model = app.model(asked.generation.model.as_deref())?.to_owned();
    let is_stream = asked.generation.stream;
    let run = AnswerRun::enter(app, asked, &client.0).await?;
    Ok(match is_stream {
        true => stream::respond(run, &model),
        false => whole::respond(run, &model).await,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// JSON of any shape.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            let key = prop_oneof![
                Just("text".to_owned()),
                Just("hole".to_owned()),
                Just("role".to_owned()),
                Just("content".to_owned()),
                Just("steps".to_owned()),
                ".{0,4}",
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(key, inner, 0..4)
                    .prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    /// A request that is sound but for one member.
    fn nearly_sound() -> impl Strategy<Value = String> {
        const NAMES: [&str; 21] = [
            "model",
            "messages",
            "prompt",
            "suffix",
            "max_tokens",
            "temperature",
            "seed",
            "stop",
            "n",
            "logprobs",
            "top_logprobs",
            "echo",
            "response_format",
            "tools",
            "logit_bias",
            "audio",
            "top_p",
            "stream",
            "stream_options",
            "unmask",
            "best_of",
        ];
        (prop::sample::select(&NAMES[..]), any_json(), any::<bool>()).prop_map(
            |(name, value, within)| {
                let mut body =
                    json!({"messages": [{"role": "user", "content": "a"}], "prompt": "a"});
                match within {
                    true => body["unmask"] = json!({name: value.clone(), "parts": value}),
                    false => body[name] = value,
                }
                body.to_string()
            },
        )
    }

    /// Whether a request is read or refused as the client's fault.
    fn is_sound_or_refused(read: Result<AskedAnswers, ApiError>) -> bool {
        read.map_or_else(|error| error.status.is_client_error(), |_| true)
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_read_or_refused(body in nearly_sound()) {
            prop_assert!(is_sound_or_refused(read(body.as_bytes(), AnswerKind::Completion)));
            prop_assert!(is_sound_or_refused(crate::chat::read(body.as_bytes())));
        }

        #[test]
        fn bytes_of_any_kind_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(is_sound_or_refused(read(&body, AnswerKind::FillIn)));
            prop_assert!(is_sound_or_refused(crate::chat::read(&body)));
        }
    }
}
