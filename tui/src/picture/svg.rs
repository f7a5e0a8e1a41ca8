//! Cells as SVG: a still, or a film in which each distinct picture of a row is drawn once and shown while it stood.
//!
//! A film moves by stylesheet alone, where the reader wants motion; what knows no stylesheets that move shows its last picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::{Color, Modifier, Style};

use super::style::Paper;

const CELL_WIDTH: f32 = 8.4;
const CELL_HEIGHT: f32 = 18.0;
const MARGIN: f32 = 12.0;
/// From the top of a cell to the line on which letters stand.
const BASELINE: f32 = 13.5;

/// Pixels of a picture at scale 1.
#[must_use]
pub fn svg_size(buffer: &Buffer) -> (f32, f32) {
    (
        f32::from(buffer.area.width) * CELL_WIDTH + 2.0 * MARGIN,
        f32::from(buffer.area.height) * CELL_HEIGHT + 2.0 * MARGIN,
    )
}

/// Cells that have room in a picture of this size.
#[must_use]
pub fn svg_cells((width, height): (f32, f32)) -> (u16, u16) {
    let cells = |pixels: f32, cell: f32| ((pixels - 2.0 * MARGIN) / cell).max(1.0) as u16;
    (cells(width, CELL_WIDTH), cells(height, CELL_HEIGHT))
}

/// Draws one picture in the middle of a page of this size.
#[must_use]
pub fn svg_card(buffer: &Buffer, size: (f32, f32), paper: Paper) -> String {
    let mut looks = Looks::new(paper);
    let rows: String = (0..buffer.area.height)
        .map(|row| looks.row(buffer, row))
        .collect();
    let own = svg_size(buffer);
    let (x, y) = ((size.0 - own.0) / 2.0, (size.1 - own.1) / 2.0);
    let body = format!("<g transform=\"translate({x:.1} {y:.1})\">{rows}</g>");
    page(size, paper, &looks, &body, "")
}

/// Draws one picture.
#[must_use]
pub fn svg_still(buffer: &Buffer, paper: Paper) -> String {
    let mut looks = Looks::new(paper);
    let body: String = (0..buffer.area.height)
        .map(|row| looks.row(buffer, row))
        .collect();
    page(whole(buffer), paper, &looks, &body, "")
}

/// The size of a page with this picture.
fn whole(buffer: &Buffer) -> (f32, f32) {
    let (width, height) = svg_size(buffer);
    (width.ceil(), height.ceil())
}

/// Plays pictures of one size, each for so many seconds, rests on the last for `rest`, then begins again.
#[must_use]
pub fn svg_film(pictures: &[(Buffer, f32)], rest: f32, paper: Paper) -> String {
    let Some((last, _)) = pictures.last() else {
        return String::new();
    };
    let all = pictures.len();
    let mut begins = Vec::with_capacity(all);
    let mut total = 0.0;
    for (at, (_, seconds)) in pictures.iter().enumerate() {
        begins.push(total);
        total += if at + 1 == all { rest } else { *seconds };
    }
    let mut looks = Looks::new(paper);
    let mut body = String::new();
    let mut motions: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..last.area.height {
        let mut spans: Vec<(String, Vec<(usize, usize)>)> = Vec::new();
        let mut before: Option<usize> = None;
        for (at, (buffer, _)) in pictures.iter().enumerate() {
            let picture = looks.row(buffer, row);
            let known = spans.iter().position(|(it, _)| *it == picture);
            let index = known.unwrap_or_else(|| {
                spans.push((picture, Vec::new()));
                spans.len() - 1
            });
            match (before == Some(index), spans[index].1.last_mut()) {
                (true, Some((_, to))) => *to = at + 1,
                _ => spans[index].1.push((at, at + 1)),
            }
            before = Some(index);
        }
        for (picture, shown) in spans.iter().filter(|(picture, _)| !picture.is_empty()) {
            if shown == &[(0, all)] {
                body.push_str(picture);
                continue;
            }
            let frames = keyframes(shown, &begins, total);
            let next = motions.len();
            let motion = *motions.entry(frames).or_insert(next);
            let is_last = shown.last().is_some_and(|(_, to)| *to == all);
            let rests = if is_last {
                ""
            } else {
                " visibility=\"hidden\""
            };
            let _ = writeln!(body, "<g class=\"m{motion}\"{rests}>{picture}</g>");
        }
    }
    let mut style = String::new();
    if !motions.is_empty() {
        style.push_str("@media (prefers-reduced-motion: no-preference){\n");
        for (frames, motion) in &motions {
            // Writing to a string does not fail.
            let _ = writeln!(
                style,
                ".m{motion}{{animation:k{motion} {total:.2}s steps(1) infinite}}\n@keyframes k{motion}{{{frames}}}"
            );
        }
        style.push_str("}\n");
    }
    page(whole(last), paper, &looks, &body, &style)
}

