//! `unmask eval --pairs`: does the model know a couplet in both directions? The reference's `eval_reverse.py`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use unmask_core::config::{Environment, GenerationSettings};
use unmask_core::engine::{Loaded, Message, Role};
use unmask_core::regular_file::{LARGE, SMALL, read_text};
use unmask_core::sampler::FittedParams;
use unmask_core::settings::{GenerationPatch, Setting, SettingValue};
use unmask_core::stats::Comparison;

use super::grade::{Grade, Over};
use super::question::{Answered, EvalQuestion};
use crate::cli::{AskedLine, EvalArguments};
use crate::command::{Usage, prompt};

/// The templates that the program carries.
const TEMPLATES: &str = include_str!("pairs.toml");
/// Positions of an answer, one block of them.
const LENGTH: usize = 28;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Couplet {
    first: String,
    second: String,
    #[serde(default, rename = "source")]
    _source: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Templates {
    next: String,
    previous: String,
}

/// Two questions about each couplet, and the SHA-256 of the file and the templates.
pub(super) fn read_pairs(
    path: &Path,
    arguments: &EvalArguments,
    environment: &Environment,
) -> Result<(Vec<EvalQuestion>, String), Usage> {
    let refused = |what: String| Usage(format!("{}: {what}", path.display()));
    let text = read_text(&environment.expand(path), LARGE);
    let text = text.map_err(|error| refused(format!("cannot be read: {error}")))?;
    let couplets: Vec<Couplet> =
        serde_json::from_str(prompt::without_mark(&text)).map_err(|error| {
            refused(format!(
                "{error}; it is a list of objects with `first`, `second` and perhaps `source`"
            ))
        })?;
    if couplets.is_empty() {
        return Err(refused("it holds no couplets".to_owned()));
    }
    let is_empty = |it: &Couplet| it.first.trim().is_empty() || it.second.trim().is_empty();
    if let Some(at) = couplets.iter().position(is_empty) {
        let number = at + 1;
        return Err(refused(format!(
            "couplet {number} has an empty line; both are asked about"
        )));
    }
    let templates = templates(&arguments.templates, environment)?;
    let mut questions = Vec::new();
    for (at, it) in couplets.iter().enumerate() {
        for (side, ask) in [AskedLine::Next, AskedLine::Previous]
            .into_iter()
            .enumerate()
        {
            if !arguments.ask.contains(&ask) {
                continue;
            }
            let (task, template, line, answer) = match ask {
                AskedLine::Next => (NEXT, &templates.next, &it.first, &it.second),
                AskedLine::Previous => (PREVIOUS, &templates.previous, &it.second, &it.first),
            };
            let message = Message {
                role: Role::User,
                content: template.replace("{line}", line),
            };
            questions.push(EvalQuestion {
                line: 2 * at + side + 1,
                place: format!("{}: couplet {}", path.display(), at + 1),
                task: task.to_owned(),
                messages: vec![message],
                answers: vec![answer.clone()],
                grade: Grade::Contains,
                over: Over::Canvas,
            });
        }
    }
    let mut digest = Sha256::new();
    for part in [&text, &templates.next, &templates.previous] {
        digest.update(part);
    }
    let digest = digest.finalize();
    Ok((
        questions,
        digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

const NEXT: &str = "next";
const PREVIOUS: &str = "previous";

fn templates(name: &str, environment: &Environment) -> Result<Templates, Usage> {
    let mut carried: BTreeMap<String, Templates> =
        toml::from_str(TEMPLATES).expect("the templates that the program carries are tested");
    let names = carried.keys().cloned().collect::<Vec<_>>().join(", ");
    if let Some(templates) = carried.remove(name) {
        return Ok(templates);
    }
    let refused = |what: String| {
        Usage(format!(
            "--templates {name}: {what}; name one of {names}, or a file with `next` and `previous`"
        ))
    };
    let text = read_text(&environment.expand(name.as_ref()), SMALL);
    let text = text.map_err(|error| refused(error.to_string()))?;
    let templates: Templates =
        toml::from_str(&text).map_err(|error| refused(error.message().to_owned()))?;
    match [&templates.next, &templates.previous]
        .iter()
        .all(|it| it.contains("{line}"))
    {
        true => Ok(templates),
        false => Err(refused("a template has no {line}".to_owned())),
    }
}

/// The settings of the reference's script where this run says none: 28 positions, one block, a step each, no end token, and no
/// early stop.
pub(super) fn settings(loaded: &Loaded, said: &GenerationSettings) -> FittedParams {
    let (mut params, mut length) = (loaded.defaults.clone(), loaded.default_length);
    let patch = [
        (Setting::Length, SettingValue::Count(LENGTH)),
        (Setting::BlockLength, SettingValue::Count(LENGTH)),
        (Setting::Steps, SettingValue::Count(LENGTH)),
        (Setting::NoEnd, SettingValue::Switch(true)),
        (Setting::EarlyStop, SettingValue::Switch(false)),
    ];
    let unsaid = patch
        .into_iter()
        .filter(|(setting, _)| !said.is_said_for_run(*setting));
    unsaid
        .collect::<GenerationPatch>()
        .apply(&mut params, &mut length);
    for count in [&mut params.steps, &mut params.block_length] {
        *count = (*count).min(length);
    }
    FittedParams::new(length, &params)
}

/// The couplets that were asked in both directions.
pub(super) struct BothWays {
    /// Of each whether the next line was right, and the one before.
    rights: Vec<(bool, bool)>,
    comparison: Comparison,
}

impl BothWays {
    /// `None` if no couplet was asked in both.
    pub(super) fn of(answered: &[Answered]) -> Option<Self> {
        let right = |line: usize, task: &str| {
            let found = answered
                .iter()
                .find(|it| it.line == line && it.task == task);
            found.map(|it| it.right)
        };
        let nexts = answered
            .iter()
            .filter(|it| it.task == NEXT && it.right_visible.is_some());
        let rights: Vec<(bool, bool)> = nexts
            .filter_map(|next| Some((next.right, right(next.line + 1, PREVIOUS)?)))
            .collect();
        (!rights.is_empty()).then(|| Self {
            comparison: Comparison::of(&rights),
            rights,
        })
    }

    fn counts(&self) -> [usize; 4] {
        let cells = [(true, true), (true, false), (false, true), (false, false)];
        cells.map(|cell| self.rights.iter().filter(|&&it| it == cell).count())
    }

    /// `both ways 12, next alone 3, previous alone 1, neither 4; gap +10.0 points (…), p 0.625`.
    pub(super) fn text(&self) -> String {
        let [both, next, previous, neither] = self.counts();
        let Comparison {
            difference,
            interval,
            p,
            ..
        } = self.comparison;
        format!(
            "{} couplets: both ways {both}, next alone {next}, previous alone {previous}, neither {neither}; gap {:+.1} points ({:+.1} to {:+.1} with 95 %), p {p:.3}\n",
            self.rights.len(),
            100.0 * difference,
            100.0 * interval.low,
            100.0 * interval.high
        )
    }

    pub(super) fn json(&self) -> Value {
        let [both, next, previous, neither] = self.counts();
        let Comparison {
            difference,
            interval,
            p,
            ..
        } = self.comparison;
        json!({
            "couplets": self.rights.len(),
            "both": both,
            "next_alone": next,
            "previous_alone": previous,
            "neither": neither,
            "gap": difference,
            "gap_95": [interval.low, interval.high],
            "p": p,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carried_templates_ask_about_a_line() {
        for name in ["zh", "en", "capitals"] {
            let of = templates(name, &Environment::default()).expect("it is carried");
            assert!(of.next.contains("{line}") && of.previous.contains("{line}"));
        }
        let error = templates("fr", &Environment::default()).expect_err("there is none");
        assert!(error.to_string().contains("capitals, en, zh"), "{error}");
    }
}
