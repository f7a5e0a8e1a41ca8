//! What any request for an answer says besides its prompt, and what becomes of it for a model.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::{Map, Value};
use ulid::Ulid;
use unmask_core::engine::Loaded;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::{self, Setting};

use super::error::ApiError;
use super::fields::Fields;
use super::stops::Stops;
use super::unmask_member::{AnswerForm, UnmaskMember};

const TEMPERATURES: RangeInclusive<f64> = 0.0..=2.0;
const MOST_STOPS: usize = 64;
const MOST_ANSWERS: usize = 8;
const MOST_LOGPROBS: usize = 5;
/// Positions of an answer for each of the model's usual one, if nobody says it: editors ask for thousands to get a line.
const MAX_LENGTH_FACTOR: usize = 4;

/// What is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GenerationFields {
    pub(crate) model: Option<String>,
    /// Tokens of the text at most.
    pub(crate) max_tokens: Option<usize>,
    temperature: Option<f64>,
    seed: Option<u64>,
    pub(crate) stops: Stops,
    /// Answers to the same prompt.
    pub(crate) n: usize,
    pub(crate) stream: bool,
    /// Whether a stream ends with counts.
    pub(crate) include_usage: bool,
    /// The best so many candidates of each token, and its own logarithm.
    pub(crate) logprobs: Option<usize>,
    pub(crate) unmask: UnmaskMember,
    /// What was said and is not honoured.
    pub(crate) ignored: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, or a list of texts")]
enum StopField {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// Settings that a turn can run with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FittedGeneration {
    pub(crate) fit: FittedParams,
    /// Whether the length was said, and not only a ceiling.
    pub(crate) is_length_said: bool,
}

impl GenerationFields {
    /// Takes them out of a chat's request.
    pub(crate) fn of_chat(fields: &mut Fields) -> Result<Self, ApiError> {
        let wanted: bool = fields.take("logprobs")?.unwrap_or(false);
        let top = fields.number("top_logprobs", 0..=MOST_LOGPROBS)?;
        if top.is_some_and(|it| it > 0) && !wanted {
            let message = "`top_logprobs` needs `logprobs`: true";
            return Err(ApiError::invalid("top_logprobs", message));
        }
        Self::take(fields, wanted.then(|| top.unwrap_or(0)))
    }

    /// Takes them out of a completion's request.
    pub(crate) fn of_completion(fields: &mut Fields) -> Result<Self, ApiError> {
        let logprobs = fields.number("logprobs", 0..=MOST_LOGPROBS)?;
        Self::take(fields, logprobs)
    }

    fn take(fields: &mut Fields, logprobs: Option<usize>) -> Result<Self, ApiError> {
        let tokens = fields.number("max_tokens", 1..=usize::MAX)?;
        // The name that OpenAI has for it today.
        let max_tokens = fields.number("max_completion_tokens", 1..=usize::MAX)?;
        let options: StreamOptions = fields.take("stream_options")?.unwrap_or_default();
        refuse_what_changes_the_meaning(fields)?;
        let mut this = Self {
            model: fields.take("model")?,
            max_tokens: max_tokens.or(tokens),
            temperature: temperature(fields)?,
            seed: fields.seed()?,
            stops: stops(fields)?,
            n: fields.number("n", 1..=MOST_ANSWERS)?.unwrap_or(1),
            stream: fields.take("stream")?.unwrap_or(false),
            include_usage: options.include_usage.unwrap_or(false),
            logprobs,
            unmask: UnmaskMember::take(fields)?,
            ignored: Vec::new(),
        };
        if fields
            .number("best_of", 1..=usize::MAX)?
            .is_some_and(|it| it > this.n)
        {
            let message = "`best_of` above `n` is not supported: ask for `n` and choose";
            return Err(ApiError::unsupported("best_of", message));
        }
        this.ignored = neutral_or_ignored(fields)?;
        Ok(this)
    }

