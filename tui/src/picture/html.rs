//! A run as a page of its own: one file that asks nobody for anything and plays wherever there is a browser.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use unmask_core::message::Role;
use unmask_core::wire::Event;
use unmask_pages::{
    COMPARE_FRAME, COMPARE_STYLE, REPLAY_FRAME, REPLAY_STYLE, compare_script, replay_script,
};

use crate::comparison::{LINE_CELLS, RunComparison, ShownComparison};
use crate::recorded_run::{RecordedRun, RunError};

/// The page. Text of the run stands in it as text alone: what looks like a tag is none, and the page's policy lets no script
/// run but its own.
///
/// # Errors
/// If the events do not fit the canvas.
pub fn html(run: &RecordedRun) -> Result<String, RunError> {
    let script = replay_script();
    let answer = run.after(run.events.len())?.answer(&run.start.canvas.ends);
    let policy = policy(&script, REPLAY_STYLE);
    let places: [(&str, &str); 8] = [
        ("policy", &policy),
        ("title", &escaped(&title(run))),
        ("style", REPLAY_STYLE),
        ("said", &said(run)),
        ("answer", &escaped(&answer)),
        ("foot", &escaped(&foot(run))),
        ("trace", &trace(run)),
        ("script", &script),
    ];
    Ok(fill(REPLAY_FRAME, &places))
}

/// Two runs side by side, with how they compare.
///
/// # Errors
/// If the events of one do not fit its canvas.
pub fn compare_html(runs: [&RecordedRun; 2], compared: &RunComparison) -> Result<String, RunError> {
    let script = compare_script();
    let [first, second] = runs;
    let answer = |run: &RecordedRun| -> Result<String, RunError> {
        let end = run.after(run.events.len())?;
        Ok(escaped(&end.answer(&run.start.canvas.ends)))
    };
    let name = |run: &RecordedRun| {
        let (model, backend) = (&run.start.model, &run.start.backend);
        escaped(&format!(
            "{} · {} {}",
            model.name, backend.name, backend.precision
        ))
    };
    let policy = policy(&script, COMPARE_STYLE);
    let places: [(&str, &str); 15] = [
        ("policy", &policy),
        ("title", &escaped(&format!("Compare: {}", title(first)))),
        ("style", COMPARE_STYLE),
        ("said", &said(first)),
        ("name-a", &name(first)),
        ("answer-a", &answer(first)?),
        ("name-b", &name(second)),
        ("answer-b", &answer(second)?),
        ("whole", &escaped(&compared.lines())),
        ("foot-a", &escaped(&format!("A: {}", foot(first)))),
        ("foot-b", &escaped(&format!("B: {}", foot(second)))),
        ("trace-a", &trace(first)),
        ("trace-b", &trace(second)),
        ("words", &unclosed(&words(&compared.ends))),
        ("script", &script),
    ];
    Ok(fill(COMPARE_FRAME, &places))
}

/// How two whole answers compare by their words, as the screen has it; `null` if one of them is not whole. Before its end the
/// page goes by tokens.
fn words(ends: &ShownComparison) -> String {
    let places = ends.places().into_iter();
    let places = places.map(|place| place.map(|it| [it.start, it.end]));
    let places: Vec<_> = places.collect();
    let said = || ends.said(LINE_CELLS).swap_remove(0);
    let words = ends.words.as_ref();
    let words = words.map(|_| json!({ "said": said(), "places": places }));
    json!(words).to_string()
}

/// Nothing but this script and this style.
fn policy(script: &str, style: &str) -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(script),
        hash(style)
    )
}

/// A frame with its open places filled, each once: what is filled in may hold the name of another.
fn fill(frame: &str, places: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = frame;
    for (name, text) in places {
        let mark = format!("{{{{{name}}}}}");
        let (before, behind) = rest
            .split_once(&mark)
            .expect("the frame names its places in order");
        page.push_str(before);
        page.push_str(text);
        rest = behind;
    }
    page + rest
}

fn title(run: &RecordedRun) -> String {
    let asked = run.start.messages.iter().rfind(|it| it.role == Role::User);
    let asked = asked.map_or("a run", |message| {
        message.content.lines().next().unwrap_or_default()
    });
    let short: String = asked.chars().take(60).collect();
    format!("{short} · unmask")
}

fn said(run: &RecordedRun) -> String {
    let messages = run.start.messages.iter();
    let turn = |role: Role, text: &str| {
        let kind = match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        format!("<p class=\"turn {kind}\">{}</p>\n", escaped(text))
    };
    messages
        .map(|message| turn(message.role, &message.content))
        .collect()
}

/// Who made it and how.
fn foot(run: &RecordedRun) -> String {
    let start = &run.start;
    let setting = |key: &str| {
        start
            .params
            .settings
            .get(key)
            .map_or_else(|| "?".to_owned(), ToString::to_string)
    };
    let how = match &start.approximation {
        None if start.exact => "exact".to_owned(),
        None => "not the reference's rule".to_owned(),
        Some(what) => format!("≈ {what}"),
    };
    let identity = start
        .model
        .identity
        .as_deref()
        .unwrap_or("identity not known");
    let identity: String = identity.chars().take(23).collect();
    let end = match run.end {
        Some(_) => "",
        None => " · unfinished",
    };
    format!(
        "{} · {} · {} {} · length {} · steps {} · block {} · seed {} · {how}{end} · {} · {} · {}",
        start.model.name,
        start.backend.name,
        start.backend.device,
        start.backend.precision,
        setting("length"),
        setting("steps"),
        setting("block_length"),
        setting("seed"),
        start.at,
        start.program,
        identity,
    )
}

/// The events as JSON that no parser of HTML ends early.
fn trace(run: &RecordedRun) -> String {
    let lines: Vec<String> = run.whole().map(|event: Event| event.line()).collect();
    unclosed(&format!("[{}]", lines.join(",")))
}

/// JSON in which nothing ends the element that it stands in.
fn unclosed(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
