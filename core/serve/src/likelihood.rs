//! How likely texts are: what `echo` with `logprobs` would pretend to tell.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::timeout;
use unmask_core::TokenId;
use unmask_core::engine::{
    FailureKind, Loaded, MeasureEvent, MeasureId, MeasureRequest, Measured, Sharing,
};
use unmask_core::likelihood::Pair;
use unmask_core::wire::{MeasureSettings, MeasuredItem, SamplesWord, TextOrTokens};

use super::admission::WaitingPlace;
use super::app::App;
use super::client::Client;
use super::error::ApiError;
use super::fields::Fields;
use super::host::RunningMeasure;
use super::native::on_a_thread;
use super::queue::WorkKind;
use super::run::finished;
use super::stream::events;
use super::whole::{self, OwnedTask};

const MOST_ITEMS: usize = 64;

/// Measures one item after the other.
struct MeasureRun {
    app: Arc<App>,
    measure: RunningMeasure,
    /// What it has told already.
    first: Option<MeasureEvent>,
    /// The item of each pair, and its tokens.
    pairs: Vec<PairPlace>,
    sums: Vec<ItemSum>,
    /// Items that are measured whole.
    n_done: usize,
}

/// What is to be measured, and for whom.
struct AskedMeasure {
    client: Client,
    /// The model's key.
    key: String,
    items: Vec<MeasuredItem>,
    settings: MeasureSettings,
}

impl AskedMeasure {
    fn enter(&self, app: &App) -> Result<WaitingPlace, ApiError> {
        (app.admission).enter(&self.client.0, WorkKind::Measurement, &self.key)
    }
}

struct PairPlace {
    item: usize,
    context: usize,
    continuation: usize,
}

/// What has come of an item so far: of the windows of a whole text, the sum.
#[derive(Default)]
struct ItemSum {
    missing: usize,
    ll: f64,
    /// `None` if that of one of them is not known.
    variance: Option<f64>,
    greedy: Option<bool>,
    context: usize,
    continuation: usize,
    nfe: usize,
}

/// `POST /unmask/v1/loglikelihood`
pub(crate) async fn loglikelihood(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let mut fields = Fields::parse(&body)?;
    let model: Option<String> = fields.take("model")?;
    let items: Vec<MeasuredItem> = fields.need("items")?;
    if !(1..=MOST_ITEMS).contains(&items.len()) {
        let message = format!("`items` has {}; 1 to {MOST_ITEMS} may be", items.len());
        return Err(ApiError::invalid("items", message));
    }
    let is_stream: bool = fields.take("stream")?.unwrap_or(false);
    let settings = settings(&mut fields)?;
    fields.end()?;
    let key = app.model(model.as_deref())?.to_owned();
    let (patience, n_items) = (app.patience, items.len());
    let asked = AskedMeasure {
        client,
        key,
        items,
        settings,
    };
    let waiting = asked.enter(&app)?;
    let begin = MeasureRun::begin(app, asked, waiting);
    if !is_stream {
        return Ok(whole::patient(collect(begin), patience).await);
    }
    let begin = tokio::spawn(begin);
    let mut begin = OwnedTask(begin);
    let news = match timeout(patience.quiet, &mut begin.0).await {
        Ok(begun) => MeasureNews::Measuring(Box::new(finished(begun)?)),
        Err(_) => MeasureNews::Beginning(begin),
    };
    Ok(respond(news, n_items, patience.quiet))
}

async fn collect(
    begin: impl Future<Output = Result<MeasureRun, ApiError>>,
) -> Result<String, ApiError> {
    let mut run = begin.await?;
    let mut data = Vec::new();
    while let Some(item) = run.next().await {
        data.push(item?);
    }
    Ok(json!({"object": "list", "data": data}).to_string())
}

