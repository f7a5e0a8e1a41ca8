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
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 5210, 1_234_567].map(count),
            ["0", "999", "5 210", "1 234 567"]
        );
    }
}
