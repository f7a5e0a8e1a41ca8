//! Which precision a model gets where nobody names one.

use unmask_api::Device;

/// A precision, and why it is that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenPrecision {
    /// As `precision = "…"` says it.
    pub name: String,
    /// Why.
    pub reason: PrecisionReason,
}

/// Why a model has its precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrecisionReason {
    /// It was asked for.
    Named,
    /// It is the first of its device, which recommends none or of which too little is known.
    First,
    /// The weights are small enough for full floats.
    Small,
    /// It is the first of those that the device recommends whose weights fit.
    Fits {
        /// What was free.
        free_bytes: u64,
    },
    /// The weights fit in none, and take the least in this one.
    Smallest {
        /// What was free.
        free_bytes: u64,
    },
}

/// Full floats.
const FULL: &str = "f32";
/// As a GGUF file has them: what other models cannot have, so that it is not named where nothing is known of one.
const STORED: &str = "stored";
/// Weights that take less than this in full floats are kept in them.
const SMALL_BYTES: u64 = 1_000_000_000;

/// The precision of `device` that is asked for. If none is: its first, or where the device ranks them full floats for a small
/// model, else the first that fits the memory free now. `None` if it has not what is asked for, or none at all.
///
/// `needs` tells what the weights take in a precision; `None` where that cannot be told, or such a load would be refused.
#[must_use]
pub fn choose(
    device: &Device,
    asked: Option<&str>,
    mut needs: impl FnMut(&str) -> Option<u64>,
) -> Option<ChosenPrecision> {
    let chosen = |name: &str, reason| {
        Some(ChosenPrecision {
            name: name.to_owned(),
            reason,
        })
    };
    let offered: Vec<&str> = device.precisions.iter().map(String::as_str).collect();
    if let Some(asked) = asked {
        return chosen(asked, PrecisionReason::Named).filter(|_| offered.contains(&asked));
    }
    let first = *offered.first()?;
    let first = *offered.iter().find(|it| **it != STORED).unwrap_or(&first);
    if !device.ranked {
        return chosen(first, PrecisionReason::First);
    }
    let is_small = |bytes| bytes < SMALL_BYTES;
    if offered.contains(&FULL) && needs(FULL).is_some_and(is_small) {
        return chosen(FULL, PrecisionReason::Small);
    }
    let free_bytes = device.free_bytes;
    let mut smallest: Option<(u64, &str)> = None;
    let mut possible = None;
    for name in offered {
        let Some(bytes) = needs(name) else {
            continue;
        };
        possible.get_or_insert(name);
        if free_bytes == 0 {
            continue;
        }
        if bytes <= free_bytes {
            return chosen(name, PrecisionReason::Fits { free_bytes });
        }
        if smallest.is_none_or(|(least, _)| bytes < least) {
            smallest = Some((bytes, name));
        }
    }
    match smallest {
        Some((_, name)) => chosen(name, PrecisionReason::Smallest { free_bytes }),
        None => chosen(possible.unwrap_or(first), PrecisionReason::First),
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::DeviceKind;

    use super::*;

    const GB: u64 = 1_000_000_000;

    fn device(precisions: &[&str], free_bytes: u64) -> Device {
        Device {
            id: "cpu".to_owned(),
            name: String::new(),
            kind: DeviceKind::Cpu,
            total_bytes: 64 * GB,
            free_bytes,
            precisions: precisions.iter().map(|&it| it.to_owned()).collect(),
            ranked: true,
        }
    }

    /// As a processor ranks them for a model of 8 billion parameters.
    const RANKED: [&str; 4] = ["int8", "int4", "f32", "q4k"];

    fn of_8b(precision: &str) -> Option<u64> {
        match precision {
            "int8" => Some(8 * GB),
            "int4" => Some(4 * GB + GB / 2),
            "f32" => Some(32 * GB),
            "q4k" => Some(6 * GB),
            _ => None,
        }
    }

    #[track_caller]
    fn check(
        device: &Device,
        asked: Option<&str>,
        needs: fn(&str) -> Option<u64>,
        expected: Option<(&str, PrecisionReason)>,
    ) {
        let got = choose(device, asked, needs);
        let got = got.as_ref().map(|it| (it.name.as_str(), it.reason));
        assert_eq!(got, expected);
    }

    #[test]
    fn the_first_that_fits_what_is_free_is_taken() {
        let fits = |free_bytes| PrecisionReason::Fits { free_bytes };
        for (free, name) in [(64 * GB, "int8"), (8 * GB, "int8"), (8 * GB - 1, "int4")] {
            check(
                &device(&RANKED, free),
                None,
                of_8b,
                Some((name, fits(free))),
            );
        }
    }

    #[test]
    fn the_smallest_is_taken_where_none_fits() {
        let free_bytes = 3 * GB;
        let smallest = PrecisionReason::Smallest { free_bytes };
        check(
            &device(&RANKED, free_bytes),
            None,
            of_8b,
            Some(("int4", smallest)),
        );
    }

    #[test]
    fn a_small_model_stays_in_full_floats_however_little_is_free() {
        fn of_demo(precision: &str) -> Option<u64> {
            of_8b(precision).map(|bytes| bytes / 1000)
        }
        let small = Some(("f32", PrecisionReason::Small));
        check(&device(&RANKED, 64 * GB), None, of_demo, small);
        check(&device(&RANKED, 1), None, of_demo, small);
        let fits = PrecisionReason::Fits { free_bytes: GB };
        check(
            &device(&["int8", "q4k"], GB),
            None,
            of_demo,
            Some(("int8", fits)),
        );
    }

    #[test]
    fn what_is_asked_for_is_taken_or_refused() {
        let device = device(&RANKED, GB);
        check(
            &device,
            Some("q4k"),
            of_8b,
            Some(("q4k", PrecisionReason::Named)),
        );
        check(&device, Some("q5k"), of_8b, None);
    }

    #[test]
    fn a_device_that_recommends_none_keeps_its_first() {
        let first = Some(("int8", PrecisionReason::First));
        let unranked = Device {
            ranked: false,
            ..device(&RANKED, GB)
        };
        check(&unranked, None, of_8b, first);
        check(&device(&[], GB), None, of_8b, None);
    }

    #[test]
    fn the_first_is_taken_where_nothing_is_known() {
        let first = Some(("int8", PrecisionReason::First));
        check(&device(&RANKED, 0), None, of_8b, first);
        check(&device(&RANKED, GB), None, |_| None, first);
    }

    #[test]
    fn a_precision_that_the_model_does_not_go_with_is_passed_over() {
        let offered = ["stored", "int8", "int4"];
        let fits = PrecisionReason::Fits { free_bytes: 9 * GB };
        let int8 = |reason| Some(("int8", reason));
        check(&device(&offered, 9 * GB), None, of_8b, int8(fits));
        let unknown = device(&offered, 0);
        check(&unknown, None, of_8b, int8(PrecisionReason::First));
    }
}
