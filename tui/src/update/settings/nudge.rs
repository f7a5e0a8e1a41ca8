//! One step of a field to the left or to the right.

use std::time::Duration;

use unmask_core::engine::Overflow;
use unmask_core::settings::{Bounds, Counted, Domain, SettingValue, Word};

use super::set::put;
use crate::state::{DialPosition, Field, LONGEST_DELAY, Limits, Refusal, Seed, Settings, most};

/// Where a field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Less,
    More,
}

/// Moves a field by a sensible step; it stops at the ends of its range.
///
/// # Errors
/// If the backend does not have what comes next.
pub(super) fn nudge(
    settings: &mut Settings,
    field: Field,
    way: Way,
    limits: &Limits,
) -> Result<(), Refusal> {
    match field {
        Field::Denoising(setting) => match setting.definition().domain {
            Domain::Seed => settings.seed = next_seed(settings.seed, way),
            domain => {
                let now = (setting.definition().get)(&settings.params, settings.length);
                let next = next(settings, domain, now, way, limits);
                return put(settings, setting, next, limits);
            }
        },
        Field::Speed => {
            let (now, before) = (settings.speed(), settings.params.clone());
            settings.set_speed(next_speed(now, way));
            // Positions may have been measured to be one and the same.
            let at = now.and_then(|now| DialPosition::ALL.iter().position(|&speed| speed == now));
            let mut further = DialPosition::ALL.iter().skip(at.map_or(0, |at| at + 2));
            while way == Way::More
                && settings.params == before
                && let Some(&speed) = further.next()
            {
                settings.set_speed(speed);
            }
        }
        Field::Context => {
            settings.overflow = match settings.overflow {
                Overflow::DropOldest => Overflow::Refuse,
                Overflow::Refuse => Overflow::DropOldest,
            }
        }
        Field::Delay => settings.delay = next_delay(settings.delay, way),
        Field::Pins => return Err("pins are typed, not stepped through".to_owned().into()),
    }
    Ok(())
}

/// The value of a setting that comes after `now`.
fn next(
    settings: &Settings,
    domain: Domain,
    now: SettingValue,
    way: Way,
    limits: &Limits,
) -> SettingValue {
    match (domain, now) {
        (Domain::Count(counted), SettingValue::Count(now)) => {
            let next = next_count(settings, counted, now, way);
            SettingValue::Count(next.clamp(1, most(counted, settings, limits)))
        }
        (Domain::Optional(bounds), now) => next_optional(&bounds, now, way),
        (Domain::Number(bounds), SettingValue::Number(now)) => {
            SettingValue::Number(next_number(&bounds, now, way))
        }
        (Domain::Choice(words), SettingValue::Choice(now)) => {
            SettingValue::Choice(next_word(words, now, way))
        }
        (_, SettingValue::Switch(is_on)) => SettingValue::Switch(!is_on),
        (_, now) => now,
    }
}

fn next_count(settings: &Settings, counted: Counted, now: usize, way: Way) -> usize {
    let length = settings.length;
    match counted {
        Counted::Answer => next_length(now, way),
        Counted::Block => divisor(length, now, way),
        Counted::Steps => {
            let fit = settings.fit();
            let blocks = fit.length / fit.params.block_length;
            grid(now, (length / 16).max(1).next_multiple_of(blocks), way)
        }
    }
}

fn next_number(bounds: &Bounds, now: f64, way: Way) -> f64 {
    let next = decimal(now, bounds.per_one, way);
    next.max(bounds.least).min(bounds.arrows.1)
}

/// `off` stands before the first value.
fn next_optional(bounds: &Bounds, now: SettingValue, way: Way) -> SettingValue {
    let first = bounds.arrows.0;
    match (now.number(), way) {
        (None, Way::More) => SettingValue::Number(first),
        (None, Way::Less) => SettingValue::Off,
        (Some(now), Way::Less) if now <= first => SettingValue::Off,
        (Some(now), way) => SettingValue::Number(next_number(bounds, now, way)),
    }
}

