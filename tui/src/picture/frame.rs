//! A run after some of its log, drawn into cells: what every picture and film is made of.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::settings::approximation;

use super::style::{Chrome, PictureStyle, PromptShown};
use crate::amount::counted;
use crate::cells::{Emoji, cell_count};
use crate::clean::{clean, clean_line};
use crate::layout::{Flow, LayoutOptions, answer_found, replay_rows, wrap};
use crate::row::{Row, cut};
use crate::size::MARGIN;
use crate::state::{Ghosts, MASK_WIDTH, Replay, ReplayLayer, Turn};
use crate::theme::Role;

/// More rows than this are cut off.
const MOST_ROWS: u16 = 400;
/// Rows of the message at most.
const PROMPT_ROWS: usize = 6;

/// Draws the run after the first `count` entries of its log into a buffer of `rows` rows. What does not fit is cut off above:
/// the token that was written last is seen.
#[must_use]
pub fn frame(turn: &Turn, count: usize, style: &PictureStyle, rows: u16) -> Buffer {
    let parts = Parts::of(turn, count, style);
    let area = Rect::new(0, 0, style.columns, rows.clamp(1, MOST_ROWS));
    let mut buffer = Buffer::empty(area);
    let fixed = parts.above.len() + parts.below.len();
    let room = usize::from(area.height).saturating_sub(fixed).max(1);
    let top = (parts.newest + 1)
        .saturating_sub(room)
        .min(parts.canvas.len().saturating_sub(room));
    let shown = parts.canvas.iter().skip(top).take(room);
    let all = parts.above.iter().chain(shown);
    for (y, row) in (0..area.height).zip(all) {
        put(&mut buffer, style, MARGIN, y, row);
    }
    let below = area.height.saturating_sub(count_of(&parts.below));
    for (y, row) in (below..area.height).zip(&parts.below) {
        put(&mut buffer, style, MARGIN, y, row);
    }
    buffer
}

/// The rows that the largest of these pictures takes.
#[must_use]
pub fn rows_needed(turn: &Turn, counts: &[usize], style: &PictureStyle) -> u16 {
    let of = |&count: &usize| {
        let parts = Parts::of(turn, count, style);
        parts.above.len() + parts.canvas.len() + parts.below.len()
    };
    let most = counts.iter().map(of).max().unwrap_or(1);
    u16::try_from(most).unwrap_or(MOST_ROWS).clamp(1, MOST_ROWS)
}

fn count_of(rows: &[Row]) -> u16 {
    u16::try_from(rows.len()).unwrap_or(u16::MAX)
}

/// The rows of a picture.
struct Parts {
    above: Vec<Row>,
    canvas: Vec<Row>,
    below: Vec<Row>,
    /// The row of the canvas with the token that was written last.
    newest: usize,
}

impl Parts {
    fn of(turn: &Turn, count: usize, style: &PictureStyle) -> Self {
        let width = usize::from(style.columns.saturating_sub(2 * MARGIN)).max(1);
        let mut above = Vec::new();
        if style.chrome == Chrome::Full {
            above.push(header(turn, count, width));
            above.push(Row::default());
        }
        if style.prompt == PromptShown::Yes {
            let sign = match style.chrome {
                Chrome::Card => "▌",
                Chrome::Full | Chrome::Bare => "› ",
            };
            above.extend(prompt(turn, sign, width));
            above.push(Row::default());
        }
        match style.chrome {
            Chrome::Card => {
                let answer = answer_found(turn);
                let canvas = wrap(&Flow::said(&answer, Role::Text, Emoji::default()), width);
                let mut below = vec![Row::default()];
                if !turn.loaded.text_alone {
                    below.extend(barcode(turn, count, width));
                }
                below.push(settings(turn, width));
                Self {
                    above,
                    newest: 0,
                    canvas,
                    below,
                }
            }
            Chrome::Full | Chrome::Bare => {
                let (canvas, newest) = canvas(turn, count, style, width);
                let below = match style.chrome {
                    Chrome::Full => vec![Row::default(), foot(turn, count, style.layer, width)],
                    Chrome::Bare | Chrome::Card => Vec::new(),
                };
                Self {
                    above,
                    canvas,
                    below,
                    newest,
                }
            }
        }
    }
}

fn put(buffer: &mut Buffer, style: &PictureStyle, mut x: u16, y: u16, row: &Row) {
    for span in &row.spans {
        let cells = usize::from(buffer.area.right().saturating_sub(x));
        (x, _) = buffer.set_stringn(x, y, &span.text, cells, style.theme.style(span.role));
    }
}

/// The tokens, all of them, and the row of the one that was written last.
fn canvas(turn: &Turn, count: usize, style: &PictureStyle, width: usize) -> (Vec<Row>, usize) {
    let replay = Replay {
        at: Some(count),
        layer: style.layer,
        // No token is pointed at.
        ..Replay::new(0, usize::MAX)
    };
    let options = LayoutOptions {
        width,
        mask_width: MASK_WIDTH,
        emoji: Emoji::default(),
        ghosts: Ghosts::Hidden,
    };
    let (mut rows, mut places) = replay_rows(&replay, turn, &replay.moment(turn), options);
    let is_end = count == turn.log().entries.len();
    // At the end no block is to come any more.
    while is_end && places.len() > 1 && places.last().is_some_and(Vec::is_empty) {
        places.pop();
        rows.pop();
    }
    let row = turn.newest(count).and_then(|token| {
        let holds = |row: &Vec<crate::row::TokenPlace>| row.iter().any(|it| it.from == token);
        places.iter().rposition(holds)
    });
    (rows, row.unwrap_or(0))
}

