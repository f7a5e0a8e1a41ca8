use serde::Deserialize;
use serde_json::{Map, Value};

use super::measure::MeasureSettings;
use crate::json_fault;
use crate::message::Message;
use crate::settings::GenerationPatch;

/// What another program asks, a line of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerRequest {
    /// A number or a text, repeated in every answer to it.
    pub id: Value,
    /// What is asked.
    pub task: WorkerTask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkerTask {
    /// How likely continuations are: an answer each.
    Loglikelihood(Vec<MeasuredItem>, MeasureSettings),
    /// How likely whole texts are: an answer each.
    Rolling(Vec<String>, MeasureSettings),
    /// To denoise an answer.
    Generate(GenerateTask),
    /// A conversation as a prompt's text.
    Render {
        /// Oldest first.
        messages: Vec<Message>,
        /// Whether the answer is to follow; else the last message, if it is an answer, goes on.
        add_generation_prompt: bool,
    },
    /// A text's tokens.
    Tokenize(String),
    /// The text of tokens.
    Detokenize {
        /// The tokens.
        tokens: Vec<u32>,
        /// Whether special ones are left out.
        skip_special: bool,
    },
    /// What the worker is.
    Info,
    /// To give up the request of this id.
    Cancel(Value),
}

/// A context with the continuation that is asked about.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredItem {
    /// What stands before.
    pub context: TextOrTokens,
    /// What is asked about; text or tokens, as the context.
    pub continuation: TextOrTokens,
}

/// Text, or tokens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a text, or a list of token ids")]
pub enum TextOrTokens {
    /// Text, in which names of special tokens are those tokens.
    Text(String),
    /// Tokens.
    Tokens(Vec<u32>),
}

/// An answer that is wanted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerateTask {
    /// What stands before it.
    pub prompt: TextOrTokens,
    /// The answer ends before the first of these.
    #[serde(default)]
    pub until: Vec<String>,
    /// Its length at most, in whole blocks or one that is shorter, where no setting says one.
    pub max_tokens: Option<usize>,
    /// Settings, by the keys of the table.
    #[serde(default)]
    pub settings: GenerationPatch,
}

/// A line that is no request.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestError {
    /// The request's id as far as it could be read; null otherwise.
    pub id: Value,
    /// What is wrong.
    pub message: String,
}

const TASKS: &str =
    "loglikelihood, rolling, generate, render, tokenize, detokenize, info and cancel";

impl WorkerRequest {
    /// Reads a line; what it does not say of a measurement is as in `settings`.
    ///
    /// # Errors
    /// What is wrong with it, for the program that wrote it.
    pub fn parse(line: &str, settings: &MeasureSettings) -> Result<Self, RequestError> {
        let refused = |id: &Value, message: String| RequestError {
            id: id.clone(),
            message,
        };
        let mut said: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            let message = format!("the line is no object of JSON: {}", json_fault(&error));
            refused(&Value::Null, message)
        })?;
        let id = said.remove("id").unwrap_or_default();
        if !is_repeatable(&id) {
            let message = "`id` has to be a whole number below 2^64 or a text; answers repeat it";
            return Err(refused(&Value::Null, message.to_owned()));
        }
        match task(said, settings) {
            Ok(task) => Ok(Self { id, task }),
            Err(message) => Err(refused(&id, message)),
        }
    }
}