fn settings(fields: &mut Fields) -> Result<MeasureSettings, ApiError> {
    let usual = MeasureSettings::default();
    let samples: Option<SamplesWord> = fields.take("samples")?;
    let settings = MeasureSettings {
        samples: samples.unwrap_or(usual.samples),
        strata: fields.take("strata")?.unwrap_or(usual.strata),
        cfg_scale: fields.take("cfg_scale")?.unwrap_or(usual.cfg_scale),
        seed: fields.seed()?.unwrap_or(usual.seed),
        rule: fields.take("rule")?.unwrap_or(usual.rule),
        pairing: fields.take("pairing")?.unwrap_or(usual.pairing),
        greedy: fields.take("greedy")?.unwrap_or(usual.greedy),
        bos: fields.take("bos")?.unwrap_or(usual.bos),
    };
    let refused =
        |it: unmask_core::wire::MeasureError| ApiError::invalid(it.setting, it.to_string());
    settings.check().map_err(refused)?;
    Ok(settings)
}

/// The pairs of all items; an empty context before a text is a whole one, measured in windows.
fn lay_out(
    items: &[MeasuredItem],
    settings: &MeasureSettings,
    loaded: &Loaded,
    shows_all: bool,
) -> Result<(Vec<PairPlace>, MeasureRequest), ApiError> {
    let (mut places, mut all) = (Vec::new(), Vec::new());
    for (item, said) in items.iter().enumerate() {
        let pairs = match (&said.context, &said.continuation) {
            (TextOrTokens::Text(context), TextOrTokens::Text(text)) if context.is_empty() => {
                settings.windows(text, loaded)
            }
            (TextOrTokens::Text(context), TextOrTokens::Text(continuation)) => settings
                .pair(context, continuation, loaded)
                .map(|it| vec![it]),
            (TextOrTokens::Tokens(context), TextOrTokens::Tokens(continuation)) => {
                let pair = Pair {
                    context: ids(context),
                    continuation: ids(continuation),
                };
                settings.checked(pair, loaded).map(|it| vec![it])
            }
            _ => {
                let message = "`context` and `continuation` are both text or both tokens";
                return Err(ApiError::invalid(format!("items.{item}"), message));
            }
        };
        let pairs = pairs.map_err(|failure| ApiError {
            param: Some(format!("items.{item}")),
            ..ApiError::of_request(&failure, shows_all)
        })?;
        places.extend(pairs.iter().map(|pair| PairPlace {
            item,
            context: pair.context.len(),
            continuation: pair.continuation.len(),
        }));
        all.extend(pairs);
    }
    let request = settings.request(MeasureId::default(), all, None);
    Ok((places, request))
}

fn ids(tokens: &[u32]) -> Vec<TokenId> {
    tokens.iter().copied().map(TokenId).collect()
}

fn sums(pairs: &[PairPlace]) -> Vec<ItemSum> {
    let mut sums: Vec<ItemSum> = Vec::new();
    for pair in pairs {
        if sums.len() <= pair.item {
            // Those of a whole text are told by its first window.
            sums.push(ItemSum {
                context: pair.context,
                variance: Some(0.0),
                ..ItemSum::default()
            });
        }
        let sum = &mut sums[pair.item];
        sum.missing += 1;
        sum.continuation += pair.continuation;
    }
    sums
}

/// What comes next of a measurement.
enum MeasureNews {
    /// It waits for its place.
    Beginning(OwnedTask<Result<MeasureRun, ApiError>>),
    Measuring(Box<MeasureRun>),
    Over,
}

/// A line an item, and of silence one that says how far it is.
fn respond(news: MeasureNews, n_items: usize, quiet: Duration) -> Response {
    let body = stream::unfold(news, move |mut news| async move {
        loop {
            let (line, next) = match news {
                MeasureNews::Over => return None,
                MeasureNews::Beginning(mut begin) => match timeout(quiet, &mut begin.0).await {
                    Err(_) => (progress(0, n_items), MeasureNews::Beginning(begin)),
                    Ok(begun) => match finished(begun) {
                        Ok(run) => {
                            news = MeasureNews::Measuring(Box::new(run));
                            continue;
                        }
                        Err(error) => (error.json(), MeasureNews::Over),
                    },
                },
                MeasureNews::Measuring(mut run) => match timeout(quiet, run.next()).await {
                    Err(_) => (progress(run.n_done, n_items), MeasureNews::Measuring(run)),
                    Ok(Some(Ok(item))) => (item, MeasureNews::Measuring(run)),
                    Ok(Some(Err(error))) => (error.json(), MeasureNews::Over),
                    Ok(None) => return Some((event("[DONE]"), MeasureNews::Over)),
                },
            };
            return Some((event(&line.to_string()), next));
        }
    });
    events(Body::from_stream(body))
}

