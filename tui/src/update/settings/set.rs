//! A typed value becomes a setting, or is refused with what may be.

use std::time::Duration;

use unmask_core::engine::{Overflow, Pin};
use unmask_core::settings::{Domain, Setting, SettingValue};
use unmask_core::text::pins::{PinText, parse_pins};

use crate::state::{
    Caching, DialPosition, Field, LONGEST_DELAY, Limits, Refusal, Seed, Settings, most,
};

/// Sets a field to what `text` says.
///
/// # Errors
/// What is wrong with it, and what may be; the settings are as they were.
pub(super) fn set(
    settings: &mut Settings,
    field: Field,
    text: &str,
    limits: &Limits,
) -> Result<(), Refusal> {
    let text = text.trim();
    let wrong = || {
        let range = field.range(settings, limits);
        Refusal::from(format!("`{text}`: {} must be {range}", field.words().label))
    };
    match field {
        Field::Denoising(setting) => match setting.definition().domain {
            Domain::Seed => settings.seed = seed(text).ok_or_else(wrong)?,
            domain => {
                let value = domain.parse(text).ok();
                let value = value.filter(|&it| is_allowed(domain, it, settings, limits));
                put(settings, setting, value.ok_or_else(wrong)?, limits)?;
            }
        },
        Field::Speed => settings.set_speed(DialPosition::named(text).ok_or_else(wrong)?),
        Field::Context => settings.overflow = overflow(text).ok_or_else(wrong)?,
        Field::Delay => settings.delay = delay(text).ok_or_else(wrong)?,
        Field::Pins => settings.pins = pins(text, settings.length)?,
    }
    Ok(())
}

/// True if the value is within the range of the screen.
fn is_allowed(domain: Domain, value: SettingValue, settings: &Settings, limits: &Limits) -> bool {
    let is_within = match (domain, value) {
        (Domain::Count(counted), SettingValue::Count(it)) => it <= most(counted, settings, limits),
        (Domain::Number(it) | Domain::Optional(it), SettingValue::Number(number)) => {
            number <= it.screen_most
        }
        _ => true,
    };
    is_within && domain.check(value).is_ok()
}

/// Sets a setting, if the backend has what it says.
///
/// # Errors
/// Why not; the settings are as they were.
pub(super) fn put(
    settings: &mut Settings,
    setting: Setting,
    value: SettingValue,
    limits: &Limits,
) -> Result<(), Refusal> {
    let row = setting.definition();
    let is_cache = setting == Setting::Cache && value != row.default();
    if is_cache && limits.cache == Caching::Missing {
        let what = "this backend keeps no K/V cache; cache must be off";
        return Err(what.to_owned().into());
    }
    (row.set)(&mut settings.params, &mut settings.length, value);
    Ok(())
}

fn seed(text: &str) -> Option<Seed> {
    match text {
        "random" => Some(Seed::Random),
        _ => text.parse().ok().map(Seed::Fixed),
    }
}

fn overflow(text: &str) -> Option<Overflow> {
    match text {
        "roll" | "drop_oldest" => Some(Overflow::DropOldest),
        "refuse" => Some(Overflow::Refuse),
        _ => None,
    }
}

fn delay(text: &str) -> Option<Duration> {
    let number = text.strip_suffix("ms").unwrap_or(text).trim_end();
    let ms = number.parse().ok().filter(|&ms| ms <= LONGEST_DELAY)?;
    Some(Duration::from_millis(ms))
}

