//! From text and tokens to rows of cells: pure functions, whose results the state keeps by (content version, width).

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
mod selected;
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
pub use selected::selected_text;
pub use wrap::{wrap, wrap_with_places};
