//! A model of `unmask serve`: its turns are laid out here, denoised there, and told as they are there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use unmask_core::api::{Capabilities, ModelFacts};
use unmask_core::config::{ModelEntry, REMOTE};
use unmask_core::engine::{
    Answering, Failure, FailureKind, LaidOut, Loaded, MeasureEvent, MeasureRequest, Measured,
    Outcome, Planned, TurnEvent, TurnInput, TurnRequest, Wanted, Wish,
};
use unmask_core::event::{FinishReason, Stats, TOP};
use unmask_core::family::FamilyRules;
use unmask_core::fold::Fold;
use unmask_core::likelihood::{LikelihoodEstimate, Samples};
use unmask_core::plugin::Running;
use unmask_core::precision::PrecisionReason;
use unmask_core::provenance::Provenance;
use unmask_core::settings::{GenerationPatch, object};
use unmask_core::text::Piece;
use unmask_core::wire::{CanvasLine, Done, Start, StepLine};
use unmask_core::{Canvas, Params, TokenId};

use super::answer::{News, StreamedAnswer};
use super::client::{PATIENCE, RemoteClient};
use super::dialect::served;
use super::options::RemoteOptions;
use super::text_model::ServedText;
use super::vocabulary::RemoteVocabulary;

/// How long a turn that is to stop may take for the step that runs.
const LAST_STEP: Duration = Duration::from_secs(30);

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
        let loaded = loaded(entry, &client, &model, vocabulary, state).map_err(strange)?;
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

/// What the world may know of a server's model.
fn loaded(
    entry: &ModelEntry,
    client: &RemoteClient,
    model: &str,
    said: RemoteVocabulary,
    state: &Value,
) -> Result<Loaded, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let context = state["context"]
        .as_u64()
        .and_then(|it| u32::try_from(it).ok());
    let context = context
        .filter(|&it| it > 0)
        .ok_or("its context is missing")?;
    let Value::Object(settings) = state["settings"].clone() else {
        return Err("its settings are missing".to_owned());
    };
    let (mut defaults, mut default_length) = (Params::default(), 0);
    GenerationPatch::known(settings).apply(&mut defaults, &mut default_length);
    entry.generation.apply(&mut defaults, &mut default_length);
    let backend = &state["backend"];
    let host = client
        .root()
        .split("://")
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let computes = format!("{} {}", text(&backend["name"]), text(&backend["device"]));
    let vocabulary = Arc::new(said.vocabulary);
    let mut provenance = Provenance::default();
    provenance.family = text(&state["family"]);
    provenance.hub = state["model"]["hub"].as_str().map(str::to_owned);
    provenance.tokenizer = text(&state["tokenizer"]["sha256"]);
    provenance.template = text(&state["tokenizer"]["template"]);
    Ok(Loaded {
        key: entry.key.clone(),
        name: text(&state["model"]["name"]),
        provenance,
        backend: REMOTE.to_owned(),
        backend_version: text(&backend["version"]),
        running: Running::Here,
        device: host,
        device_name: computes.clone(),
        device_kind: None,
        precision_reason: PrecisionReason::Named,
        facts: ModelFacts {
            vocab: vocabulary.len(),
            max_positions: context,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: text(&backend["precision"]),
            capabilities: Capabilities::KV_CACHE,
            notes: vec![format!("answers at {} on {computes}", client.root())],
        },
        rules: FamilyRules::default(),
        text: Arc::new(ServedText {
            client: client.clone(),
            model: model.to_owned(),
            special: said.special.clone(),
        }),
        special: said.special,
        vocabulary,
        defaults,
        default_length: default_length.max(1),
        default_seed: None,
        measured: None,
        presets: Vec::new(),
        is_untold: true,
    })
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
        let request = request.laid_out(&self.loaded)?;
        let TurnInput::LaidOut(laid_out) = request.input else {
            return Err(Failure::usage(
                "the turn was not laid out".to_owned(),
                "please report it",
            ));
        };
        let body = self.request(&laid_out, &request.params);
        let turn = ServedTurn {
            answer: StreamedAnswer::ask(&self.client, "/v1/chat/completions", body)?,
            model: self,
            laid_out,
            params: request.params,
            name: None,
            told: Wanted::GoOn,
            fold: None,
        };
        turn.run(wish, tell)
    }

    fn measure(
        &mut self,
        request: &MeasureRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(MeasureEvent),
    ) -> Result<MeasureEvent, Failure> {
        let (samples, strata) = match request.samples {
            Samples::Draws { draws, stratum } => (json!(draws), stratum),
            Samples::Exact => (json!("exact"), 1),
            Samples::Auto { stratum, .. } => (json!("auto"), stratum),
        };
        let masking = request.masking;
        for (index, pair) in request.pairs.iter().enumerate() {
            let ids = |tokens: &[TokenId]| tokens.iter().map(|it| it.0).collect::<Vec<_>>();
            let body = json!({
                "model": self.model,
                "items": [{"context": ids(&pair.context), "continuation": ids(&pair.continuation)}],
                "samples": samples, "strata": strata, "cfg_scale": request.cfg_scale, "greedy": request.greedy,
                "seed": masking.seed, "rule": masking.rule, "pairing": masking.pairing,
            });
            let said = self.client.while_wanted(
                || wish.wanted() == Wanted::GoOn,
                move |client| client.post("/unmask/v1/loglikelihood", &body),
            )?;
            let Some(said) = said else {
                return Ok(MeasureEvent::Stopped);
            };
            let item = &said["data"][0];
            let mean = item["ll"].as_f64().ok_or_else(|| Failure {
                kind: FailureKind::Backend,
                text: format!("{} tells no likelihood", self.client.root()),
                hint: "use the same version of unmask on both sides".to_owned(),
            })?;
            let nfe = item["nfe"]
                .as_u64()
                .and_then(|it| usize::try_from(it).ok())
                .unwrap_or(0);
            tell(MeasureEvent::Measured(Measured {
                pair: index,
                estimate: LikelihoodEstimate {
                    mean,
                    standard_error: item["se"].as_f64(),
                    strata: Vec::new(),
                    nfe,
                },
                greedy: item["greedy"].as_bool(),
                nfe,
            }));
        }
        Ok(MeasureEvent::Finished)
    }
}

