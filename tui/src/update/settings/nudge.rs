//! One step of a field to the left or to the right.

use std::time::Duration;

use unmask_core::engine::Overflow;
use unmask_core::params::{CacheMode, Remasking, Transfer};

use super::set::set_cache;
use crate::state::{
    Field, HOTTEST, LARGEST_FACTOR, LONGEST_DELAY, Limits, Refusal, STRONGEST, Seed, Settings,
    Speed,
};

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
    let speed = settings.speed();
    let blocks = settings.fit();
    let blocks = blocks.length / blocks.params.block_length;
    let (length, params) = (&mut settings.length, &mut settings.params);
    match field {
        Field::Length => *length = next_length(*length, way).clamp(1, limits.length),
        Field::BlockLength => params.block_length = divisor(*length, params.block_length, way),
        Field::Steps => {
            let by = (*length / 16).max(1).next_multiple_of(blocks);
            params.steps = grid(params.steps, by, way).clamp(1, *length);
        }
        Field::Speed => settings.set_speed(next_speed(speed, way)),
        Field::Threshold => params.transfer = next_threshold(params.transfer, way),
        Field::Factor => params.transfer = next_factor(params.transfer, way),
        Field::Temperature => {
            params.temperature = decimal(params.temperature, 10.0, way).clamp(0.0, HOTTEST);
        }
        Field::Guidance => {
            let it = decimal(f64::from(params.cfg_scale), 2.0, way);
            params.cfg_scale = (it as f32).clamp(0.0, STRONGEST);
        }
        Field::Remasking => {
            params.remasking = match params.remasking {
                Remasking::LowConfidence => Remasking::Random,
                Remasking::Random => Remasking::LowConfidence,
            }
        }
        Field::Seed => settings.seed = next_seed(settings.seed, way),
        Field::EndLast => params.confidence_eos_eot_inf = !params.confidence_eos_eot_inf,
        Field::EarlyStop => params.early_stop = !params.early_stop,
        Field::NoEnd => params.logits_eos_inf = !params.logits_eos_inf,
        Field::Context => {
            settings.overflow = match settings.overflow {
                Overflow::DropOldest => Overflow::Refuse,
                Overflow::Refuse => Overflow::DropOldest,
            }
        }
        Field::Delay => settings.delay = next_delay(settings.delay, way),
        Field::Cache => {
            let next = next_cache(params.cache, way);
            return set_cache(settings, next, limits);
        }
        Field::Pins => return Err("pins are typed, not stepped through".to_owned().into()),
    }
    Ok(())
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
fn next_speed(now: Option<Speed>, way: Way) -> Speed {
    let at = now.and_then(|now| Speed::ALL.iter().position(|&speed| speed == now));
    let next = match (at, way) {
        (None, Way::Less) => 0,
        (None, Way::More) => 1,
        (Some(at), Way::Less) => at.saturating_sub(1),
        (Some(at), Way::More) => (at + 1).min(Speed::ALL.len() - 1),
    };
    Speed::ALL[next]
}

/// `off`, then 0.50 to 0.95 by 0.05, then 0.99.
fn next_threshold(now: Transfer, way: Way) -> Transfer {
    const LOWEST: f64 = 0.5;
    const HIGHEST: f64 = 0.99;
    match (now, way) {
        (Transfer::Quota | Transfer::Factor(_), Way::More) => Transfer::Threshold(LOWEST),
        (Transfer::Quota | Transfer::Factor(_), Way::Less) => now,
        (Transfer::Threshold(at), Way::Less) if at <= LOWEST => Transfer::Quota,
        (Transfer::Threshold(at), way) => {
            let next = decimal(at, 20.0, way);
            Transfer::Threshold(if next > 0.95 { HIGHEST } else { next })
        }
    }
}

/// `off`, then by halves.
fn next_factor(now: Transfer, way: Way) -> Transfer {
    match (now, way) {
        (Transfer::Quota | Transfer::Threshold(_), Way::More) => Transfer::Factor(0.5),
        (Transfer::Quota | Transfer::Threshold(_), Way::Less) => now,
        (Transfer::Factor(factor), Way::Less) if factor <= 0.5 => Transfer::Quota,
        (Transfer::Factor(factor), way) => {
            Transfer::Factor(decimal(factor, 2.0, way).min(LARGEST_FACTOR))
        }
    }
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

fn next_cache(now: CacheMode, way: Way) -> CacheMode {
    match (now, way) {
        (CacheMode::Off, Way::More) | (CacheMode::Dual, Way::Less) => CacheMode::Prefix,
        (CacheMode::Prefix, Way::More) | (CacheMode::Off, Way::Less) => CacheMode::Dual,
        (CacheMode::Dual, Way::More) | (CacheMode::Prefix, Way::Less) => CacheMode::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Caching;

    const LIMITS: Limits = Limits {
        length: 256,
        cache: Caching::Offered,
    };

    /// The values that a field goes through from the defaults, `presses` times one way.
    fn walk(field: Field, way: Way, presses: usize) -> Vec<String> {
        let mut settings = Settings::default();
        let press = |_| {
            nudge(&mut settings, field, way, &LIMITS).expect("there is a next value");
            field.value(&settings)
        };
        (0..presses).map(press).collect()
    }

    #[track_caller]
    fn check(field: Field, way: Way, expected: &[&str]) {
        assert_eq!(walk(field, way, expected.len()), expected);
    }

    #[test]
    fn fields_go_by_sensible_steps_and_stop_at_the_ends() {
        use Way::{Less, More};
        check(Field::Length, More, &["160", "192", "224", "256", "256"]);
        check(
            Field::Length,
            Less,
            &["96", "64", "32", "16", "8", "4", "2", "1", "1"],
        );
        check(Field::BlockLength, Less, &["64", "32", "16", "8"]);
        check(Field::BlockLength, More, &["128"]);
        check(Field::Steps, Less, &["120", "112"]);
        check(Field::Steps, More, &["128"]);
        check(Field::Speed, More, &["balanced", "fast", "turbo", "turbo"]);
        check(Field::Threshold, More, &["0.50", "0.55", "0.60"]);
        check(Field::Threshold, Less, &["off"]);
        check(Field::Temperature, More, &["0.1", "0.2", "0.3"]);
        check(Field::Temperature, Less, &["0.0"]);
        check(Field::Guidance, More, &["0.5", "1.0"]);
        check(Field::Seed, More, &["0", "1"]);
        check(Field::Seed, Less, &["random"]);
        check(Field::Delay, More, &["50 ms", "100 ms"]);
        check(Field::Factor, More, &["0.5", "1.0"]);
        check(Field::Cache, More, &["prefix", "dual", "off"]);
    }

    #[test]
    fn the_threshold_ends_just_below_one_and_comes_back_to_off() {
        let up = walk(Field::Threshold, Way::More, 12);
        assert_eq!(up[9..], ["0.95", "0.99", "0.99"]);
        let mut settings = Settings::default();
        settings.params.transfer = Transfer::Threshold(0.55);
        for expected in ["0.50", "off", "off"] {
            nudge(&mut settings, Field::Threshold, Way::Less, &LIMITS).expect("goes down");
            assert_eq!(Field::Threshold.value(&settings), expected);
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
        assert!(nudge(&mut settings, Field::Cache, Way::More, &limits).is_err());
        assert_eq!(settings, Settings::default());
    }
}
