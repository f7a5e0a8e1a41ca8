use std::fmt::Write as _;

use super::frontier::{PlotPoint, PlotRange, points, subject};
use super::report::BenchReport;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// Around the plot: left, top, right, bottom.
const MARGINS: [f64; 4] = [64.0, 44.0, 190.0, 52.0];
const GROUND: &str = "#16181d";
const TEXT: &str = "#d8dade";
const DIM: &str = "#8a8f98";
const BEST: &str = "#7fd1b9";

/// The plot as a picture: right answers against forwards, whiskers, the frontier.
pub(super) fn draw(report: &BenchReport<'_>) -> String {
    let points = points(report);
    let range = PlotRange::of(&points);
    let place = Place { range };
    let mut body = String::new();
    let mut put = |part: String| {
        body.push_str(&part);
        body.push('\n');
    };
    put(label(
        MARGINS[0],
        24.0,
        "start",
        TEXT,
        report.heading().trim_end(),
        11.0,
    ));
    for share in ticks(range.y) {
        let y = place.y(share);
        put(line(
            (MARGINS[0], y),
            (WIDTH - MARGINS[2], y),
            "#2a2e36",
            1.0,
        ));
        put(label(
            MARGINS[0] - 8.0,
            y + 4.0,
            "end",
            DIM,
            &format!("{:.0} %", 100.0 * share),
            12.0,
        ));
    }
    for forwards in [
        1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0_f64,
    ] {
        let x = forwards.log10();
        if (range.x[0]..=range.x[1]).contains(&x) {
            let at = place.x(x);
            put(line(
                (at, MARGINS[1]),
                (at, HEIGHT - MARGINS[3]),
                "#2a2e36",
                1.0,
            ));
            put(label(
                at,
                HEIGHT - MARGINS[3] + 18.0,
                "middle",
                DIM,
                &forwards.to_string(),
                12.0,
            ));
        }
    }
    let axis = format!(
        "forwards of an answer (logarithmic); up: {}",
        subject(report)
    );
    put(label(MARGINS[0], HEIGHT - 12.0, "start", DIM, &axis, 12.0));
    let mut best: Vec<&PlotPoint> = points.iter().filter(|it| it.is_best).collect();
    best.sort_by(|a, b| a.forwards.total_cmp(&b.forwards));
    for pair in best.windows(2) {
        put(line(place.of(pair[0]), place.of(pair[1]), BEST, 1.5));
    }
    for point in &points {
        let (x, y) = place.of(point);
        let colour = if point.is_best { BEST } else { TEXT };
        if let Some((low, high)) = point.whiskers {
            put(line((x, place.y(low)), (x, place.y(high)), colour, 1.0));
        }
        put(format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"
        ));
    }
    put(names(&points, &place));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n{body}</svg>\n",
        escaped(report.heading().trim_end())
    )
}

/// Names stand at the right, in the order of their points, so that none covers another.
fn names(points: &[PlotPoint], place: &Place) -> String {
    let mut body = String::new();
    let mut named: Vec<&PlotPoint> = points.iter().collect();
    named.sort_by(|a, b| place.of(a).1.total_cmp(&place.of(b).1));
    let gap = ((HEIGHT - MARGINS[1] - MARGINS[3]) / named.len().max(1) as f64).min(24.0);
    for (row, point) in named.iter().enumerate() {
        let (x, y) = place.of(point);
        let at = (
            WIDTH - MARGINS[2] + 24.0,
            MARGINS[1] + gap * (row as f64 + 0.5),
        );
        let colour = if point.is_best { BEST } else { TEXT };
        body.push_str(&format!(
            "<path d=\"M{x:.1} {y:.1}L{:.1} {:.1}\" stroke=\"{colour}\" stroke-width=\"0.5\" opacity=\"0.4\"/>",
            at.0 - 4.0,
            at.1
        ));
        let words = format!(
            "{} {:.1} %, {:.1}",
            point.name,
            100.0 * point.share,
            point.forwards
        );
        body.push_str(&label(at.0, at.1 + 4.0, "start", colour, &words, 11.0));
    }
    body
}

/// Where a plot's numbers stand.
struct Place {
    range: PlotRange,
}

impl Place {
    fn x(&self, x: f64) -> f64 {
        let [low, high] = self.range.x;
        MARGINS[0] + (x - low) / (high - low) * (WIDTH - MARGINS[0] - MARGINS[2])
    }

    fn y(&self, share: f64) -> f64 {
        let [low, high] = self.range.y;
        HEIGHT - MARGINS[3] - (share - low) / (high - low) * (HEIGHT - MARGINS[1] - MARGINS[3])
    }

    fn of(&self, point: &PlotPoint) -> (f64, f64) {
        (self.x(point.x()), self.y(point.share))
    }
}

/// Round shares within a range, ten at most.
fn ticks([low, high]: [f64; 2]) -> impl Iterator<Item = f64> {
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2];
    let step = steps.into_iter().find(|step| (high - low) / step <= 10.0);
    let step = step.unwrap_or(0.2);
    let first = (low / step).ceil() as i64;
    let ticks = (first..).map(move |at| at as f64 * step);
    ticks.take_while(move |&at| at <= high)
}

fn line(from: (f64, f64), to: (f64, f64), colour: &str, width: f64) -> String {
    format!(
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
        from.0, from.1, to.0, to.1
    )
}

fn label(x: f64, y: f64, anchor: &str, colour: &str, text: &str, size: f64) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\" font-size=\"{size}\">{}</text>",
        escaped(text)
    )
}

/// Names of models and devices are others' words.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '<' | '>' | '&' | '"' | '\'' => {
                // A string takes any text.
                write!(out, "&#{};", letter as u32).ok();
            }
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{modes, records, settings};
    use super::*;

    #[test]
    fn the_picture_has_each_mode_once_and_takes_no_order_from_a_name() {
        let (modes, records) = (modes(), records(true));
        let mut settings = settings(&modes);
        settings.model = "<script>\u{7}&\"'".to_owned();
        let picture = draw(&BenchReport::new(&settings, &modes, &records));
        assert_eq!(picture.matches("<circle ").count(), 3);
        assert!(picture.contains("threshold=0.9 99.0 %, 3.0"), "{picture}");
        assert!(
            !picture.contains("<script>") && !picture.contains('\u{7}'),
            "{picture}"
        );
        assert!(
            picture.contains("&#60;script&#62; &#38;&#34;&#39;"),
            "{picture}"
        );
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let of = |range| {
            ticks(range)
                .map(|it| (it * 1000.0).round() / 1000.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(of([0.79, 0.84]), [0.79, 0.8, 0.81, 0.82, 0.83, 0.84]);
        assert_eq!(
            of([0.0, 1.0]),
            [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
        );
    }
}
