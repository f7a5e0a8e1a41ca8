//! From text and tokens to rows of cells: pure functions, whose results the state keeps by (content version, width).

mod bytes;
mod canvas;
mod flow;
mod wrap;

pub use canvas::{ACTIVE_MASK, answer_so_far, canvas_rows};
pub use flow::{Atom, AtomKind, Flow};
pub use wrap::wrap;
