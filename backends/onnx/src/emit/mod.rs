//! A graph to where it is computed (`editor`) or kept (`proto`).

pub(crate) mod editor;
mod messages;
pub(crate) mod proto;