/// Whether an id can be repeated as it was said: a text, or a whole number of which no digit was lost when it was read.
#[must_use]
pub fn is_repeatable(id: &Value) -> bool {
    id.is_string() || id.is_u64() || id.is_i64()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenderLine {
    messages: Vec<Message>,
    #[serde(default = "yes")]
    add_generation_prompt: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextLine {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensLine {
    tokens: Vec<u32>,
    #[serde(default)]
    skip_special: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelLine {
    of: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NothingLine {}

fn task(mut said: Map<String, Value>, settings: &MeasureSettings) -> Result<WorkerTask, String> {
    let word = said.remove("do").unwrap_or_default();
    let word = (word.as_str()).ok_or_else(|| format!("`do` is missing; known are {TASKS}"))?;
    Ok(match word {
        "loglikelihood" => {
            let items = items(&mut said)?;
            WorkerTask::Loglikelihood(items, measure(said, settings)?)
        }
        "rolling" => {
            let items: Vec<TextLine> = items(&mut said)?;
            let texts = items.into_iter().map(|it| it.text).collect();
            WorkerTask::Rolling(texts, measure(said, settings)?)
        }
        "generate" => {
            let task: GenerateTask = read(said)?;
            let refused = |(key, why): (&str, String)| format!("settings.{key}: {why}");
            task.settings.check().map_err(refused)?;
            if task.max_tokens == Some(0) {
                return Err("`max_tokens` is 0; it must be 1 or more".to_owned());
            }
            WorkerTask::Generate(task)
        }
        "render" => {
            let line: RenderLine = read(said)?;
            WorkerTask::Render {
                messages: line.messages,
                add_generation_prompt: line.add_generation_prompt,
            }
        }
        "tokenize" => WorkerTask::Tokenize(read::<TextLine>(said)?.text),
        "detokenize" => {
            let line: TokensLine = read(said)?;
            WorkerTask::Detokenize {
                tokens: line.tokens,
                skip_special: line.skip_special,
            }
        }
        "info" => {
            let NothingLine {} = read(said)?;
            WorkerTask::Info
        }
        "cancel" => WorkerTask::Cancel(read::<CancelLine>(said)?.of),
        other => return Err(format!("`do` is `{other}`; known are {TASKS}")),
    })
}

/// The items of a request, which may not be none.
fn items<T: serde::de::DeserializeOwned>(said: &mut Map<String, Value>) -> Result<Vec<T>, String> {
    let items = said.remove("items").unwrap_or_default();
    let items: Vec<T> =
        serde_json::from_value(items).map_err(|error| format!("`items`: {error}"))?;
    match items.is_empty() {
        true => Err("`items` is empty; ask about one at least".to_owned()),
        false => Ok(items),
    }
}

fn measure(
    said: Map<String, Value>,
    settings: &MeasureSettings,
) -> Result<MeasureSettings, String> {
    // Numbers and words.
    let mut all = match serde_json::to_value(settings) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    all.extend(said);
    let settings: MeasureSettings = read(all)?;
    settings.check().map_err(|error| error.to_string())?;
    Ok(settings)
}

fn read<T: serde::de::DeserializeOwned>(said: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(said)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SamplesWord;

    fn parse(line: &str) -> Result<WorkerRequest, RequestError> {
        let settings = MeasureSettings {
            cfg_scale: 0.5,
            ..MeasureSettings::default()
        };
        WorkerRequest::parse(line, &settings)
    }

    #[test]
    fn what_is_not_said_of_a_measurement_stays_as_it_is() {
        let request = parse(
            r#"{"id":7,"do":"loglikelihood","items":[{"context":"a","continuation":[5]}],"samples":"exact"}"#,
        );
        let request = request.expect("it is one");
        let settings = MeasureSettings {
            cfg_scale: 0.5,
            samples: SamplesWord::Exact,
            ..MeasureSettings::default()
        };
        let item = MeasuredItem {
            context: TextOrTokens::Text("a".to_owned()),
            continuation: TextOrTokens::Tokens(vec![5]),
        };
        let task = WorkerTask::Loglikelihood(vec![item], settings);
        assert_eq!(request, WorkerRequest { id: 7.into(), task });
    }

    #[test]
    fn what_is_wrong_is_told_to_the_request_that_said_it() {
        for (line, id, words) in [
            (
                "{\"id\":7,\"do\":\"info\"",
                Value::Null,
                "no object of JSON: EOF while parsing an object at column 19",
            ),
            ("[]", Value::Null, "no object of JSON"),
            (r#"{"do":"info"}"#, Value::Null, "`id` has to be"),
            (r#"{"id":[],"do":"info"}"#, Value::Null, "`id` has to be"),
            (
                r#"{"id":18446744073709551616,"do":"info"}"#,
                Value::Null,
                "below 2^64 or a text",
            ),
            (r#"{"id":1.5,"do":"info"}"#, Value::Null, "`id` has to be"),
            (
                r#"{"id":7,"do":"generate","prompt":"a","max_tokens":0}"#,
                7.into(),
                "`max_tokens` is 0; it must be 1 or more",
            ),
            (
                r#"{"id":7,"do":"rolling","items":[{"text":"a"}],"samples":5,"strata":2}"#,
                7.into(),
                "use a multiple of 2",
            ),
            (
                r#"{"id":7,"do":"rolling","items":[{"text":"a"}],"cfg_scale":-1}"#,
                7.into(),
                "cfg scale is -1; it must be 0 or more",
            ),
            (r#"{"id":7}"#, 7.into(), "`do` is missing"),
            (
                r#"{"id":7,"do":"infos"}"#,
                7.into(),
                "known are loglikelihood",
            ),
            (
                r#"{"id":"a","do":"info","of":1}"#,
                "a".into(),
                "unknown field `of`",
            ),
            (r#"{"id":7,"do":"rolling"}"#, 7.into(), "`items`"),
            (
                r#"{"id":7,"do":"rolling","items":[]}"#,
                7.into(),
                "one at least",
            ),
            (
                r#"{"id":7,"do":"rolling","items":[{"text":"a"}],"sample":1}"#,
                7.into(),
                "unknown field `sample`, expected",
            ),
            (
                r#"{"id":7,"do":"rolling","items":[{"text":"a"}],"samples":"many"}"#,
                7.into(),
                "exact or auto",
            ),
            (
                r#"{"id":7,"do":"generate","prompt":"a","settings":{"temperature":-1}}"#,
                7.into(),
                "settings.temperature: ",
            ),
            (
                r#"{"id":7,"do":"generate","prompt":"a","settings":{"tempo":1}}"#,
                7.into(),
                "unknown field `tempo`",
            ),
            (
                r#"{"id":7,"do":"generate","prompt":1}"#,
                7.into(),
                "a text, or a list",
            ),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.id, id, "{line}");
            assert!(error.message.contains(words), "{line}: {}", error.message);
        }
    }
}
