use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use unmask_core::config::Environment;
use unmask_core::engine::{Failure, Loaded, Message, Role};
use unmask_core::json_fault;
use unmask_core::likelihood::Pair;
use unmask_core::regular_file::is_there;
use unmask_core::wire::{MeasureSettings, is_repeatable};

use crate::cli::ScoreArguments;
use crate::command::{Usage, prompt};

/// One text, or some behind the same context.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoreItem {
    /// Counted from 1; 0 for what the command line says.
    pub(super) line: usize,
    /// Names the item's content.
    pub(super) sha256: String,
    pub(super) id: Option<Value>,
    pub(super) task: Option<String>,
    pub(super) text: ScoreText,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) enum ScoreText {
    Continuation {
        context: String,
        continuation: String,
    },
    Choices {
        context: String,
        choices: Vec<String>,
        /// Which of them is right.
        answer: Option<usize>,
    },
    Whole(String),
}

/// A line as said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemLine {
    id: Option<Value>,
    task: Option<String>,
    context: Option<String>,
    continuation: Option<String>,
    choices: Option<Vec<String>>,
    answer: Option<usize>,
    text: Option<String>,
}

const FORMS: &str = "a line is an object with `context` and `continuation`, with `context` and `choices`, or with `text`";

impl ScoreItem {
    fn new(line: usize, text: ScoreText) -> Self {
        // Plain texts and numbers.
        let content = serde_json::to_vec(&text).unwrap_or_default();
        let digest = Sha256::digest(&content);
        Self {
            line,
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            id: None,
            task: None,
            text,
        }
    }

    /// Where it is from, for messages.
    pub(super) fn place(&self, arguments: &ScoreArguments) -> String {
        match (&arguments.file, &arguments.text) {
            (Some(file), _) => format!("{}:{}", shown(file), self.line),
            (None, Some(text)) => text.display().to_string(),
            (None, None) => "--continuation".to_owned(),
        }
    }

    /// What has to be measured: a pair for each choice, or for each window of a whole text.
    pub(super) fn pairs(
        &self,
        settings: &MeasureSettings,
        chat: bool,
        loaded: &Loaded,
    ) -> Result<Vec<Pair>, Failure> {
        let before = |context: &String| match chat {
            true => loaded.text.render(&[Message {
                role: Role::User,
                content: context.clone(),
            }]),
            false => Ok(context.clone()),
        };
        match &self.text {
            ScoreText::Continuation {
                context,
                continuation,
            } => {
                let pair = settings.pair(&before(context)?, continuation, loaded)?;
                Ok(vec![pair])
            }
            ScoreText::Choices {
                context, choices, ..
            } => {
                let context = before(context)?;
                let pair = |choice: &String| settings.pair(&context, choice, loaded);
                choices.iter().map(pair).collect()
            }
            ScoreText::Whole(text) => settings.windows(text, loaded),
        }
    }
}

/// What the arguments ask about.
pub(super) fn read_items(
    arguments: &ScoreArguments,
    environment: &Environment,
) -> Result<Vec<ScoreItem>, Usage> {
    if let Some(path) = &arguments.text {
        let read = File::open(environment.expand(path)).and_then(prompt::all);
        let text = read.map_err(|error| unreadable(path, &error))?;
        let text = prompt::without_mark(&text).to_owned();
        return Ok(vec![ScoreItem::new(0, ScoreText::Whole(text))]);
    }
    let Some(path) = &arguments.file else {
        let context = arguments.context.clone().unwrap_or_default();
        let text = match arguments.continuation.as_slice() {
            [continuation] => ScoreText::Continuation {
                context,
                continuation: continuation.clone(),
            },
            choices => ScoreText::Choices {
                context,
                choices: choices.to_vec(),
                answer: None,
            },
        };
        return Ok(vec![ScoreItem::new(0, text)]);
    };
    let items = match path == Path::new("-") {
        true => read_lines(&mut io::stdin().lock(), path)?,
        false => {
            let file = environment.expand(path);
            let opened = is_there(&file).and_then(|_| File::open(&file));
            let opened = opened.map_err(|error| unreadable(path, &error))?;
            read_lines(&mut BufReader::new(opened), path)?
        }
    };
    match items.is_empty() {
        true => Err(Usage(format!("{} holds no texts; {FORMS}", shown(path)))),
        false => Ok(items),
    }
}

