//! A model of `unmask serve`: its turns are laid out here, denoised there, and told as they are there.

mod facts;
mod likelihood;
mod shown;
mod turn;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use unmask_core::config::ModelEntry;
use unmask_core::engine::{
    Answering, Failure, FailureKind, LaidOut, Loaded, MeasureEvent, MeasureRequest, Outcome,
    Planned, TurnEvent, TurnRequest, Wanted, Wish,
};
use unmask_core::event::{FinishReason, Stats, TOP};
use unmask_core::settings::object;
use unmask_core::wire::CanvasLine;
use unmask_core::{Canvas, Params};

use super::answer::StreamedAnswer;
use super::client::RemoteClient;
use super::dialect::served;
use super::options::RemoteOptions;
use super::text_model::ServedText;
use super::vocabulary::RemoteVocabulary;
use turn::ServedTurn;

/// A model of `unmask serve`.
pub(crate) struct UnmaskModel {
    client: RemoteClient,
    model: String,
    extra: Map<String, Value>,
    loaded: Arc<Loaded>,
}

impl UnmaskModel {
    /// Has the model loaded there, and asks what it is.
    pub(crate) fn connect(
        entry: &ModelEntry,
        options: RemoteOptions,
        client: RemoteClient,
        models: &Value,
    ) -> Result<Self, Failure> {
        let model = key(&client, models, &options.model)?;
        client.post("/unmask/v1/tokenize", &json!({"model": model, "text": "a"}))?;
        let strange = |what: String| Failure {
            kind: FailureKind::Backend,
            text: format!(
                "{} tells of `{model}` what is not understood: {what}",
                client.root()
            ),
            hint: "use the same version of unmask on both sides".to_owned(),
        };
        let vocabulary =
            RemoteVocabulary::of(client.get("/unmask/v1/vocabulary")?).map_err(strange)?;
        let state = client.get("/unmask/v1/state")?;
        let state = &state["loaded"];
        if vocabulary.model != model || state["model"]["key"] != *model {
            return Err(Failure {
                kind: FailureKind::Backend,
                text: format!("{} has loaded another model meanwhile", client.root()),
                hint: "try again".to_owned(),
            });
        }
        let loaded = facts::loaded(entry, &client, &model, vocabulary, state).map_err(strange)?;
        Ok(Self {
            client,
            model,
            extra: options.extra,
            loaded: Arc::new(loaded),
        })
    }

    fn request(&self, laid_out: &LaidOut, params: &Params) -> Value {
        let canvas = CanvasLine::of(&laid_out.canvas, &self.loaded.special);
        let mut member = object(params, laid_out.canvas.answer().len());
        // The canvas says it.
        member.remove("length");
        for (key, value) in [
            ("stream", json!("steps")),
            ("top", json!(TOP)),
            (
                "canvas",
                json!({
                    "tokens": canvas.tokens,
                    "answer_start": canvas.answer_start,
                    "given": canvas.given,
                    "padding": canvas.padding,
                    "infill": laid_out.planned == Planned::Masks,
                }),
            ),
        ] {
            member.insert(key.to_owned(), value);
        }
        let mut body = json!({"model": self.model, "stream": true, "unmask": member});
        if let Value::Object(body) = &mut body {
            body.extend(self.extra.clone());
        }
        body
    }
}

/// The key of the model that the server knows by this name: its own, or an alias, of which no list tells.
fn key(client: &RemoteClient, models: &Value, name: &str) -> Result<String, Failure> {
    if served(models, name).is_listed {
        return Ok(name.to_owned());
    }
    let found = client.get(&format!("/v1/models/{}", in_a_path(name)));
    let key = found
        .ok()
        .and_then(|it| it["id"].as_str().map(str::to_owned));
    key.ok_or_else(|| {
        let list = models["data"].as_array().into_iter().flatten();
        let names: Vec<&str> = list.filter_map(|it| it["id"].as_str()).collect();
        Failure {
            kind: FailureKind::Model,
            text: format!("{} serves no `{name}`", client.root()),
            hint: format!("write options.model; it serves {}", names.join(", ")),
        }
    })
}

/// A name as a part of an address.
fn in_a_path(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

impl UnmaskModel {
    /// Lays a request out, for which the server is asked for tokens; `None` once the turn is wanted no more.
    fn lay_out(
        &self,
        request: TurnRequest,
        wish: &dyn Wish,
    ) -> Result<Option<TurnRequest<LaidOut>>, Failure> {
        let is_wanted = || match wish.wanted() {
            Wanted::GoOn | Wanted::Rest => true,
            Wanted::Stop | Wanted::Abandon => false,
        };
        let (loaded, model) = (Arc::clone(&self.loaded), self.model.clone());
        self.client.while_wanted(is_wanted, move |client| {
            let text = ServedText {
                client: client.clone(),
                model,
                special: loaded.special.clone(),
            };
            let loaded = Loaded {
                text: Arc::new(text),
                ..(*loaded).clone()
            };
            request.laid_out(&loaded)
        })
    }

    /// A turn that ended before it had a prompt.
    fn unasked(&self, params: Params, tell: &dyn Fn(TurnEvent)) -> Outcome {
        let canvas = Canvas::new(&[], 1, self.loaded.special.mask);
        tell(TurnEvent::Started {
            canvas: canvas.clone(),
            params: Box::new(params),
            left_out: 0,
        });
        Outcome {
            canvas,
            text: String::new(),
            holes: Vec::new(),
            reason: FinishReason::Stopped,
            stats: Stats::default(),
        }
    }
}

impl Answering for UnmaskModel {
    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded)
    }

    fn turn(
        &mut self,
        request: TurnRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, Failure> {
        let params = request.params.clone();
        let Some(request) = self.lay_out(request, wish)? else {
            return Ok(self.unasked(params, tell));
        };
        let TurnRequest {
            input: laid_out,
            params,
            ..
        } = request;
        let body = self.request(&laid_out, &params);
        let answer = StreamedAnswer::ask(&self.client, "/v1/chat/completions", body)?;
        ServedTurn::new(self, answer, laid_out, params).run(wish, tell)
    }

    fn measure(
        &mut self,
        request: &MeasureRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(MeasureEvent),
    ) -> Result<MeasureEvent, Failure> {
        likelihood::measure(&self.client, &self.model, request, wish, tell)
    }
}

#[cfg(test)]
mod tests;