/// The pins that `text` says, for an answer of `length` tokens: all of them, or a refusal that points at the part that is
/// wrong. `none`, `clear` and nothing clear them.
///
/// How many tokens a word has is for the tokenizer to say; what is refused here is refused whatever it says.
pub(super) fn pins(text: &str, length: usize) -> Result<Vec<Pin>, Refusal> {
    if matches!(text, "" | "none" | "clear") {
        return Ok(Vec::new());
    }
    let point = |what: String, span: std::ops::Range<usize>| Refusal {
        what,
        part: Some((text.to_owned(), span)),
    };
    let read = parse_pins(text).map_err(|error| point(error.what, error.span))?;
    for (index, PinText { pin, span }) in read.iter().enumerate() {
        let at = pin.at;
        if at.index() >= length {
            let what = format!("position {} is beyond the answer, 0–{}", at.0, length - 1);
            return Err(point(what, span.clone()));
        }
        let same = read[..index].iter().find(|other| other.pin.at == at);
        if let Some(other) = same {
            let what = format!("`{}` is at position {} already", other.pin.word, at.0);
            return Err(point(what, span.clone()));
        }
    }
    Ok(read.into_iter().map(|it| it.pin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        length: 256,
        cache: Caching::Missing,
    };

    /// What a field is after `text`, or why it is refused.
    fn typed(field: Field, text: &str) -> Result<String, String> {
        let mut settings = Settings::default();
        let before = settings.clone();
        let result = set(&mut settings, field, text, &LIMITS);
        if result.is_err() {
            assert_eq!(settings, before, "a refused value changes nothing");
        }
        result
            .map(|()| field.value(&settings))
            .map_err(|it| it.what)
    }

    #[track_caller]
    fn taken(field: impl Into<Field>, text: &str, value: &str) {
        assert_eq!(typed(field.into(), text), Ok(value.to_owned()), "{text}");
    }

    #[track_caller]
    fn refused(field: impl Into<Field>, text: &str, why: &str) {
        assert_eq!(typed(field.into(), text), Err(why.to_owned()));
    }

    #[test]
    fn a_value_within_its_range_is_taken() {
        taken(Setting::Length, " 256 ", "256");
        taken(Setting::BlockLength, "128", "128");
        taken(Setting::Steps, "1", "1");
        taken(Field::Speed, "turbo", "turbo");
        taken(Setting::Threshold, "0.3", "0.30");
        taken(Setting::Threshold, "off", "off");
        taken(Setting::Factor, "1", "1.0");
        taken(Setting::Temperature, "0.75", "0.75");
        taken(Setting::CfgScale, "4", "4.0");
        taken(Setting::Remasking, "low_confidence", "low_conf");
        taken(
            Setting::Seed,
            "18446744073709551615",
            "18446744073709551615",
        );
        taken(Setting::Seed, "random", "random");
        taken(Setting::EndLast, "on", "on");
        taken(Field::Delay, "250 ms", "250 ms");
        taken(Field::Pins, "0:Once, 5:upon", "0:Once, 5:upon");
        taken(Field::Pins, "clear", "none");
        taken(Setting::Cache, "off", "off");
        taken(Field::Context, "refuse", "refuse");
    }

    #[test]
    fn a_value_outside_is_refused_with_the_range() {
        let cases = [
            (
                Setting::Length.into(),
                "0",
                "`0`: answer length must be 1–256",
            ),
            (
                Setting::Length.into(),
                "257",
                "`257`: answer length must be 1–256",
            ),
            (Setting::Steps.into(), "129", "`129`: steps must be 1–128"),
            (Setting::Steps.into(), "abc", "`abc`: steps must be 1–128"),
            (
                Setting::Temperature.into(),
                "-1",
                "`-1`: temperature must be 0–2",
            ),
            (
                Setting::Temperature.into(),
                "nan",
                "`nan`: temperature must be 0–2",
            ),
            (
                Setting::Threshold.into(),
                "1.5",
                "`1.5`: threshold must be 0–1 or off",
            ),
            (
                Field::Delay,
                "1001",
                "`1001`: playback delay must be 0–1000 ms",
            ),
            (
                Setting::EarlyStop.into(),
                "maybe",
                "`maybe`: stop at the end must be on or off",
            ),
            (
                Setting::Cache.into(),
                "dual",
                "this backend keeps no K/V cache; cache must be off",
            ),
        ];
        for (field, text, why) in cases {
            refused(field, text, why);
        }
    }

    #[test]
    fn of_pins_all_are_taken_or_none() {
        let refusal = |text: &str| pins(text, 16).expect_err("must be refused");
        let pointed = |text: &str| {
            let (text, span) = refusal(text).part.expect("points at a part");
            text[span].to_owned()
        };
        assert_eq!(pointed("0:Once, x:up"), "x");
        assert_eq!(pointed("0:Once, 16:up"), "16:up");
        assert_eq!(pointed("3:Once, 3:up"), "3:up");
        assert_eq!(pointed("0:Once, 5:"), "");
        assert_eq!(
            refusal("16:up").what,
            "position 16 is beyond the answer, 0–15"
        );
    }

    #[test]
    fn turning_the_threshold_off_leaves_a_factor_on() {
        let mut settings = Settings::default();
        set(&mut settings, Setting::Factor.into(), "2", &LIMITS).expect("in range");
        set(&mut settings, Setting::Threshold.into(), "off", &LIMITS).expect("in range");
        assert_eq!(Field::from(Setting::Factor).value(&settings), "2.0");
    }
}