    /// What nobody took is ignored, or refused if the request is strict.
    pub(crate) fn end(&mut self, fields: Fields) -> Result<(), ApiError> {
        self.ignored
            .extend(fields.rest().into_iter().map(|it| it.0));
        match self.ignored.first() {
            Some(first) if self.unmask.strict => {
                let message = format!("`{first}` is not honoured, and the request is strict");
                Err(ApiError::unsupported(first, message))
            }
            _ => Ok(()),
        }
    }

    /// The settings of answer `index` on a model: the request's, else the model's.
    pub(crate) fn fit(
        &self,
        loaded: &Loaded,
        max_length: Option<usize>,
    ) -> Result<FittedGeneration, ApiError> {
        let (mut params, mut length) = (loaded.defaults.clone(), loaded.default_length);
        let (usual, usual_steps) = (length.max(1), params.steps);
        let said = &self.unmask.settings;
        said.apply(&mut params, &mut length);
        params.temperature = self.temperature.unwrap_or(params.temperature);
        let most = most(loaded, max_length);
        // Blocks of attention end where the prompt says, wherever an answer does.
        let given = match (&self.unmask.form, loaded.rules.attention_block) {
            (AnswerForm::Canvas(canvas), None) => Some(canvas.answer_length()),
            (
                AnswerForm::Canvas(_)
                | AnswerForm::Masks
                | AnswerForm::Pins(_)
                | AnswerForm::Parts(_)
                | AnswerForm::AnyLength(..),
                _,
            ) => None,
        };
        let is_length_said = given.is_some() || said.get(Setting::Length).is_some();
        if let Some(given) = given {
            length = given;
            if said.get(Setting::BlockLength).is_none()
                && !length.is_multiple_of(params.block_length.max(1))
            {
                params.block_length = length;
            }
        } else if is_length_said && length > most {
            let message = format!(
                "`unmask.length` is {length}; this server makes answers of up to {most} positions"
            );
            return Err(ApiError::invalid("unmask.length", message));
        }
        if !is_length_said {
            length = within(self.max_tokens.unwrap_or(length), params.block_length, most);
        }
        if said.get(Setting::Steps).is_none() {
            // As many tokens a step as the model's own settings.
            params.steps = length.saturating_mul(usual_steps).div_ceil(usual).max(1);
        }
        if let Some(speed) = self.unmask.speed {
            params = speed.over(loaded.measured.as_deref(), &params, length);
            said.apply(&mut params, &mut length);
            params.temperature = self.temperature.unwrap_or(params.temperature);
        }
        let fit = settings::fit(length, &params);
        let notes = match is_length_said {
            true => fit.notes,
            // What is cut anyway needs no note.
            false => Vec::new(),
        };
        Ok(FittedGeneration {
            fit: FittedParams { notes, ..fit },
            is_length_said,
        })
    }

    /// The seed: the request's, else the model's, else one that is drawn.
    pub(crate) fn seed(&self, loaded: &Loaded) -> u64 {
        let said = match self.unmask.settings.get(Setting::Seed) {
            Some(settings::SettingValue::Seed(seed)) => Some(seed),
            _ => self.seed,
        };
        // What JavaScript can hold, so that a page can say it again.
        let drawn = || Ulid::new().random() as u64 >> 11;
        said.or(loaded.default_seed).unwrap_or_else(drawn)
    }
}

/// Positions of an answer that are filled at most.
pub(crate) fn most(loaded: &Loaded, max_length: Option<usize>) -> usize {
    let usual = loaded.default_length.max(1);
    max_length.unwrap_or(usual.saturating_mul(MAX_LENGTH_FACTOR))
}

/// Positions of whole blocks for so many tokens, or of a shorter one.
pub(crate) fn within(tokens: usize, block: usize, most: usize) -> usize {
    let block = block.clamp(1, tokens.max(1));
    let most = (most - most % block).max(block.min(most)).max(1);
    tokens.div_ceil(block).saturating_mul(block).min(most)
}