/// Visible during these pictures alone.
fn keyframes(shown: &[(usize, usize)], begins: &[f32], total: f32) -> String {
    let mut frames = String::new();
    let percent = |at: usize| begins.get(at).map_or(100.0, |begin| begin / total * 100.0);
    if shown.first().is_some_and(|(from, _)| *from > 0) {
        frames.push_str("0%{visibility:hidden}");
    }
    for &(from, to) in shown {
        let _ = write!(frames, "{:.2}%{{visibility:visible}}", percent(from));
        let state = if to < begins.len() {
            "hidden"
        } else {
            "visible"
        };
        let _ = write!(frames, "{:.2}%{{visibility:{state}}}", percent(to));
    }
    frames
}

fn page(
    (width, height): (f32, f32),
    paper: Paper,
    looks: &Looks,
    body: &str,
    motion: &str,
) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace\" font-size=\"14\" xml:space=\"preserve\">\n\
         <style>text{{white-space:pre}}\n{}{motion}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n{body}</svg>\n",
        looks.rules(),
        hex(paper.ground).unwrap_or_default(),
    )
}

/// The looks of text in a picture, each a class.
struct Looks {
    paper: Paper,
    rules: Vec<String>,
}

/// How a cell looks: colours, then what else there is to letters.
#[derive(Clone, PartialEq)]
struct CellLook {
    text: Color,
    ground: Option<Color>,
    marks: Modifier,
}

impl Looks {
    fn new(paper: Paper) -> Self {
        Self {
            paper,
            rules: Vec::new(),
        }
    }

    fn rules(&self) -> String {
        let rules = self.rules.iter().enumerate();
        rules
            .map(|(at, rule)| format!(".t{at}{{{rule}}}\n"))
            .collect()
    }

    fn of(&self, cell: &Cell) -> CellLook {
        let style = cell.style();
        let own = |colour: Option<Color>| colour.filter(|it| *it != Color::Reset);
        let marks = modifiers(style);
        let (mut text, mut ground) = (own(style.fg).unwrap_or(self.paper.text), own(style.bg));
        if marks.contains(Modifier::REVERSED) {
            (text, ground) = (ground.unwrap_or(self.paper.ground), Some(text));
        }
        CellLook {
            text,
            ground,
            marks: marks - Modifier::REVERSED,
        }
    }

