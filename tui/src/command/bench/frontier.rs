use super::report::BenchReport;

/// A mode in the plot of what it gives against what it takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlotPoint {
    /// The mode's.
    pub(super) name: String,
    /// Forwards of an answer, the mean.
    pub(super) forwards: f64,
    /// Right answers; where none are known, those that are the same as in exact decoding.
    pub(super) share: f64,
    /// Where the share of right answers lies with 95 %.
    pub(super) whiskers: Option<(f64, f64)>,
    /// Whether no other mode gives as much for less, or more for as much.
    pub(super) is_best: bool,
}

/// Every mode, in order.
pub(super) fn points(report: &BenchReport<'_>) -> Vec<PlotPoint> {
    let count = report.answered().max(1) as f64;
    let point = |it: &super::mode_report::ModeReport| {
        let accuracy = it.measured.accuracy;
        PlotPoint {
            name: it.measured.mode.to_string(),
            forwards: it.measured.forwards.mean,
            share: accuracy.map_or(it.measured.agreement.answers, |it| it.right as f64 / count),
            whiskers: accuracy.map(|it| (it.low, it.high)),
            is_best: false,
        }
    };
    let mut points: Vec<PlotPoint> = report.modes.iter().map(point).collect();
    let best: Vec<bool> = points.iter().map(|it| is_best(it, &points)).collect();
    for (point, is_best) in points.iter_mut().zip(best) {
        point.is_best = is_best;
    }
    points
}

fn is_best(point: &PlotPoint, all: &[PlotPoint]) -> bool {
    !all.iter().any(|other| {
        let as_good = other.share >= point.share && other.forwards <= point.forwards;
        as_good && (other.share > point.share || other.forwards < point.forwards)
    })
}

/// The modes that no other one is better than, in order.
pub(super) fn frontier(report: &BenchReport<'_>) -> Vec<PlotPoint> {
    let mut points = points(report);
    points.retain(|it| it.is_best);
    points
}

/// The ranges of a plot, with some room around the points: logarithms of forwards, and shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlotRange {
    pub(super) x: [f64; 2],
    pub(super) y: [f64; 2],
}

impl PlotRange {
    pub(super) fn of(points: &[PlotPoint]) -> Self {
        let ends = |values: &[f64], least: f64| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let room = ((high - low) * 0.06).max(least);
            [low - room, high + room]
        };
        let x: Vec<f64> = points.iter().map(PlotPoint::x).collect();
        let whiskers = |it: &PlotPoint| it.whiskers.unwrap_or((it.share, it.share));
        let y = points.iter().map(whiskers);
        let y: Vec<f64> = y.flat_map(|(low, high)| [low, high]).collect();
        Self {
            x: ends(&x, 0.05),
            // Shares have no more room than they can use.
            y: ends(&y, 0.005).map(|it| it.clamp(0.0, 1.0)),
        }
    }
}

impl PlotPoint {
    /// Where it stands from left to right.
    pub(super) fn x(&self) -> f64 {
        self.forwards.max(0.1).log10()
    }
}

/// What the shares are of.
pub(super) fn subject(report: &BenchReport<'_>) -> &'static str {
    match report.modes.iter().any(|it| it.measured.accuracy.is_some()) {
        true => "right answers, with 95 %",
        false => "answers as in exact decoding",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_another_beats_in_both_is_not_on_the_frontier() {
        let point = |forwards, share| PlotPoint {
            name: String::new(),
            forwards,
            share,
            whiskers: None,
            is_best: false,
        };
        let all = [
            point(32.0, 0.9),
            point(16.0, 0.8),
            point(8.0, 0.85),
            point(2.0, 0.5),
            point(2.0, 0.5),
            point(3.0, 0.5),
        ];
        let best = all.each_ref().map(|it| is_best(it, &all));
        assert_eq!(best, [true, false, true, true, true, false]);
    }

    #[test]
    fn the_frontier_holds_the_modes_that_nothing_beats() {
        use super::super::report::tests::{modes, records, settings};
        let (modes, records) = (modes(), records(true));
        let settings = settings(&modes);
        let best = frontier(&BenchReport::new(&settings, &modes, &records));
        let names: Vec<&str> = best.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["exact", "threshold=0.9"]);
    }
}
