//! From text and tokens to rows of cells: pure functions, whose results `screen_layout` keeps by content and width.

mod answer_text;
mod bytes;
mod canvas;
mod caret;
mod compared;
mod flow;
mod help;
mod highlight;
mod markdown;
mod replay;
mod wrap;

pub use answer_text::{answer_found, answer_so_far};
pub use canvas::{
    CanvasPicture, LayoutOptions, canvas_rows, moment_rows, picture_rows, settled_rows,
};
pub use caret::with_carets;
pub use compared::compared_rows;
pub use flow::{Atom, AtomKind, Flow};
pub use help::help_rows;
pub use highlight::Highlighter;
pub use markdown::{code_blocks, markdown_rows};
pub use replay::replay_rows;
pub use wrap::{wrap, wrap_with_places};