fn temperature(fields: &mut Fields) -> Result<Option<f64>, ApiError> {
    let said: Option<f64> = fields.take("temperature")?;
    match said {
        Some(it) if !TEMPERATURES.contains(&it) => {
            let message = format!("`temperature` is {it}; it must be 0 to 2");
            Err(ApiError::invalid("temperature", message))
        }
        said => Ok(said),
    }
}

fn stops(fields: &mut Fields) -> Result<Stops, ApiError> {
    let texts = match fields.take("stop")? {
        None => Vec::new(),
        Some(StopField::One(text)) => vec![text],
        Some(StopField::Several(texts)) => texts,
    };
    match texts.len() > MOST_STOPS {
        true => {
            let message = format!("`stop` has {} texts; {MOST_STOPS} may be", texts.len());
            Err(ApiError::invalid("stop", message))
        }
        false => Ok(Stops::new(texts)),
    }
}

/// What would give another answer than was asked for.
fn refuse_what_changes_the_meaning(fields: &mut Fields) -> Result<(), ApiError> {
    let refused = |name: &str, instead: &str| {
        let message = format!("`{name}` is not supported{instead}");
        Err(ApiError::unsupported(name, message))
    };
    if let Some(format) = fields.take::<Map<String, Value>>("response_format")?
        && format.get("type").is_some_and(|it| it != "text")
    {
        let instead =
            "; `unmask.parts` fixes the frame of an answer, such as the keys of an object of JSON";
        return refused("response_format", instead);
    }
    for name in ["tools", "functions", "modalities"] {
        let listed: Option<Vec<Value>> = fields.take(name)?;
        let listed = listed.unwrap_or_default();
        if listed.iter().any(|it| it != "text") {
            return refused(name, ": these models call nothing and write text alone");
        }
    }
    for name in ["tool_choice", "function_call", "parallel_tool_calls"] {
        // Without tools they say nothing.
        let _: Option<Value> = fields.take(name)?;
    }
    let bias: Option<Map<String, Value>> = fields.take("logit_bias")?;
    if bias.is_some_and(|it| !it.is_empty()) {
        return refused("logit_bias", "");
    }
    match fields.take::<Value>("audio")? {
        Some(_) => refused("audio", ""),
        None => Ok(()),
    }
}

/// The names of hints that are not honoured, unless they say what would be done anyway.
fn neutral_or_ignored(fields: &mut Fields) -> Result<Vec<String>, ApiError> {
    let mut ignored = Vec::new();
    for (name, neutral) in [
        ("top_p", 1.0),
        ("top_k", 0.0),
        ("min_p", 0.0),
        ("typical_p", 1.0),
        ("presence_penalty", 0.0),
        ("frequency_penalty", 0.0),
        ("repetition_penalty", 1.0),
        ("repeat_penalty", 1.0),
    ] {
        let said: Option<f64> = fields.take(name)?;
        let is_off = |it: f64| it == neutral || (name == "top_k" && it < 0.0);
        if said.is_some_and(|it| !is_off(it)) {
            ignored.push(name.to_owned());
        }
    }
    for name in ["user", "metadata", "store", "service_tier"] {
        let _: Option<Value> = fields.take(name)?;
    }
    Ok(ignored)
}

#[cfg(test)]
mod tests {
    use unmask_core::params::Transfer;

    use super::*;

    fn chat(body: &str) -> Result<GenerationFields, ApiError> {
        let mut fields = Fields::parse(body.as_bytes()).expect("it is an object");
        let mut read = GenerationFields::of_chat(&mut fields)?;
        read.end(fields)?;
        Ok(read)
    }

    #[track_caller]
    fn refused(body: &str, param: &str, code: &str) {
        let error = chat(body).expect_err("it is refused");
        assert_eq!((error.param.as_deref(), error.code), (Some(param), code));
        assert_eq!(error.status.as_u16(), 400);
    }

