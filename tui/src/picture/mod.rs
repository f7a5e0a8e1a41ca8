//! A recorded run as files for others: a page, its lines as text, one JSON object, pictures and films. Pure; the commands read
//! and write.
//!
//! Every picture is cells first ([`frame`]), which SVG, pixels and recordings of a terminal are written from.

mod card;
mod cast;
mod draw;
mod error;
mod frame;
mod html;
mod log;
#[cfg(feature = "pictures")]
mod pixels;
mod style;
mod svg;

pub use crate::recorded_run::{Moment, RecordedRun, RunError};
pub use cast::{CastPicture, cast};
pub use draw::{PictureFormat, PictureSpan, picture};
pub use error::PictureError;
pub use frame::{frame, rows_needed};
pub use html::{compare_html, html};
pub use log::{answer, json, log};
pub use style::{Chrome, FilmPace, Fonts, Paper, PictureStyle, PromptShown, chapter};
pub use svg::{hex, rgb, svg_card, svg_cells, svg_film, svg_size, svg_still};
