//! Cells as a recording of a terminal, asciicast v2: what asciinema plays.
//!
//! v2 and not v3, since asciinema 2 refuses v3 and asciinema 3 plays both.

use std::io;
use std::time::Duration;

use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use serde_json::json;

/// A picture of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct CastPicture {
    /// What is seen.
    pub buffer: Buffer,
    /// How long after the one before.
    pub after: Duration,
    /// What it is a chapter of.
    pub marker: Option<String>,
}

/// Nobody looks at the same picture for longer.
const LONGEST: Duration = Duration::from_secs(2);

/// The recording: a line for what is new in each picture, at the recorded pace. No picture is kept longer than the next one
/// needs it.
///
/// # Errors
/// None in fact: what writes into memory does not fail.
pub fn cast(pictures: impl IntoIterator<Item = CastPicture>, title: &str) -> io::Result<String> {
    let mut pictures = pictures.into_iter().peekable();
    let Some(first) = pictures.peek() else {
        return Ok(String::new());
    };
    let area = first.buffer.area;
    let header = json!({
        "version": 2,
        "width": area.width,
        "height": area.height,
        "title": title,
        "env": { "TERM": "xterm-256color" },
    });
    let mut lines = format!("{header}\n");
    // A file has its colours whatever the terminal wants in which it is written.
    crossterm::style::force_color_output(true);
    let mut before = Buffer::empty(area);
    let mut at = Duration::ZERO;
    for (number, picture) in pictures.enumerate() {
        at += picture.after.min(LONGEST);
        let mut bytes = Vec::new();
        let mut backend = CrosstermBackend::new(&mut bytes);
        if number == 0 {
            backend.hide_cursor()?;
            backend.clear()?;
        }
        backend.draw(before.diff(&picture.buffer).into_iter())?;
        let written = String::from_utf8_lossy(&bytes).into_owned();
        let seconds = at.as_secs_f64();
        if let Some(marker) = &picture.marker {
            lines += &format!("{}\n", json!([seconds, "m", marker]));
        }
        if !written.is_empty() {
            lines += &format!("{}\n", json!([seconds, "o", written]));
        }
        before = picture.buffer;
    }
    Ok(lines)
}