fn progress(done: usize, items: usize) -> Value {
    json!({"object": "progress", "done": done, "items": items})
}

fn event(data: &str) -> Result<Bytes, Infallible> {
    Ok(format!("data: {data}\n\n").into())
}

impl MeasureRun {
    /// Waits for its place, then begins; once more if the model was gone before it could tell anything.
    async fn begin(
        app: Arc<App>,
        asked: AskedMeasure,
        waiting: WaitingPlace,
    ) -> Result<Self, ApiError> {
        let asked = Arc::new(asked);
        let mut run = Self::admitted(&app, &asked, waiting).await?;
        run.first = run.measure.events.recv().await;
        if let Some(MeasureEvent::Failed(failure)) = &run.first
            && failure.kind == FailureKind::NoModel
        {
            run = Self::admitted(&app, &asked, asked.enter(&app)?).await?;
        }
        Ok(run)
    }

    async fn admitted(
        app: &Arc<App>,
        asked: &Arc<AskedMeasure>,
        waiting: WaitingPlace,
    ) -> Result<Self, ApiError> {
        let shows_all = app.limits.shows_all;
        let admitted = waiting.admitted.await.map_err(|_| ApiError::shutdown())?;
        let loaded = admitted.map_err(|it| ApiError::of(&it, shows_all))?;
        let place = waiting.place;
        place.begin();
        let said = Arc::clone(asked);
        let lay_out = move || lay_out(&said.items, &said.settings, &loaded, shows_all);
        let (pairs, request) = on_a_thread(lay_out).await?;
        // The place is another's once the last is measured, though that is still to be read.
        let watch = Box::new(move |_: &MeasureEvent| {
            let _held = &place;
        });
        let sharing = Sharing {
            client: asked.client.0.clone(),
            ..Sharing::default()
        };
        Ok(Self {
            sums: sums(&pairs),
            n_done: 0,
            pairs,
            measure: app.host.measure(sharing, request, watch),
            first: None,
            app: Arc::clone(app),
        })
    }

    /// The next item that is measured whole; `None` after the last.
    async fn next(&mut self) -> Option<Result<Value, ApiError>> {
        loop {
            let event = match self.first.take() {
                None => self.measure.events.recv().await,
                first => first,
            };
            let shows_all = self.app.limits.shows_all;
            match event {
                Some(MeasureEvent::Progress { .. }) => (),
                Some(MeasureEvent::Measured(measured)) => {
                    if let Some(item) = self.add(&measured) {
                        return Some(Ok(item));
                    }
                }
                Some(MeasureEvent::Finished) => return None,
                Some(MeasureEvent::Failed(failure)) => {
                    return Some(Err(ApiError::of(&failure, shows_all)));
                }
                Some(MeasureEvent::Stopped) | None => return Some(Err(ApiError::shutdown())),
            }
        }
    }

    fn add(&mut self, measured: &Measured) -> Option<Value> {
        let place = self.pairs.get(measured.pair)?;
        let sum = self.sums.get_mut(place.item)?;
        sum.missing -= 1;
        sum.ll += measured.estimate.mean;
        let variance = measured.estimate.standard_error.map(|it| it.powi(2));
        sum.variance = sum.variance.zip(variance).map(|(all, it)| all + it);
        sum.nfe += measured.nfe;
        sum.greedy = match (sum.greedy, measured.greedy) {
            (Some(before), Some(now)) => Some(before && now),
            (before, now) => before.or(now),
        };
        if sum.missing > 0 {
            return None;
        }
        self.n_done += 1;
        Some(json!({
            "index": place.item,
            "ll": sum.ll,
            "se": sum.variance.map(f64::sqrt),
            "greedy": sum.greedy,
            "context_tokens": sum.context,
            "continuation_tokens": sum.continuation,
            "nfe": sum.nfe,
        }))
    }
}