    #[test]
    fn what_changes_the_meaning_is_refused() {
        let unsupported = |body, param| refused(body, param, "unsupported_parameter");
        unsupported(
            r#"{"response_format":{"type":"json_object"}}"#,
            "response_format",
        );
        unsupported(r#"{"tools":[{"type":"function"}]}"#, "tools");
        unsupported(r#"{"functions":[{}]}"#, "functions");
        unsupported(r#"{"logit_bias":{"1":2}}"#, "logit_bias");
        unsupported(r#"{"audio":{}}"#, "audio");
        unsupported(r#"{"best_of":2}"#, "best_of");
        unsupported(r#"{"top_p":0.5,"unmask":{"strict":true}}"#, "top_p");
        let invalid = |body, param| refused(body, param, "invalid_value");
        invalid(r#"{"temperature":2.1}"#, "temperature");
        invalid(r#"{"temperature":-0.1}"#, "temperature");
        invalid(r#"{"n":9}"#, "n");
        invalid(r#"{"n":0}"#, "n");
        invalid(r#"{"max_tokens":0}"#, "max_tokens");
        invalid(r#"{"top_logprobs":2}"#, "top_logprobs");
        invalid(r#"{"logprobs":true,"top_logprobs":6}"#, "top_logprobs");
        invalid(r#"{"stop":3}"#, "stop");
        let stops = |n: usize| format!("{{\"stop\":{:?}}}", vec!["a"; n]);
        assert!(chat(&stops(MOST_STOPS)).is_ok());
        invalid(&stops(MOST_STOPS + 1), "stop");
    }

    #[test]
    fn hints_are_ignored_and_reported_unless_they_say_nothing() {
        let read = chat(
            r#"{"top_p":1,"top_k":-1,"presence_penalty":0.5,"frequency_penalty":0,"verbosity":"low","user":"u",
                "tools":[],"response_format":{"type":"text"},"logit_bias":{},"tool_choice":"none","audio":null,
                "modalities":["text"]}"#,
        );
        let read = read.expect("nothing of it changes the meaning");
        assert_eq!(read.ignored, ["presence_penalty", "verbosity"]);
    }

    #[test]
    fn a_ceiling_is_rounded_up_to_blocks_within_what_the_server_makes() {
        for (tokens, block, most, length) in [
            (1, 32, 256, 1),
            (31, 32, 256, 31),
            (33, 32, 256, 64),
            (64, 32, 256, 64),
            (8192, 32, 256, 256),
            (8192, 32, 250, 224),
            (8192, 512, 256, 256),
            (usize::MAX, 32, 256, 256),
        ] {
            assert_eq!(
                within(tokens, block, most),
                length,
                "{tokens} {block} {most}"
            );
        }
    }

    #[test]
    fn the_speed_dial_is_turned_before_what_is_said_of_its_own() {
        let loaded = crate::fixture::model();
        let fit = |member: &str| {
            let read = chat(&format!("{{\"unmask\": {member}}}")).expect("it is known");
            let fit = read.fit(&loaded, None).expect("it runs").fit;
            (fit.params.transfer, fit.params.steps, fit.length)
        };
        let usual = loaded.defaults.transfer;
        assert_eq!(fit(r#"{"length": 32}"#), (usual, 32, 32));
        let balanced = r#"{"length": 32, "speed": "balanced"}"#;
        assert_eq!(fit(balanced), (Transfer::Quota, 16, 32));
        let fast = fit(r#"{"speed": "fast"}"#);
        assert_eq!((fast.0, fast.2), (Transfer::Threshold(0.9), 16));
        let said = r#"{"speed": "fast", "factor": 2, "steps": 8}"#;
        assert_eq!(fit(said), (Transfer::Factor(2.0), 8, 16));
    }
}
