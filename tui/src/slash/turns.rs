//! What is said to the commands that change how answers are made.

use super::nearest;
use crate::action::Command;
use crate::state::{BranchName, CompareWith, DialPosition, ExportFormat, Field, Remasked};

/// What `/set` takes beside the settings: all of a preset.
const PRESET: &str = "preset";

pub(super) fn set(text: &str) -> Result<Command, String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("/set takes KEY=VALUE, such as /set steps=64".to_owned());
    };
    let key = key.trim();
    if key == PRESET {
        return Ok(Command::Preset(value.trim().to_owned()));
    }
    match Field::named(key) {
        Some(field) => Ok(Command::Set(field, value.trim().to_owned())),
        None => Err(no_setting(key)),
    }
}

fn no_setting(key: &str) -> String {
    let all = Field::ALL.map(Field::words);
    let by_label = all.iter().find(|words| words.label.starts_with(key));
    let near = by_label.map(|words| words.key);
    let keys: Vec<&str> = all
        .map(|words| words.key)
        .into_iter()
        .chain([PRESET])
        .collect();
    match near.or_else(|| nearest(key, &keys)) {
        Some(near) => format!("No setting {key}. Did you mean {near}?"),
        None => format!("No setting {key}; /settings shows them all"),
    }
}

pub(super) fn speed(name: &str) -> Result<Command, String> {
    match DialPosition::named(name) {
        Some(speed) => Ok(Command::Dial(speed)),
        None => Err("/speed takes quality, balanced, fast or turbo".to_owned()),
    }
}

pub(super) fn pin(text: &str) -> Result<Command, String> {
    match text {
        "" => Err("/pin takes POSITION:WORD, …, such as /pin 9:Clara; or clear".to_owned()),
        text => Ok(Command::Set(Field::Pins, text.to_owned())),
    }
}

pub(super) fn retry(text: &str) -> Result<Command, String> {
    let seed = text.strip_prefix("seed").map(str::trim_start);
    let seed = seed.and_then(|rest| rest.strip_prefix('='));
    match seed.and_then(|seed| seed.trim().parse().ok()) {
        Some(seed) => Ok(Command::RetryWith(seed)),
        None => Err("/retry takes nothing or seed=N, a whole number".to_owned()),
    }
}

pub(super) fn replay(text: &str) -> Result<Command, String> {
    match text.parse() {
        Ok(turn) => Ok(Command::ReplayTurn(turn)),
        Err(_) => Err("/replay takes nothing or the number of a turn, counted from 1".to_owned()),
    }
}

pub(super) fn export(text: &str) -> Result<Command, String> {
    let (name, path) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let found = ExportFormat::ALL
        .into_iter()
        .find(|(word, _)| *word == name);
    match (found, path.trim()) {
        (Some((_, format)), path) => {
            let path = Some(path).filter(|path| !path.is_empty());
            Ok(Command::Export(format, path.map(Into::into)))
        }
        (None, _) => {
            let all = ExportFormat::ALL.map(|(word, _)| word).join(", ");
            Err(format!(
                "/export takes one of {all}, and a path if you like: /export html a.html"
            ))
        }
    }
}

pub(super) fn share(path: &str) -> Result<Command, String> {
    let path = Some(path).filter(|path| !path.is_empty());
    let order = Command::Export(ExportFormat::Card, path.map(Into::into));
    Ok(order)
}

pub(super) fn fill(text: &str) -> Result<Command, String> {
    let parts = super::template::parts(text)?;
    Ok(Command::Fill {
        template: text.to_owned(),
        parts,
    })
}

pub(super) fn edit(text: &str) -> Result<Command, String> {
    match text.parse() {
        Ok(turn) => Ok(Command::EditTurn(turn)),
        Err(_) => Err("/edit takes nothing or the number of a turn, counted from 1".to_owned()),
    }
}

pub(super) fn find(text: &str) -> Result<Command, String> {
    Ok(Command::Find(text.to_owned()))
}

