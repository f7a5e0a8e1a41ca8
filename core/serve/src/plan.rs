//! What an answer would take, without making it.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json, body::Bytes};
use serde_json::{Value, json};
use unmask_core::engine::Loaded;
use unmask_core::settings::{self, Forwards};

use super::app::App;
use super::client::Client;
use super::error::ApiError;
use super::fields::Fields;
use super::generation::GenerationFields;
use super::native::{loaded, on_a_thread};
use super::prepare::{AnswerKind, AskedAnswers, PreparedTurn};
use super::prompt::Prompt;
use super::unmask_member::AnswerForm;

/// `POST /unmask/v1/plan`
pub(crate) async fn plan(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Fields::parse(&body)?;
    let loaded = loaded(&app, &mut fields, &client).await?;
    let asked = read(fields)?;
    on_a_thread(move || tell(&app, &loaded, &asked).map(Json)).await
}

fn read(mut fields: Fields) -> Result<AskedAnswers, ApiError> {
    fields.hand_down("length", "unmask")?;
    let mut generation = GenerationFields::of_chat(&mut fields)?;
    let prompts = match &generation.unmask.form {
        // Its prompt is in it.
        AnswerForm::Canvas(_) => {
            fields.take::<Value>("messages")?;
            vec![Prompt::Canvas]
        }
        AnswerForm::Masks
        | AnswerForm::Pins(_)
        | AnswerForm::Parts(_)
        | AnswerForm::AnyLength(..) => {
            fields.need_one_of(["messages", "prompt"])?;
            match fields.has("prompt") {
                true => Prompt::of_completion(&mut fields)?,
                false => vec![Prompt::of_chat(&mut fields)?],
            }
        }
    };
    generation.end(fields)?;
    Ok(AskedAnswers {
        kind: AnswerKind::Chat,
        prompts,
        generation,
        echo: false,
    })
}

fn tell(app: &App, loaded: &Arc<Loaded>, asked: &AskedAnswers) -> Result<Value, ApiError> {
    let fitted = asked.generation.fit(loaded, app.limits.max_length)?;
    let (turns, why_not) = match asked.prepare(loaded, app.limits) {
        Ok(turns) => (turns, None),
        Err(error) if error.code == "context_length_exceeded" => (Vec::new(), Some(error.message)),
        Err(error) => return Err(error),
    };
    let costs: Vec<TurnCost> = turns.iter().map(TurnCost::of).collect();
    // Of several holes the longest.
    let (params, length, prompt) = match (turns.last(), costs.last()) {
        (Some(turn), Some(cost)) => (&turn.request.params, cost.length, Some(cost.prompt)),
        _ => (&fitted.fit.params, fitted.fit.length, None),
    };
    let costs = match costs.is_empty() {
        false => costs,
        true => vec![TurnCost {
            prompt: 0,
            length,
            forwards: forwards(params, length),
        }],
    };
    let seconds = |it: &TurnCost| app.seconds(loaded, it.forwards, it.prompt + it.length);
    let approximation = settings::approximation(params);
    Ok(json!({
        "length": length,
        "steps": params.steps,
        "block_length": params.block_length,
        "prompt_tokens": prompt,
        "notes": fitted.fit.notes,
        "forwards": costs.iter().map(|it| it.forwards).sum::<usize>(),
        "forwards_are_most": !params.transfer.is_scheduled(),
        "seconds": costs.iter().map(seconds).sum::<Option<f64>>(),
        "exact": approximation.is_none(),
        "approximation": approximation,
        "fits": why_not.is_none(),
        "why_not": why_not,
    }))
}

/// What a turn takes.
struct TurnCost {
    prompt: usize,
    length: usize,
    forwards: usize,
}

impl TurnCost {
    fn of(turn: &PreparedTurn) -> Self {
        let canvas = &turn.request.input.canvas;
        let (prompt, length) = (canvas.answer_start(), canvas.answer().len());
        Self {
            prompt,
            length,
            forwards: forwards(&turn.request.params, length),
        }
    }
}

fn forwards(params: &unmask_core::Params, length: usize) -> usize {
    let fit = settings::fit(length, params);
    let (Forwards::Planned(forwards) | Forwards::AtMost(forwards)) = Forwards::of(&fit);
    forwards
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(body: &str) -> Value {
        let loaded = crate::fixture::model();
        let asked = read(Fields::parse(body.as_bytes()).expect("it is an object"));
        let turns = asked.expect("it is known").prepare(
            &loaded,
            crate::prepare::AnswerLimits {
                max_length: None,
                shows_all: true,
            },
        );
        let costs: Vec<TurnCost> = turns.expect("it fits").iter().map(TurnCost::of).collect();
        let of = |it: &TurnCost| json!([it.prompt, it.length, it.forwards]);
        costs.iter().map(of).collect()
    }

    #[test]
    fn each_turn_that_would_be_made_counts() {
        for (body, turns) in [
            (r#"{"prompt": "aa"}"#, json!([[2, 16, 16]])),
            (r#"{"prompt": [2, 2], "length": 8}"#, json!([[2, 8, 8]])),
            (
                r#"{"prompt": "aa", "length": 8, "unmask": {"length": null}}"#,
                json!([[2, 8, 8]]),
            ),
            (
                r#"{"prompt": "aa", "length": null, "unmask": {"length": 16}}"#,
                json!([[2, 16, 16]]),
            ),
            (
                r#"{"prompt": "a", "suffix": "b", "max_tokens": 4}"#,
                json!([[1, 5, 4]]),
            ),
            (
                r#"{"messages": [{"role": "user", "content": "a"}], "max_tokens": 4, "unmask": {"parts": [{"text": "b"}, {"hole": "auto"}]}}"#,
                json!([[1, 2, 1], [1, 3, 2], [1, 4, 3], [1, 5, 4]]),
            ),
        ] {
            assert_eq!(plan(body), turns, "{body}");
        }
    }

    #[test]
    fn a_length_is_said_once() {
        for body in [
            r#"{"prompt": "aa", "length": 8, "unmask": {"length": 16}}"#,
            r#"{"prompt": "aa", "length": 8, "unmask": {"length": 8}}"#,
        ] {
            let error = read(Fields::parse(body.as_bytes()).expect("it is an object"));
            let error = error.expect_err("which of them is meant?");
            assert_eq!(error.param.as_deref(), Some("unmask.length"), "{error:?}");
        }
    }
}