fn read_lines(from: &mut impl BufRead, path: &Path) -> Result<Vec<ScoreItem>, Usage> {
    let mut items = Vec::new();
    for number in 1.. {
        let line = prompt::line(from).map_err(|error| unreadable(path, &error))?;
        let line = match number {
            1 => prompt::without_mark(&line),
            _ => &line,
        };
        if line.is_empty() {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let refused = |what: &str| Usage(format!("{}:{number}: {what}", shown(path)));
        let said: ItemLine = serde_json::from_str(line.trim_end())
            .map_err(|error| refused(&format!("{}; {FORMS}", json_fault(&error))))?;
        items.push(item(number, said).map_err(|what| refused(&what))?);
    }
    Ok(items)
}

fn item(line: usize, said: ItemLine) -> Result<ScoreItem, String> {
    if said.id.as_ref().is_some_and(|id| !is_repeatable(id)) {
        return Err(
            "`id` has to be a whole number below 2^64 or a text; results repeat it".to_owned(),
        );
    }
    let text = match (said.context, said.continuation, said.choices, said.text) {
        (Some(context), Some(continuation), None, None) => ScoreText::Continuation {
            context,
            continuation,
        },
        (Some(context), None, Some(choices), None) => {
            let count = choices.len();
            if count == 0 {
                return Err("`choices` is empty; write one choice or more".to_owned());
            }
            if let Some(answer) = said.answer.filter(|&answer| answer >= count) {
                return Err(format!(
                    "`answer` is {answer}, but there are {count} choices, counted from 0"
                ));
            }
            ScoreText::Choices {
                context,
                choices,
                answer: said.answer,
            }
        }
        (None, None, None, Some(text)) => ScoreText::Whole(text),
        _ => return Err(FORMS.to_owned()),
    };
    if said.answer.is_some() && !matches!(text, ScoreText::Choices { .. }) {
        return Err("`answer` is the index of one of `choices`, and there are none".to_owned());
    }
    Ok(ScoreItem {
        id: said.id,
        task: said.task,
        ..ScoreItem::new(line, text)
    })
}

fn shown(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Usage {
    Usage(format!("cannot read the texts in {}: {error}", shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let text = format!("{{\"text\":\"a\"}}\n\n{line}\n");
        let error = read_lines(&mut text.as_bytes(), Path::new("t.jsonl"));
        error.expect_err("it must be refused").to_string()
    }

    #[test]
    fn a_line_that_is_none_of_the_forms_is_named_with_them() {
        for line in [
            "{}",
            "{",
            "[]",
            r#"{"context":"a"}"#,
            r#"{"context":"a","continuation":"b","choices":["c"]}"#,
            r#"{"context":"a","text":"b"}"#,
            r#"{"text":"b","answr":1}"#,
        ] {
            let said = refused(line);
            assert!(
                said.starts_with("t.jsonl:3: ") && said.ends_with(FORMS),
                "{said}"
            );
        }
        let place = "t.jsonl:3: EOF while parsing an object at column 1; ";
        assert!(refused("{").starts_with(place), "{}", refused("{"));
    }

    #[test]
    fn an_id_has_to_be_one_that_can_be_repeated() {
        for id in ["18446744073709551616", "1.5", "[1]", "true"] {
            let said = refused(&format!("{{\"text\":\"b\",\"id\":{id}}}"));
            assert!(said.contains("`id` has to be"), "{said}");
        }
        let text = "{\"text\":\"b\",\"id\":18446744073709551615}";
        let items = read_lines(&mut text.as_bytes(), Path::new("t.jsonl"));
        let id = items.ok().and_then(|it| it[0].id.clone());
        assert_eq!(id, Some(Value::from(u64::MAX)));
    }

    #[test]
    fn a_mark_of_the_byte_order_is_no_part_of_the_first_line() {
        let text = "\u{feff}{\"text\":\"a\"}\n{\"text\":\"\u{feff}b\"}\n";
        let items = read_lines(&mut text.as_bytes(), Path::new("t.jsonl"));
        let texts = items.map(|it| it.into_iter().map(|it| it.text).collect::<Vec<_>>());
        let whole = |text: &str| ScoreText::Whole(text.to_owned());
        assert_eq!(texts.ok(), Some(vec![whole("a"), whole("\u{feff}b")]));
    }

    #[test]
    fn an_answer_has_to_be_one_of_the_choices() {
        let said = refused(r#"{"context":"a","choices":["b","c"],"answer":2}"#);
        assert_eq!(
            said,
            "t.jsonl:3: `answer` is 2, but there are 2 choices, counted from 0"
        );
        let said = refused(r#"{"context":"a","continuation":"b","answer":0}"#);
        assert!(said.contains("there are none"), "{said}");
        let said = refused(r#"{"context":"a","choices":[]}"#);
        assert!(said.contains("one choice or more"), "{said}");
    }
}