/// `steps=32`, `1 1b`, `backend onnx`, `precision q8_0`, a model.
pub(super) fn compare(text: &str) -> Result<Command, String> {
    let order = |with| Ok(Command::CompareWith(with));
    if let Some((key, value)) = text.split_once('=') {
        let key = key.trim();
        let field = Field::named(key).ok_or_else(|| no_setting(key))?;
        return order(CompareWith::Setting(field, value.trim().to_owned()));
    }
    let Some((first, second)) = text.split_once(char::is_whitespace) else {
        return order(CompareWith::Model(text.to_owned()));
    };
    let second = second.trim();
    match (first, BranchName::read(first), BranchName::read(second)) {
        ("backend", ..) => order(CompareWith::Backend(second.to_owned())),
        ("precision", ..) => order(CompareWith::Precision(second.to_owned())),
        (_, Some(first), Some(second)) => order(CompareWith::Answers(Some([first, second]))),
        _ => Err(
            "/compare takes KEY=VALUE, a model, backend NAME, precision NAME, or two answers, such as 1 1b"
                .to_owned(),
        ),
    }
}

/// `1b`; `1` is `1a`, and nothing asks which there are.
pub(super) fn branch(text: &str) -> Result<Command, String> {
    if text.is_empty() {
        return Ok(Command::Branch(None));
    }
    match BranchName::read(text) {
        Some(name) => Ok(Command::Branch(Some(name))),
        None => Err("/branch takes nothing or the name of an answer, such as 1b".to_owned()),
    }
}

pub(super) fn remask(text: &str) -> Result<Command, String> {
    const USAGE: &str =
        "/remask takes FROM-TO, token positions of the answer, or low=P, such as low=0.5";
    let low = text.strip_prefix("low").map(str::trim_start);
    let low = low.and_then(|rest| rest.strip_prefix('='));
    if let Some(low) = low {
        let p: f32 = low.trim().parse().map_err(|_| USAGE.to_owned())?;
        return match (0.0..=1.0).contains(&p) {
            true => Ok(Command::Remask(Remasked::Below(p))),
            false => Err(format!("low is {p}; it must be 0 to 1")),
        };
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(Command::Remask(Remasked::Span(first, last))),
        _ => Err(USAGE.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use unmask_core::settings::Setting;

    use super::*;
    use crate::slash::{Draft, read};

    #[test]
    fn settings_pins_and_seeds_are_read() {
        let orders = [
            (
                "/set cfg_scale = 1.5",
                Command::Set(Setting::CfgScale.into(), "1.5".to_owned()),
            ),
            (
                "/set pins=0:a=b",
                Command::Set(Field::Pins, "0:a=b".to_owned()),
            ),
            (
                "/pin 0:Once, 5:upon",
                Command::Set(Field::Pins, "0:Once, 5:upon".to_owned()),
            ),
            ("/speed fast", Command::Dial(DialPosition::Fast)),
            ("/retry seed=7", Command::RetryWith(7)),
            ("/replay 2", Command::ReplayTurn(2)),
            (
                "/export html a b.html",
                Command::Export(ExportFormat::Html, Some("a b.html".into())),
            ),
            ("/export gif", Command::Export(ExportFormat::Gif, None)),
            ("/share", Command::Export(ExportFormat::Card, None)),
            ("/find two words", Command::Find("two words".to_owned())),
            ("/compare", Command::CompareLast),
            ("/export", Command::Formats),
            ("/find", Command::BeginFind),
            (
                "/compare 1 1b",
                Command::CompareWith(CompareWith::Answers(Some([
                    BranchName { turn: 1, answer: 0 },
                    BranchName { turn: 1, answer: 1 },
                ]))),
            ),
            (
                "/compare cfg_scale=2",
                Command::CompareWith(CompareWith::Setting(
                    Setting::CfgScale.into(),
                    "2".to_owned(),
                )),
            ),
            (
                "/compare backend onnx",
                Command::CompareWith(CompareWith::Backend("onnx".to_owned())),
            ),
            (
                "/compare demo",
                Command::CompareWith(CompareWith::Model("demo".to_owned())),
            ),
            ("/branch", Command::Branch(None)),
            ("/branch 2", Command::Branch(BranchName::read("2a"))),
            (
                "/branch 12c",
                Command::Branch(Some(BranchName {
                    turn: 12,
                    answer: 2,
                })),
            ),
            ("/edit 3", Command::EditTurn(3)),
            ("/remask 3-5", Command::Remask(Remasked::Span(3, 5))),
            ("/remask 4", Command::Remask(Remasked::Span(4, 4))),
            ("/remask low = 0.5", Command::Remask(Remasked::Below(0.5))),
        ];
        for (text, expected) in orders {
            assert!(
                matches!(read(text), Draft::Do(command) if command == expected),
                "{text}"
            );
        }
    }
}
