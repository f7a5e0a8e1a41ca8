//! A typed value becomes a setting, or is refused with what may be.

use std::time::Duration;

use unmask_core::engine::{Overflow, Pin};
use unmask_core::params::{CacheMode, Remasking, Transfer};
use unmask_core::text::pins::{PinText, parse_pins};

use crate::state::{
    Caching, Field, HOTTEST, LARGEST_FACTOR, LONGEST_DELAY, Limits, Refusal, STRONGEST, Seed,
    Settings, Speed,
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
        Refusal::from(format!("`{text}`: {} must be {range}", field.label()))
    };
    let longest = settings.length;
    match field {
        Field::Length => settings.length = count(text, limits.length).ok_or_else(wrong)?,
        Field::BlockLength => {
            settings.params.block_length = count(text, longest).ok_or_else(wrong)?;
        }
        Field::Steps => settings.params.steps = count(text, longest).ok_or_else(wrong)?,
        Field::Speed => settings.set_speed(Speed::named(text).ok_or_else(wrong)?),
        Field::Threshold => match text {
            "off" => clear(settings, field),
            _ => {
                let at = number(text).filter(|at| (0.0..=1.0).contains(at));
                settings.params.transfer = Transfer::Threshold(at.ok_or_else(wrong)?);
            }
        },
        Field::Factor => match text {
            "off" => clear(settings, field),
            _ => {
                let factor = number(text).filter(|&it| it > 0.0 && it <= LARGEST_FACTOR);
                settings.params.transfer = Transfer::Factor(factor.ok_or_else(wrong)?);
            }
        },
        Field::Temperature => {
            let it = number(text).filter(|it| (0.0..=HOTTEST).contains(it));
            settings.params.temperature = it.ok_or_else(wrong)?;
        }
        Field::Guidance => {
            let it = number(text).map(|it| it as f32);
            let it = it.filter(|it| (0.0..=STRONGEST).contains(it));
            settings.params.cfg_scale = it.ok_or_else(wrong)?;
        }
        Field::Remasking => settings.params.remasking = remasking(text).ok_or_else(wrong)?,
        Field::Seed => settings.seed = seed(text).ok_or_else(wrong)?,
        Field::EndLast => {
            settings.params.confidence_eos_eot_inf = switch(text).ok_or_else(wrong)?;
        }
        Field::EarlyStop => settings.params.early_stop = switch(text).ok_or_else(wrong)?,
        Field::NoEnd => settings.params.logits_eos_inf = switch(text).ok_or_else(wrong)?,
        Field::Context => settings.overflow = overflow(text).ok_or_else(wrong)?,
        Field::Delay => settings.delay = delay(text).ok_or_else(wrong)?,
        Field::Pins => settings.pins = pins(text, settings.length)?,
        Field::Cache => {
            let mode = cache(text).ok_or_else(wrong)?;
            set_cache(settings, mode, limits)?;
        }
    }
    Ok(())
}

/// Turns the threshold or the factor off, if it is that one.
fn clear(settings: &mut Settings, field: Field) {
    if field.is_approximate(settings) {
        settings.params.transfer = Transfer::Quota;
    }
}

/// Sets the cache, if the backend has one.
pub(super) fn set_cache(
    settings: &mut Settings,
    mode: CacheMode,
    limits: &Limits,
) -> Result<(), Refusal> {
    match (mode, limits.cache) {
        (CacheMode::Prefix | CacheMode::Dual, Caching::Missing) => Err(Refusal::from(
            "this backend keeps no K/V cache; cache must be off".to_owned(),
        )),
        (CacheMode::Off, _) | (_, Caching::Offered) => {
            settings.params.cache = mode;
            Ok(())
        }
    }
}

fn count(text: &str, most: usize) -> Option<usize> {
    text.parse().ok().filter(|count| (1..=most).contains(count))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

fn seed(text: &str) -> Option<Seed> {
    match text {
        "random" => Some(Seed::Random),
        _ => text.parse().ok().map(Seed::Fixed),
    }
}

fn remasking(text: &str) -> Option<Remasking> {
    match text {
        "low_conf" | "low_confidence" => Some(Remasking::LowConfidence),
        "random" => Some(Remasking::Random),
        _ => None,
    }
}

fn overflow(text: &str) -> Option<Overflow> {
    match text {
        "roll" | "drop_oldest" => Some(Overflow::DropOldest),
        "refuse" => Some(Overflow::Refuse),
        _ => None,
    }
}

fn cache(text: &str) -> Option<CacheMode> {
    match text {
        "off" => Some(CacheMode::Off),
        "prefix" => Some(CacheMode::Prefix),
        "dual" => Some(CacheMode::Dual),
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
    fn taken(field: Field, text: &str, value: &str) {
        assert_eq!(typed(field, text), Ok(value.to_owned()), "{text}");
    }

    #[track_caller]
    fn refused(field: Field, text: &str, why: &str) {
        assert_eq!(typed(field, text), Err(why.to_owned()));
    }

    #[test]
    fn a_value_within_its_range_is_taken() {
        taken(Field::Length, " 256 ", "256");
        taken(Field::BlockLength, "128", "128");
        taken(Field::Steps, "1", "1");
        taken(Field::Speed, "turbo", "turbo");
        taken(Field::Threshold, "0.3", "0.30");
        taken(Field::Threshold, "off", "off");
        taken(Field::Factor, "1", "1.0");
        taken(Field::Temperature, "0.75", "0.75");
        taken(Field::Guidance, "4", "4.0");
        taken(Field::Remasking, "low_confidence", "low_conf");
        taken(Field::Seed, "18446744073709551615", "18446744073709551615");
        taken(Field::Seed, "random", "random");
        taken(Field::EndLast, "on", "on");
        taken(Field::Delay, "250 ms", "250 ms");
        taken(Field::Pins, "0:Once, 5:upon", "0:Once, 5:upon");
        taken(Field::Pins, "clear", "none");
        taken(Field::Cache, "off", "off");
        taken(Field::Context, "refuse", "refuse");
    }

    #[test]
    fn a_value_outside_is_refused_with_the_range() {
        let cases = [
            (Field::Length, "0", "`0`: answer length must be 1–256"),
            (Field::Length, "257", "`257`: answer length must be 1–256"),
            (Field::Steps, "129", "`129`: steps must be 1–128"),
            (Field::Steps, "abc", "`abc`: steps must be 1–128"),
            (Field::Temperature, "-1", "`-1`: temperature must be 0–2"),
            (Field::Temperature, "nan", "`nan`: temperature must be 0–2"),
            (
                Field::Threshold,
                "1.5",
                "`1.5`: threshold must be 0–1 or off",
            ),
            (
                Field::Delay,
                "1001",
                "`1001`: playback delay must be 0–1000 ms",
            ),
            (
                Field::EarlyStop,
                "maybe",
                "`maybe`: early stop must be on or off",
            ),
            (
                Field::Cache,
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
        set(&mut settings, Field::Factor, "2", &LIMITS).expect("in range");
        set(&mut settings, Field::Threshold, "off", &LIMITS).expect("in range");
        assert_eq!(Field::Factor.value(&settings), "2.0");
    }
}