/// Behind the last word the first one follows.
fn next_word(words: &[Word], now: &'static str, way: Way) -> &'static str {
    let at = words.iter().position(|it| it.word == now).unwrap_or(0);
    let by = match way {
        Way::Less => words.len() - 1,
        Way::More => 1,
    };
    words[(at + by) % words.len()].word
}

/// The next multiple of `by`.
fn grid(value: usize, by: usize, way: Way) -> usize {
    match way {
        Way::Less => (value.saturating_sub(1) / by) * by,
        Way::More => (value / by + 1) * by,
    }
}

/// Multiples of 32; below them powers of two.
fn next_length(length: usize, way: Way) -> usize {
    match way {
        Way::Less if length <= 32 => 1 << length.saturating_sub(1).max(1).ilog2(),
        Way::More if length < 32 => (length + 1).next_power_of_two(),
        Way::Less | Way::More => grid(length, 32, way),
    }
}

/// The next block length by which the answer divides.
fn divisor(length: usize, now: usize, way: Way) -> usize {
    let found = match way {
        Way::Less => (1..now.min(length))
            .rev()
            .find(|&it| length.is_multiple_of(it)),
        Way::More => (now + 1..=length).find(|&it| length.is_multiple_of(it)),
    };
    found.unwrap_or(now.clamp(1, length.max(1)))
}

/// The next value with one more or less of `per_one` parts.
fn decimal(value: f64, per_one: f64, way: Way) -> f64 {
    let parts = value * per_one;
    let next = match way {
        Way::Less => (parts - 1e-6).ceil() - 1.0,
        Way::More => (parts + 1e-6).floor() + 1.0,
    };
    next / per_one
}

/// Beyond quality there is nothing, and a dial between its settings goes to the nearest end.
fn next_speed(now: Option<DialPosition>, way: Way) -> DialPosition {
    let at = now.and_then(|now| DialPosition::ALL.iter().position(|&speed| speed == now));
    let next = match (at, way) {
        (None, Way::Less) => 0,
        (None, Way::More) => 1,
        (Some(at), Way::Less) => at.saturating_sub(1),
        (Some(at), Way::More) => (at + 1).min(DialPosition::ALL.len() - 1),
    };
    DialPosition::ALL[next]
}

/// `random` stands before 0.
fn next_seed(now: Seed, way: Way) -> Seed {
    match (now, way) {
        (Seed::Random, Way::Less) | (Seed::Fixed(0), Way::Less) => Seed::Random,
        (Seed::Random, Way::More) => Seed::Fixed(0),
        (Seed::Fixed(seed), Way::Less) => Seed::Fixed(seed - 1),
        (Seed::Fixed(seed), Way::More) => Seed::Fixed(seed.saturating_add(1)),
    }
}

fn next_delay(now: Duration, way: Way) -> Duration {
    let ms = usize::try_from(now.as_millis()).unwrap_or(usize::MAX / 2);
    let ms = u64::try_from(grid(ms, 50, way)).unwrap_or(LONGEST_DELAY);
    Duration::from_millis(ms.min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use unmask_core::params::Transfer;
    use unmask_core::settings::Setting;

    use super::*;
    use crate::state::Caching;

    const LIMITS: Limits = Limits {
        length: 256,
        cache: Caching::Offered,
    };

    /// The values that a field goes through from the defaults, `presses` times one way.
    fn walk(field: impl Into<Field>, way: Way, presses: usize) -> Vec<String> {
        let field = field.into();
        let mut settings = Settings::default();
        let press = |_| {
            nudge(&mut settings, field, way, &LIMITS).expect("there is a next value");
            field.value(&settings)
        };
        (0..presses).map(press).collect()
    }

    #[track_caller]
    fn check(field: impl Into<Field>, way: Way, expected: &[&str]) {
        assert_eq!(walk(field, way, expected.len()), expected);
    }

    #[test]
    fn fields_go_by_sensible_steps_and_stop_at_the_ends() {
        use Way::{Less, More};
        check(Setting::Length, More, &["160", "192", "224", "256", "256"]);
        check(
            Setting::Length,
            Less,
            &["96", "64", "32", "16", "8", "4", "2", "1", "1"],
        );
        check(Setting::BlockLength, Less, &["64", "32", "16", "8"]);
        check(Setting::BlockLength, More, &["128"]);
        check(Setting::Steps, Less, &["120", "112"]);
        check(Setting::Steps, More, &["128"]);
        check(Field::Speed, More, &["balanced", "fast", "turbo", "turbo"]);
        check(Setting::Threshold, More, &["0.50", "0.55", "0.60"]);
        check(Setting::Threshold, Less, &["off"]);
        check(Setting::Temperature, More, &["0.1", "0.2", "0.3"]);
        check(Setting::Temperature, Less, &["0.0"]);
        check(Setting::CfgScale, More, &["0.5", "1.0"]);
        check(Setting::Seed, More, &["0", "1"]);
        check(Setting::Seed, Less, &["random"]);
        check(Field::Delay, More, &["50 ms", "100 ms"]);
        check(Setting::Factor, More, &["0.5", "1.0"]);
        check(Setting::Cache, More, &["prefix", "dual", "off"]);
    }

    #[test]
    fn the_threshold_ends_just_below_one_and_comes_back_to_off() {
        let up = walk(Setting::Threshold, Way::More, 12);
        assert_eq!(up[9..], ["0.95", "0.99", "0.99"]);
        let mut settings = Settings::default();
        settings.params.transfer = Transfer::Threshold(0.55);
        for expected in ["0.50", "off", "off"] {
            nudge(&mut settings, Setting::Threshold.into(), Way::Less, &LIMITS).expect("goes down");
            assert_eq!(Field::from(Setting::Threshold).value(&settings), expected);
        }
    }

    #[test]
    fn blocks_go_through_the_divisors_of_the_answer() {
        let blocks = |length, now, way| divisor(length, now, way);
        assert_eq!(blocks(100, 100, Way::Less), 50);
        assert_eq!(blocks(100, 32, Way::More), 50);
        assert_eq!(blocks(127, 127, Way::Less), 1);
        assert_eq!(blocks(1, 1, Way::Less), 1);
    }

    #[test]
    fn a_backend_without_a_cache_keeps_it_off() {
        let mut settings = Settings::default();
        let limits = Limits {
            cache: Caching::Missing,
            ..LIMITS
        };
        assert!(nudge(&mut settings, Setting::Cache.into(), Way::More, &limits).is_err());
        assert_eq!(settings, Settings::default());
    }
}
