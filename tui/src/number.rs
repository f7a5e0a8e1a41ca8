//! How figures are written.

use std::time::Duration;

/// A time to wait: `5.9 s`, `3 min 20 s`.
#[must_use]
pub fn wait(time: Duration) -> String {
    if time < Duration::from_secs(100) {
        return format!("{:.1} s", time.as_secs_f64());
    }
    let seconds = time.as_secs();
    format!("{} min {} s", seconds / 60, seconds % 60)
}

/// A pace: `140 ms/step`, `2.3 s/step`.
#[must_use]
pub fn pace(time: Duration) -> String {
    format!("{}/step", short(time))
}

/// `1.2 ms`, `140 ms`, `2.3 s`.
#[must_use]
pub fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.01 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// Forwards, and those not needed if there are any: `22 NFE`, `22 NFE, 10 saved`.
#[must_use]
pub fn nfe(made: usize, saved: f32) -> String {
    match saved.round() {
        none if none < 1.0 => format!("{made} NFE"),
        saved => format!("{made} NFE, {saved} saved"),
    }
}

/// Tokens per second; `None` before any time has passed.
#[must_use]
pub fn rate(tokens: usize, time: Duration) -> Option<String> {
    (!time.is_zero()).then(|| format!("{:.1} tok/s", tokens as f64 / time.as_secs_f64()))
}

/// How far, in bytes: `1.2 of 4.9 GB`.
#[must_use]
pub fn share(done: u64, total: u64) -> String {
    let (unit, name) = match total.max(done) {
        0..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    let amount = |bytes: u64| bytes as f64 / unit;
    if total == 0 {
        format!("{:.1} {name}", amount(done))
    } else {
        format!("{:.1} of {:.1} {name}", amount(done), amount(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_two_or_three_figures() {
        assert_eq!(wait(Duration::from_millis(5_880)), "5.9 s");
        assert_eq!(wait(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(pace(Duration::from_micros(1_250)), "1.2 ms/step");
        assert_eq!(pace(Duration::from_millis(140)), "140 ms/step");
        assert_eq!(pace(Duration::from_millis(2_300)), "2.3 s/step");
    }

    #[test]
    fn bytes_share_a_unit() {
        assert_eq!(share(1_200_000_000, 4_900_000_000), "1.2 of 4.9 GB");
        assert_eq!(share(500, 0), "0.5 kB");
    }

    #[test]
    fn no_time_has_no_rate() {
        assert_eq!(rate(3, Duration::ZERO), None);
    }
}
