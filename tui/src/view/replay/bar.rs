/// Cells of a bar at most.
const BAR: usize = 12;

/// A probability as a bar, to an eighth of a cell.
pub(super) fn bar(p: f32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (f64::from(p.clamp(0.0, 1.0)) * (BAR * 8) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_they_are_likely() {
        assert_eq!(bar(1.0), "█".repeat(12));
        assert_eq!(bar(0.5), "█".repeat(6));
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(0.01), "▏");
    }
}