/// `unmask  LLaDA-8B-Instruct · candle · q4            step 22/64`.
fn header(turn: &Turn, count: usize, width: usize) -> Row {
    let step = turn.log().step_at(count).map_or(0, |step| step.step);
    let now = format!("{} {step}/{}", turn.loaded.step_word(), turn.step);
    let mut row = Row::of("unmask", Role::Accent);
    let room = width.saturating_sub(cell_count(&now) + 10);
    row.spans.push(span(
        &format!("  {}", cut(&turn.identity(), room)),
        Role::Quiet,
    ));
    push_right(&mut row, &now, Role::Text, width);
    row
}

fn span(text: &str, role: Role) -> crate::row::Span {
    crate::row::Span {
        text: text.to_owned(),
        role,
    }
}

fn push_right(row: &mut Row, text: &str, role: Role, width: usize) {
    let gap = width.saturating_sub(row.width() + cell_count(text));
    row.spans.push(span(&" ".repeat(gap), Role::Text));
    row.spans.push(span(text, role));
}

fn prompt(turn: &Turn, sign: &str, width: usize) -> Vec<Row> {
    let said = format!("{sign}{}", clean(turn.prompt.trim()));
    let mut rows = wrap(&Flow::said(&said, Role::Strong, Emoji::default()), width);
    if rows.len() > PROMPT_ROWS {
        rows.truncate(PROMPT_ROWS);
        rows.push(Row::of("…", Role::Quiet));
    }
    rows
}

/// What the colours mean, and how far it is.
fn foot(turn: &Turn, count: usize, layer: ReplayLayer, width: usize) -> Row {
    let mut row = Row::default();
    let words: &[(&str, Role)] = match layer {
        _ if turn.loaded.text_alone => &[],
        ReplayLayer::Plain => &[],
        ReplayLayer::Confidence => &[
            ("confidence ", Role::Quiet),
            ("low", Role::FreshLow),
            (" ", Role::Text),
            ("mid ", Role::FreshMiddle),
            ("high", Role::FreshHigh),
        ],
        ReplayLayer::Entropy => &[
            ("entropy ", Role::Quiet),
            ("below 0.5 ", Role::FreshHigh),
            ("below 1.5 nat ", Role::FreshMiddle),
            ("more", Role::FreshLow),
        ],
        ReplayLayer::Order => &[
            ("order early ", Role::Quiet),
            ("■", Role::Order1),
            ("■", Role::Order2),
            ("■", Role::Order3),
            ("■", Role::Order4),
            ("■", Role::Order5),
            ("■", Role::Order6),
            (" late", Role::Quiet),
        ],
    };
    row.spans
        .extend(words.iter().map(|(text, role)| span(text, *role)));
    let nfe = turn.log().step_at(count).map_or(0, |step| step.nfe);
    let moment = turn.log().moment(count);
    let marks = moment.fold.answer_marks();
    let settled = marks.iter().filter(|mark| mark.is_committed()).count();
    let figures = match turn.loaded.text_alone {
        true => String::new(),
        false => format!(
            "{settled}/{} · {}",
            counted(marks.len(), "token"),
            counted(nfe, "forward")
        ),
    };
    push_right(&mut row, &figures, Role::Quiet, width);
    row
}

/// Two rows with a bar for each token of the answer, in the colour of the sixth in which it was written.
fn barcode(turn: &Turn, count: usize, width: usize) -> Vec<Row> {
    let moment = turn.log().moment(count);
    let answer = moment.fold.canvas().answer();
    let end = answer.iter().position(|&it| turn.loaded.is_end(it));
    let shown = end.unwrap_or(answer.len());
    let total = moment.committed.max(1);
    let role = |at: usize| match turn
        .story(&moment, at)
        .and_then(|it| it.step.map(|_| it.order))
    {
        Some(order) => Role::order((order.max(1) - 1) * 6 / total),
        None => Role::Quiet,
    };
    let mut row = Row::default();
    // A long answer shares its bars, a short one has wide ones.
    let bars = shown.min(width);
    let wide = (width / bars.max(1)).clamp(1, 4);
    for bar in 0..bars {
        row.spans
            .push(span(&"█".repeat(wide), role(bar * shown / bars)));
    }
    vec![row.clone(), row]
}

/// One line: who, how, how much work; where that is too wide, without what is least missed.
fn settings(turn: &Turn, width: usize) -> Row {
    let params = &turn.params;
    let name = clean_line(&turn.loaded.name);
    let seconds = format!("{:.1} s", turn.elapsed.as_secs_f64());
    let how = match approximation(params) {
        Some(what) => format!("≈ {what}"),
        None => counted(params.steps, "step"),
    };
    let (seed, forwards) = (
        format!("seed {}", params.seed),
        counted(turn.nfe, "forward"),
    );
    // Each with how much it is missed, what makes the same answer most; of another server's work no more is known.
    let mut parts = match turn.loaded.text_alone {
        true => vec![(9, name), (1, seconds)],
        false => vec![(9, name), (4, how), (3, seed), (2, forwards), (1, seconds)],
    };
    parts.push((9, "unmask".to_owned()));
    let said = |parts: &[(u8, String)]| {
        let texts: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
        texts.join(" · ")
    };
    for least in 1..=4 {
        if cell_count(&said(&parts)) > width {
            parts.retain(|(worth, _)| *worth != least);
        }
    }
    Row::of(cut(&said(&parts), width), Role::Quiet)
}
