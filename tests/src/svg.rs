//! Screens as SVG: one as a still, many as a moving picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use vt100::{Cell, Color, Screen};

use crate::terminal::Frame;

const CELL_WIDTH: f32 = 8.4;
const CELL_HEIGHT: f32 = 16.5;
const MARGIN: f32 = 12.0;
const GROUND: &str = "#16181d";
const TEXT: &str = "#d8dade";

/// Draws one screen.
#[must_use]
pub fn still(screen: &Screen) -> String {
    let (rows, _) = screen.size();
    let body: String = (0..rows.get()).map(|row| row_group(screen, row)).collect();
    page(screen, &body)
}

/// Plays the frames in their own time, slowed by `slower`, rests on the last for `rest`, then begins again.
///
/// Each distinct picture of a row is drawn once and shown while it stood, so that the file stays small.
#[must_use]
pub fn moving(frames: &[Frame], slower: f32, rest: Duration) -> String {
    let (Some((first, screen)), Some((last, _))) = (frames.first(), frames.last()) else {
        return String::new();
    };
    let at = |time: &Duration| (time.saturating_sub(*first)).as_secs_f32() * slower;
    let total = at(last) + rest.as_secs_f32();
    let (rows, _) = screen.size();
    let mut body = String::new();
    for row in 0..rows.get() {
        // Which picture the row shows, from when on.
        let mut shown: Vec<(f32, String)> = Vec::new();
        for (time, screen) in frames {
            let picture = row_group(screen, row);
            if shown.last().is_none_or(|(_, before)| *before != picture) {
                shown.push((at(time), picture));
            }
        }
        let mut spans: BTreeMap<String, Vec<(f32, f32)>> = BTreeMap::new();
        for (index, (from, picture)) in shown.iter().enumerate() {
            let to = shown.get(index + 1).map_or(total, |(next, _)| *next);
            spans.entry(picture.clone()).or_default().push((*from, to));
        }
        for (picture, spans) in spans.iter().filter(|(picture, _)| !picture.is_empty()) {
            body.push_str(&timed(picture, spans, total));
        }
    }
    page(screen, &body)
}

/// A picture that is visible during `spans` alone.
fn timed(picture: &str, spans: &[(f32, f32)], total: f32) -> String {
    if spans == [(0.0, total)] {
        return picture.to_owned();
    }
    let mut values = vec!["hidden"];
    let mut times = vec!["0".to_owned()];
    for &(from, to) in spans {
        for (time, value) in [(from, "visible"), (to, "hidden")] {
            let time = format!("{:.4}", time / total);
            if times.last() == Some(&time) || time == "0.0000" {
                values.pop();
                times.pop();
            }
            if time != "1.0000" {
                values.push(value);
                times.push(if time == "0.0000" {
                    "0".to_owned()
                } else {
                    time
                });
            }
        }
    }
    format!(
        "<g visibility=\"hidden\"><animate attributeName=\"visibility\" calcMode=\"discrete\" dur=\"{total:.2}s\" \
         repeatCount=\"indefinite\" values=\"{}\" keyTimes=\"{}\"/>{picture}</g>\n",
        values.join(";"),
        times.join(";")
    )
}

fn page(screen: &Screen, body: &str) -> String {
    let (rows, columns) = screen.size();
    let width = f32::from(columns.get()) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f32::from(rows.get()) * CELL_HEIGHT + 2.0 * MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" \
         font-size=\"14\" xml:space=\"preserve\">\n<style>text{{white-space:pre}}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n\
         {body}</svg>\n"
    )
}

/// One row of a screen: runs of cells that look alike, each a rectangle and a text.
fn row_group(screen: &Screen, row: u16) -> String {
    let (_, columns) = screen.size();
    let mut group = String::new();
    let mut column = 0;
    while column < columns.get() {
        let Some(cell) = screen.cell(row, column) else {
            break;
        };
        let look = Look::of(cell);
        let start = column;
        let mut text = String::new();
        while let Some(cell) = screen
            .cell(row, column)
            .filter(|cell| Look::of(cell) == look)
        {
            if !cell.is_wide_continuation() {
                text.push_str(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
            }
            column += 1;
        }
        look.draw(&mut group, row, start..column, &text);
    }
    group
}

/// How a cell looks.
#[derive(PartialEq)]
struct Look {
    text: String,
    ground: Option<String>,
    style: String,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let mut text = colour(cell.fgcolor());
        let mut ground = colour(cell.bgcolor());
        if cell.inverse() {
            (text, ground) = (
                ground.or(Some(GROUND.to_owned())),
                text.or(Some(TEXT.to_owned())),
            );
        }
        let mut style = String::new();
        let mut add = |on: bool, attribute: &str| {
            if on {
                style.push_str(attribute);
            }
        };
        add(cell.bold(), " font-weight=\"bold\"");
        add(cell.italic(), " font-style=\"italic\"");
        add(cell.underline(), " text-decoration=\"underline\"");
        add(cell.dim(), " opacity=\"0.6\"");
        Self {
            text: text.unwrap_or_else(|| TEXT.to_owned()),
            ground,
            style,
        }
    }

    fn draw(&self, group: &mut String, row: u16, columns: std::ops::Range<u16>, text: &str) {
        let x = f32::from(columns.start) * CELL_WIDTH + MARGIN;
        let y = f32::from(row) * CELL_HEIGHT + MARGIN;
        let width = f32::from(columns.end - columns.start) * CELL_WIDTH;
        // Writing to a string does not fail.
        if let Some(ground) = &self.ground {
            let _ = write!(
                group,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{ground}\"/>"
            );
        }
        if !text.trim().is_empty() {
            let text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            let _ = writeln!(
                group,
                "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" fill=\"{}\"{}>{text}</text>",
                y + 12.8,
                self.text,
                self.style
            );
        }
    }
}

/// A colour as SVG writes it; `None` for the terminal's own.
fn colour(colour: Color) -> Option<String> {
    const BASIC: [&str; 16] = [
        "#1d1f21", "#cc6666", "#b5bd68", "#f0c674", "#81a2be", "#b294bb", "#8abeb7", "#c5c8c6",
        "#666666", "#d54e53", "#b9ca4a", "#e7c547", "#7aa6da", "#c397d8", "#70c0b1", "#eaeaea",
    ];
    match colour {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Idx(index @ 0..16) => Some(BASIC[usize::from(index)].to_owned()),
        Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            let (red, green, blue) = (level(index / 36), level(index / 6 % 6), level(index % 6));
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    fn screen(text: &str) -> Screen {
        let cells = |n| NonZeroU16::new(n).expect("not zero");
        let mut parser = vt100::Parser::new(cells(2), cells(10), 0);
        parser.process(text.as_bytes());
        parser.screen().clone()
    }

    #[test]
    fn a_still_has_the_text_and_its_colours() {
        let svg = still(&screen("a<b \x1b[38;2;1;2;3mred"));
        assert!(
            svg.contains("a&lt;b") && svg.contains("fill=\"#010203\""),
            "{svg}"
        );
    }

    #[test]
    fn a_row_that_never_changes_is_not_animated() {
        let frames = [
            (Duration::ZERO, screen("same\r\none")),
            (Duration::from_secs(1), screen("same\r\ntwo")),
        ];
        let svg = moving(&frames, 1.0, Duration::from_secs(1));
        assert_eq!(svg.matches("same").count(), 1);
        assert_eq!(svg.matches("<animate").count(), 2, "{svg}");
    }
}
