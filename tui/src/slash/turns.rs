//! What is said to the commands that change how answers are made.

use super::nearest;
use crate::action::{Action, Order};
use crate::state::{DialPosition, ExportFormat, Field, Remasked};

pub(super) fn set(text: &str) -> Result<Action, String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("/set takes KEY=VALUE, such as /set steps=64".to_owned());
    };
    let key = key.trim();
    match Field::named(key) {
        Some(field) => Ok(Action::Order(Order::Set(field, value.trim().to_owned()))),
        None => Err(no_setting(key)),
    }
}

fn no_setting(key: &str) -> String {
    let all = Field::ALL.map(Field::words);
    let by_label = all.iter().find(|words| words.label.starts_with(key));
    let near = by_label.map(|words| words.key);
    match near.or_else(|| nearest(key, &all.map(|words| words.key))) {
        Some(near) => format!("No setting {key}. Did you mean {near}?"),
        None => format!("No setting {key}; /settings shows them all"),
    }
}

pub(super) fn speed(name: &str) -> Result<Action, String> {
    match DialPosition::named(name) {
        Some(speed) => Ok(Action::Order(Order::Dial(speed))),
        None => Err("/speed takes quality, balanced, fast or turbo".to_owned()),
    }
}

pub(super) fn pin(text: &str) -> Result<Action, String> {
    match text {
        "" => Err("/pin takes POSITION:WORD, …, such as /pin 0:Once, 5:upon; or clear".to_owned()),
        text => Ok(Action::Order(Order::Set(Field::Pins, text.to_owned()))),
    }
}

pub(super) fn retry(text: &str) -> Result<Action, String> {
    let seed = text.strip_prefix("seed").map(str::trim_start);
    let seed = seed.and_then(|rest| rest.strip_prefix('='));
    match seed.and_then(|seed| seed.trim().parse().ok()) {
        Some(seed) => Ok(Action::Order(Order::Retry(seed))),
        None => Err("/retry takes nothing or seed=N, a whole number".to_owned()),
    }
}

pub(super) fn replay(text: &str) -> Result<Action, String> {
    match text.parse() {
        Ok(turn) => Ok(Action::Order(Order::Replay(turn))),
        Err(_) => Err("/replay takes nothing or the number of a turn, counted from 1".to_owned()),
    }
}

pub(super) fn export(text: &str) -> Result<Action, String> {
    let (name, path) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let found = ExportFormat::ALL
        .into_iter()
        .find(|(word, _)| *word == name);
    match (found, path.trim()) {
        (Some((_, format)), path) if !path.is_empty() => {
            Ok(Action::Order(Order::Export(format, path.into())))
        }
        _ => Err(
            "/export takes html, json, text, log or trace and a path, such as /export html a.html"
                .to_owned(),
        ),
    }
}

pub(super) fn remask(text: &str) -> Result<Action, String> {
    const USAGE: &str =
        "/remask takes FROM-TO, token positions of the answer, or low=P, such as low=0.5";
    let low = text.strip_prefix("low").map(str::trim_start);
    let low = low.and_then(|rest| rest.strip_prefix('='));
    if let Some(low) = low {
        let p: f32 = low.trim().parse().map_err(|_| USAGE.to_owned())?;
        return match (0.0..=1.0).contains(&p) {
            true => Ok(Action::Order(Order::Remask(Remasked::Below(p)))),
            false => Err(format!("low is {p}; it must be 0 to 1")),
        };
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => {
            Ok(Action::Order(Order::Remask(Remasked::Span(first, last))))
        }
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
                Order::Set(Setting::CfgScale.into(), "1.5".to_owned()),
            ),
            (
                "/set pins=0:a=b",
                Order::Set(Field::Pins, "0:a=b".to_owned()),
            ),
            (
                "/pin 0:Once, 5:upon",
                Order::Set(Field::Pins, "0:Once, 5:upon".to_owned()),
            ),
            ("/speed fast", Order::Dial(DialPosition::Fast)),
            ("/retry seed=7", Order::Retry(7)),
            ("/replay 2", Order::Replay(2)),
            (
                "/export html a b.html",
                Order::Export(ExportFormat::Html, "a b.html".into()),
            ),
            ("/remask 3-5", Order::Remask(Remasked::Span(3, 5))),
            ("/remask 4", Order::Remask(Remasked::Span(4, 4))),
            ("/remask low = 0.5", Order::Remask(Remasked::Below(0.5))),
        ];
        for (text, expected) in orders {
            assert!(
                matches!(read(text), Draft::Do(Action::Order(order)) if order == expected),
                "{text}"
            );
        }
    }
}
