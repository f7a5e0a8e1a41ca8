use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget as _;
use ratatui::widgets::canvas::{Canvas, Context, Line};

use super::frontier::{PlotPoint, PlotRange, points, subject};
use super::report::BenchReport;

/// Cells of the plot, its words apart.
const WIDTH: u16 = 64;
const HEIGHT: u16 = 16;
/// Cells of the numbers at its left.
const MARGIN: usize = 8;

/// Right answers against forwards in braille: a letter for each mode, whiskers, and a line along the frontier.
pub(super) fn text(report: &BenchReport<'_>) -> String {
    let points = points(report);
    if report.count == 0 {
        return String::new();
    }
    let range = PlotRange::of(&points);
    let area = Rect::new(0, 0, WIDTH, HEIGHT);
    let mut buffer = Buffer::empty(area);
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds(range.x)
        .y_bounds(range.y)
        .paint(|context| paint(context, &points))
        .render(area, &mut buffer);
    let mut text = format!("{} against forwards (logarithmic)\n", subject(report));
    for row in 0..HEIGHT {
        let label = match row {
            0 => format!("{:.1} %", 100.0 * range.y[1]),
            row if row == HEIGHT - 1 => format!("{:.1} %", 100.0 * range.y[0]),
            _ => String::new(),
        };
        let cells: String = (0..WIDTH)
            .map(|column| buffer[(column, row)].symbol())
            .collect();
        text.push_str(&format!("{label:>MARGIN$} │{}\n", cells.trim_end()));
    }
    let (first, last) = (10_f64.powf(range.x[0]), 10_f64.powf(range.x[1]));
    let width = usize::from(WIDTH);
    text.push_str(&format!("{:>MARGIN$} └{}\n", "", "─".repeat(width)));
    text.push_str(&format!(
        "{:>MARGIN$}  {first:<8.1}{last:>rest$.1}\n",
        "",
        rest = width - 8
    ));
    for (letter, point) in letters().zip(&points) {
        let mark = if point.is_best {
            " on the frontier"
        } else {
            ""
        };
        text.push_str(&format!("{letter} {}{mark}\n", point.name));
    }
    text
}

fn paint(context: &mut Context<'_>, points: &[PlotPoint]) {
    let line =
        |from: (f64, f64), to: (f64, f64)| Line::new(from.0, from.1, to.0, to.1, Color::Reset);
    let mut best: Vec<&PlotPoint> = points.iter().filter(|it| it.is_best).collect();
    best.sort_by(|a, b| a.forwards.total_cmp(&b.forwards));
    for pair in best.windows(2) {
        context.draw(&line(
            (pair[0].x(), pair[0].share),
            (pair[1].x(), pair[1].share),
        ));
    }
    for point in points {
        if let Some((low, high)) = point.whiskers {
            context.draw(&line((point.x(), low), (point.x(), high)));
        }
    }
    context.layer();
    for (letter, point) in letters().zip(points) {
        context.print(point.x(), point.share, letter.to_string());
    }
}

/// Names for the points.
pub(super) fn letters() -> impl Iterator<Item = char> {
    ('a'..='z').chain('A'..='Z').chain(std::iter::repeat('*'))
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{modes, records, settings};
    use super::*;

    #[test]
    fn every_mode_is_a_letter_and_the_better_one_stands_higher() {
        let (modes, records) = (modes(), records(true));
        let settings = settings(&modes);
        let text = text(&BenchReport::new(&settings, &modes, &records));
        let row = |letter: char| {
            let is_in = |line: &str| line.split_once('│').is_some_and(|it| it.1.contains(letter));
            text.lines()
                .position(is_in)
                .unwrap_or_else(|| panic!("{letter} is missing in\n{text}"))
        };
        assert!(row('a') < row('b') && row('c') < row('b'), "{text}");
        let column = |letter: char| {
            let line = text.lines().nth(row(letter)).expect("it is there");
            line.chars().position(|it| it == letter)
        };
        assert!(
            column('c') < column('b') && column('b') < column('a'),
            "{text}"
        );
        assert!(
            text.contains("a exact on the frontier\nb steps/2\nc threshold=0.9 on the frontier\n"),
            "{text}"
        );
    }
}