    fn class(&mut self, look: &CellLook) -> usize {
        let mut rule = format!("fill:{}", hex(look.text).unwrap_or_default());
        for (mark, text) in [
            (Modifier::BOLD, ";font-weight:bold"),
            (Modifier::ITALIC, ";font-style:italic"),
            (Modifier::DIM, ";opacity:.6"),
            (Modifier::UNDERLINED, ";text-decoration:underline"),
            (Modifier::CROSSED_OUT, ";text-decoration:line-through"),
        ] {
            if look.marks.contains(mark) {
                rule.push_str(text);
            }
        }
        let known = self.rules.iter().position(|it| *it == rule);
        known.unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        })
    }

    /// One row: runs of cells that look alike, each a rectangle and a text. A wide cluster is a run of its own, so that the
    /// grid holds in any font.
    fn row(&mut self, buffer: &Buffer, row: u16) -> String {
        let mut drawn = String::new();
        let mut column = 0;
        while column < buffer.area.width {
            let look = self.of(&buffer[(column, row)]);
            let start = column;
            let mut text = String::new();
            while column < buffer.area.width {
                let cell = &buffer[(column, row)];
                let width = cell.symbol().cell_width().max(1);
                if self.of(cell) != look || (width > 1 && column > start) {
                    break;
                }
                text.push_str(cell.symbol());
                column += width;
                if width > 1 {
                    break;
                }
            }
            self.draw(&mut drawn, row, start..column, (&text, &look));
        }
        drawn
    }

    fn draw(
        &mut self,
        drawn: &mut String,
        row: u16,
        columns: std::ops::Range<u16>,
        (text, look): (&str, &CellLook),
    ) {
        let x = |column: u16| f32::from(column) * CELL_WIDTH + MARGIN;
        let y = f32::from(row) * CELL_HEIGHT + MARGIN;
        if let Some(ground) = look.ground.and_then(hex) {
            let width = f32::from(columns.end - columns.start) * CELL_WIDTH;
            let _ = write!(
                drawn,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{ground}\"/>",
                x(columns.start)
            );
        }
        if !text.is_empty() && text.chars().all(|it| it == '█') {
            let width = f32::from(columns.end - columns.start) * CELL_WIDTH;
            let _ = write!(
                drawn,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{}\"/>",
                x(columns.start),
                hex(look.text).unwrap_or_default()
            );
            return;
        }
        let is_marked = look
            .marks
            .intersects(Modifier::UNDERLINED | Modifier::CROSSED_OUT);
        let (text, first, cells) = match is_marked {
            true => (text, columns.start, columns.end - columns.start),
            // Blanks are one cell each.
            false => {
                let begin = text.len() - text.trim_start_matches(' ').len();
                let end = text.len() - text.trim_end_matches(' ').len();
                let cells = usize::from(columns.end - columns.start).saturating_sub(begin + end);
                (
                    text.trim_matches(' '),
                    columns.start + u16::try_from(begin).unwrap_or(0),
                    u16::try_from(cells).unwrap_or(0),
                )
            }
        };
        if text.trim().is_empty() && !is_marked {
            return;
        }
        let class = self.class(look);
        let _ = writeln!(
            drawn,
            "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" class=\"t{class}\">{}</text>",
            x(first),
            y + BASELINE,
            f32::from(cells) * CELL_WIDTH,
            escaped(text)
        );
    }
}

fn modifiers(style: Style) -> Modifier {
    style.add_modifier - style.sub_modifier
}

/// Text that no parser of XML takes for anything else; what XML cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\u{0}'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            other => safe.push(other),
        }
    }
    safe
}

/// A colour as SVG writes it; `None` for the terminal's own.
#[must_use]
pub fn hex(colour: Color) -> Option<String> {
    let (red, green, blue) = rgb(colour)?;
    Some(format!("#{red:02x}{green:02x}{blue:02x}"))
}

/// What a colour is made of; `None` for the terminal's own.
#[must_use]
pub fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    const BASIC: [(u8, u8, u8); 16] = [
        (0x1d, 0x1f, 0x21),
        (0xcc, 0x66, 0x66),
        (0xb5, 0xbd, 0x68),
        (0xf0, 0xc6, 0x74),
        (0x81, 0xa2, 0xbe),
        (0xb2, 0x94, 0xbb),
        (0x8a, 0xbe, 0xb7),
        (0xc5, 0xc8, 0xc6),
        (0x66, 0x66, 0x66),
        (0xd5, 0x4e, 0x53),
        (0xb9, 0xca, 0x4a),
        (0xe7, 0xc5, 0x47),
        (0x7a, 0xa6, 0xda),
        (0xc3, 0x97, 0xd8),
        (0x70, 0xc0, 0xb1),
        (0xea, 0xea, 0xea),
    ];
    let basic = |at: usize| Some(BASIC[at]);
    match colour {
        Color::Reset => None,
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Black => basic(0),
        Color::Red => basic(1),
        Color::Green => basic(2),
        Color::Yellow => basic(3),
        Color::Blue => basic(4),
        Color::Magenta => basic(5),
        Color::Cyan => basic(6),
        Color::Gray => basic(7),
        Color::DarkGray => basic(8),
        Color::LightRed => basic(9),
        Color::LightGreen => basic(10),
        Color::LightYellow => basic(11),
        Color::LightBlue => basic(12),
        Color::LightMagenta => basic(13),
        Color::LightCyan => basic(14),
        Color::White => basic(15),
        Color::Indexed(index @ 0..16) => basic(usize::from(index)),
        Color::Indexed(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            Some((level(index / 36), level(index / 6 % 6), level(index % 6)))
        }
        Color::Indexed(index) => {
            let grey = 8 + 10 * (index - 232);
            Some((grey, grey, grey))
        }
    }
}
