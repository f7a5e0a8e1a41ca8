//! Amounts as people read them.

/// Bytes: `14.1 MB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let (value, unit) = scaled(bytes as f64 / 1000.0, 999.95);
    format!("{value:.1} {unit}")
}

/// Bytes that are free, without a digit behind the point and never more than they are: `61 GB`.
#[must_use]
pub fn free(bytes: u64) -> String {
    let (value, unit) = scaled(bytes as f64 / 1000.0, 999.99);
    format!("{:.0} {unit}", value.floor())
}

/// Bytes that are needed, without a digit behind the point and never less than they are: `17 GB`.
#[must_use]
pub fn needed(bytes: u64) -> String {
    let (value, unit) = scaled(bytes as f64 / 1000.0, 999.0);
    format!("{:.0} {unit}", value.ceil())
}

/// A count with its thousands apart: `5 210`.
#[must_use]
pub fn count(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 step`, `64 steps`, `2 branches`.
#[must_use]
pub fn counted(n: usize, one: &str) -> String {
    format!("{n} {}", several(n, one))
}

/// The word for so many of something.
#[must_use]
pub fn several(n: usize, one: &str) -> String {
    match n {
        1 => one.to_owned(),
        _ if one.ends_with("ch") => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

/// Kilobytes in the unit in which they are not above `most`.
fn scaled(kilobytes: f64, most: f64) -> (f64, &'static str) {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (kilobytes, 0);
    while value > most && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    (value, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_rounded_to_one_digit() {
        assert_eq!(bytes(14_100_328), "14.1 MB");
        assert_eq!(bytes(999_960_000), "1.0 GB");
        assert_eq!(bytes(0), "0.0 kB");
    }

    #[test]
    fn what_is_needed_is_rounded_up_and_what_is_free_down() {
        assert_eq!(needed(16_020_000_000), "17 GB");
        assert_eq!(needed(999_500_000), "1 GB");
        assert_eq!(free(16_920_000_000), "16 GB");
        assert_eq!(free(999_500_000), "999 MB");
    }

    #[test]
    fn one_is_no_plural() {
        let said = [0, 1, 2].map(|n| counted(n, "step"));
        assert_eq!(said, ["0 steps", "1 step", "2 steps"]);
        assert_eq!([1, 3].map(|n| several(n, "branch")), ["branch", "branches"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 5210, 1_234_567].map(count),
            ["0", "999", "5 210", "1 234 567"]
        );
    }
}