/// A turn that a server carries out.
struct ServedTurn<'m> {
    model: &'m UnmaskModel,
    answer: StreamedAnswer,
    laid_out: LaidOut,
    params: Params,
    /// What the server calls it, once it runs.
    name: Option<String>,
    /// What the server knows that is wanted.
    told: Wanted,
    /// The canvas as it stands, once it has begun.
    fold: Option<Fold>,
}

impl ServedTurn<'_> {
    fn run(mut self, wish: &dyn Wish, tell: &dyn Fn(TurnEvent)) -> Result<Outcome, Failure> {
        let mut stopped_at: Option<Instant> = None;
        loop {
            let wanted = wish.wanted();
            match (&self.name, wanted) {
                (_, Wanted::Abandon) | (None, Wanted::Stop) => return Ok(self.left(tell)),
                (None, Wanted::GoOn | Wanted::Rest) => (),
                (Some(_), wanted) if wanted == self.told => (),
                (Some(name), Wanted::Stop) => {
                    stopped_at = Some(Instant::now());
                    // A server that does not hear is left.
                    if self.ask(name, wanted).is_err() {
                        return Ok(self.left(tell));
                    }
                    self.told = wanted;
                }
                (Some(name), wanted) => {
                    self.ask(name, wanted)?;
                    self.told = wanted;
                }
            }
            if stopped_at.is_some_and(|at| at.elapsed() > LAST_STEP) {
                return Ok(self.left(tell));
            }
            match self.answer.next(PATIENCE)? {
                News::Quiet => (),
                News::End => return Err(self.strange("it ended without saying how")),
                News::Chunk(mut chunk) => {
                    if let Some(outcome) = self.news(chunk["unmask"].take(), tell)? {
                        return Ok(outcome);
                    }
                }
            }
        }
    }

    /// Tells the server what is wanted. A turn that has ended meanwhile knows nothing of it, and tells its end.
    fn ask(&self, name: &str, wanted: Wanted) -> Result<(), Failure> {
        let word = match wanted {
            Wanted::GoOn => "resume",
            Wanted::Rest => "pause",
            Wanted::Stop | Wanted::Abandon => "stop",
        };
        let path = format!("/unmask/v1/turns/{name}");
        match self.model.client.tell(&path, &json!({"do": word})) {
            Err(failure) if failure.kind != FailureKind::Model => Err(failure),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Hanging up ends what waits or runs there; the canvas is what has come of it, and nobody is asked for its text.
    fn left(self, tell: &dyn Fn(TurnEvent)) -> Outcome {
        let canvas = match self.fold {
            Some(fold) => fold.canvas().clone(),
            None => {
                tell(TurnEvent::Started {
                    canvas: self.laid_out.canvas.clone(),
                    params: Box::new(self.params),
                    left_out: self.laid_out.left_out,
                });
                self.laid_out.canvas
            }
        };
        Outcome {
            text: text_before_masks(&self.model.loaded, &canvas),
            holes: Vec::new(),
            canvas,
            reason: FinishReason::Stopped,
            stats: Stats::default(),
        }
    }

    fn news(&mut self, event: Value, tell: &dyn Fn(TurnEvent)) -> Result<Option<Outcome>, Failure> {
        match event["event"].as_str().unwrap_or_default() {
            "start" => self.start(event, tell)?,
            "step" => {
                let line: StepLine = self.read(event)?;
                let step = line.event();
                let fold = self.fold.as_mut().ok_or("a step came before the start");
                let applied = fold.map_err(str::to_owned).and_then(|fold| {
                    fold.apply(step.step, &step.commits)
                        .map_err(|error| error.to_string())
                });
                applied.map_err(|what| self.strange(&what))?;
                tell(TurnEvent::Step(step));
            }
            "paused" => {
                let step = event["step"]
                    .as_u64()
                    .and_then(|it| usize::try_from(it).ok());
                tell(TurnEvent::Paused(step.unwrap_or(0)));
            }
            "resumed" => tell(TurnEvent::Resumed),
            "done" => {
                let done: Done = self.read(event)?;
                let Some(fold) = &self.fold else {
                    return Err(self.strange("it ended before it began"));
                };
                let canvas = fold.canvas().clone();
                return self
                    .outcome(canvas, done.text, done.reason, done.stats)
                    .map(Some);
            }
            // What waits or loads there, and what later versions tell.
            _ => (),
        }
        Ok(None)
    }

    fn start(&mut self, mut event: Value, tell: &dyn Fn(TurnEvent)) -> Result<(), Failure> {
        let name = event["turn"].take();
        self.name = name
            .as_str()
            .filter(|name| is_plain(name))
            .map(str::to_owned);
        let start: Start = self.read(event)?;
        let canvas = start
            .canvas
            .canvas()
            .ok_or_else(|| self.strange("its canvas is none"))?;
        let params = start.params.params();
        self.fold = Some(Fold::new(canvas.clone()));
        tell(TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: self.laid_out.left_out,
        });
        Ok(())
    }

    fn outcome(
        &self,
        canvas: Canvas,
        text: String,
        reason: FinishReason,
        stats: Stats,
    ) -> Result<Outcome, Failure> {
        let hole = |range: &std::ops::Range<usize>| {
            let tokens = canvas.answer().get(range.clone()).unwrap_or_default();
            match reason {
                FinishReason::Stopped => self.model.loaded.text.stopped(tokens),
                FinishReason::Complete | FinishReason::MasksLeft | FinishReason::EndToken => {
                    self.model.loaded.text.finished(tokens)
                }
            }
        };
        Ok(Outcome {
            holes: self
                .laid_out
                .holes
                .iter()
                .map(hole)
                .collect::<Result<_, _>>()?,
            canvas,
            text,
            reason,
            stats,
        })
    }

    fn read<T: serde::de::DeserializeOwned>(&self, event: Value) -> Result<T, Failure> {
        serde_json::from_value(event).map_err(|error| self.strange(&error.to_string()))
    }

    fn strange(&self, what: &str) -> Failure {
        Failure {
            kind: FailureKind::Backend,
            text: format!(
                "{} tells of the turn what is not understood: {what}",
                self.model.client.root()
            ),
            hint: "use the same version of unmask on both sides".to_owned(),
        }
    }
}

/// The answer's text to its first mask or end, by what tokens stand for.
fn text_before_masks(loaded: &Loaded, canvas: &Canvas) -> String {
    let is_text = |token: &&TokenId| **token != loaded.special.mask && !loaded.is_end(**token);
    let bytes = canvas.answer().iter().take_while(is_text);
    let bytes = bytes.flat_map(|&token| match loaded.vocabulary.piece(token) {
        Piece::Bytes(bytes) => bytes,
        Piece::Special(_) | Piece::Unknown => &[],
    });
    let bytes: Vec<u8> = bytes.copied().collect();
    let text = String::from_utf8_lossy(&bytes);
    text.trim_end_matches(char::REPLACEMENT_CHARACTER)
        .to_owned()
}

/// A name that may stand in a path.
fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}
