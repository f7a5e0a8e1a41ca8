//! A run as a picture or a film in a file's bytes.

use ratatui::buffer::Buffer;

use super::card::Card;
use super::cast::{CastPicture, cast};
use super::error::PictureError;
use super::frame::{frame, rows_needed};
use super::style::{PictureStyle, chapter};
use super::svg::{svg_film, svg_still};
use crate::clean::clean_line;
use crate::state::{LogEntry, Turn};

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// Vectors, for browsers.
    Svg,
    /// Pixels.
    Png,
    /// Pixels that move, in full colour.
    Apng,
    /// Pixels that move, in 256 colours.
    Gif,
    /// A recording of a terminal, for asciinema.
    Cast,
}

/// How much of a run is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSpan {
    /// The run after so many entries of its log.
    Still(usize),
    /// All of it.
    Film,
}

/// Seconds for which the last picture of a film stays.
const REST: f32 = 3.0;

/// Draws a run.
///
/// # Errors
/// For a format that cannot show so much or so little, and for too many pixels.
pub fn picture(
    turn: &Turn,
    format: PictureFormat,
    span: PictureSpan,
    style: &PictureStyle,
) -> Result<Vec<u8>, PictureError> {
    match (format, span) {
        (PictureFormat::Svg, PictureSpan::Still(count)) => {
            if let Some(card) = Card::of(turn, count, style) {
                return Ok(card.svg(style).into_bytes());
            }
            let buffer = still(turn, count, style);
            Ok(svg_still(&buffer, style.paper()).into_bytes())
        }
        (PictureFormat::Svg, PictureSpan::Film) => {
            Ok(svg_film(&film(turn, style), REST, style.paper()).into_bytes())
        }
        (PictureFormat::Cast, PictureSpan::Film) => {
            let title = format!("{} · unmask", clean_line(&turn.prompt));
            let written = cast(recorded(turn, style), &title);
            let text = written.map_err(|error| PictureError::Drawing(error.to_string()))?;
            Ok(text.into_bytes())
        }
        (PictureFormat::Cast, PictureSpan::Still(_)) => Err(PictureError::Span(
            "a recording of a terminal holds every step; svg and png take one",
        )),
        (PictureFormat::Png, PictureSpan::Film) => Err(PictureError::Span(
            "a PNG stands still; apng, gif and svg move",
        )),
        (PictureFormat::Apng | PictureFormat::Gif, PictureSpan::Still(_)) => {
            Err(PictureError::Span("it moves; png and svg take one step"))
        }
        (format, span) => pixels(turn, format, span, style),
    }
}

#[cfg(feature = "pictures")]
fn pixels(
    turn: &Turn,
    format: PictureFormat,
    span: PictureSpan,
    style: &PictureStyle,
) -> Result<Vec<u8>, PictureError> {
    use super::pixels::{Painter, apng, gif, palette, png};

    if let PictureSpan::Still(count) = span
        && let Some(card) = Card::of(turn, count, style)
    {
        let painter = Painter::new(&PictureStyle {
            scale: card.scale,
            ..*style
        });
        return png(painter.paint_svg(&card.svg(style))?);
    }
    let painter = Painter::new(style);
    if let PictureSpan::Still(count) = span {
        return png(painter.paint(&still(turn, count, style))?);
    }
    let mut buffers: Vec<(Buffer, f32)> = Vec::new();
    for (buffer, seconds) in film(turn, style) {
        match buffers.last_mut() {
            // Nothing has changed: the one before stays longer.
            Some((before, lasts)) if *before == buffer => *lasts += seconds,
            _ => buffers.push((buffer, seconds)),
        }
    }
    if let Some((_, seconds)) = buffers.last_mut() {
        *seconds = REST;
    }
    let painted = buffers
        .iter()
        .map(|(buffer, seconds)| Ok((painter.paint(buffer)?, *seconds)));
    match format {
        PictureFormat::Gif => {
            let colours = palette(buffers.iter().map(|(buffer, _)| buffer), style.paper());
            gif(painted, &colours)
        }
        PictureFormat::Apng | PictureFormat::Png | PictureFormat::Svg | PictureFormat::Cast => {
            apng(buffers.len(), painted)
        }
    }
}

#[cfg(not(feature = "pictures"))]
fn pixels(
    _: &Turn,
    _: PictureFormat,
    _: PictureSpan,
    _: &PictureStyle,
) -> Result<Vec<u8>, PictureError> {
    Err(PictureError::Drawing(
        "this build has no pictures of pixels; svg and cast need none".to_owned(),
    ))
}

fn still(turn: &Turn, count: usize, style: &PictureStyle) -> Buffer {
    let rows = style
        .rows
        .unwrap_or_else(|| rows_needed(turn, &[count], style));
    frame(turn, count, style, rows)
}

/// Pictures of one size, with how many seconds each stays.
fn film(turn: &Turn, style: &PictureStyle) -> Vec<(Buffer, f32)> {
    let (shown, seconds) = style.pace.pictures(turn.log().entries.len());
    let rows = style
        .rows
        .unwrap_or_else(|| rows_needed(turn, &shown, style));
    let draw = |count| (frame(turn, count, style, rows), seconds);
    shown.into_iter().map(draw).collect()
}

/// Every entry of the log, at its own pace, drawn when it is asked for.
fn recorded(turn: &Turn, style: &PictureStyle) -> impl Iterator<Item = CastPicture> {
    let entries = &turn.log().entries;
    let shown: Vec<usize> = (0..=entries.len()).collect();
    let rows = style
        .rows
        .unwrap_or_else(|| rows_needed(turn, &shown, style));
    let draw = move |count: usize| CastPicture {
        buffer: frame(turn, count, style, rows),
        after: match count.checked_sub(1).map(|at| &entries[at]) {
            Some(LogEntry::Step(step)) => step.elapsed,
            Some(LogEntry::Edit(_)) | None => std::time::Duration::ZERO,
        },
        marker: chapter(turn, count),
    };
    shown.into_iter().map(draw)
}

#[cfg(test)]
mod tests;
