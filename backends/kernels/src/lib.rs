//! Matrix products of activations in 8 bits with weights in 8 or 4 bits on the CPU, `y = x Wᵀ`; slices in and out.
//!
//! * [`Pool`]: the threads. [`InstructionSet`]: what their products use, chosen at run time.
//! * [`Source`], [`Layout`], [`pack`]: from rows of f32, bf16 or f16 to packed bytes, the same for every processor, to be kept
//!   in a file. [`Matrix`]: a view of such bytes as they lie, mapped or not.
//! * [`Activations`]: f32 rows quantised to 8 bits with a scale for each 128 columns, or one for up to 512 that are alike.
//! * [`product`] and what becomes of its results, an [`Epilogue`]; [`experts`]: grouped products of a mixture of experts.
//! * [`BlockAttention`] over blocks of keys in f16; [`RmsNorm`] and [`rotate`] for rows of f32.
//!
//! Products do not depend on threads, rows beside each other, or instruction set: sums within a group of 128 columns, or the
//! groups that share a scale, are exact integers, and these are added in order in f32 with the same roundings everywhere.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use unmask_kernels::{Activations, Aligned, Element, Epilogue, Format, Layout, Matrix, Pool, Source, pack, product};
//!
//! # fn main() -> Result<(), unmask_kernels::Error> {
//! let pool = Pool::new(NonZeroUsize::MIN)?;
//! let (n, k) = (3, 200);
//! let weights: Vec<u8> = (0..n * k).flat_map(|i| (i as f32 / 600.0).to_le_bytes()).collect();
//! let layout = Layout::new(Format::Int8, n, k)?;
//! let mut packed = Aligned::new(layout.bytes());
//! pack(&pool, layout, &Source::new(Element::F32, k, &[&weights])?, &mut packed, &|| false)?;
//! let matrix = Matrix::new(layout, &packed)?;
//!
//! let mut x = Activations::new();
//! x.quantise(&pool, &[1.0; 400], 2, k)?;
//! let mut y = [0.0; 6];
//! product(&pool, &x, &matrix, &Epilogue::default(), &mut y)?;
//! assert!((y[0] - 33.17).abs() < 0.1);
//! # Ok(())
//! # }
//! ```
#![expect(
    unsafe_code,
    reason = "vector instructions, threads that write their own parts of a slice, and numbers seen in aligned bytes"
)]

mod activations;
mod aligned;
mod attention;
mod element;
mod epilogue;
mod error;
mod experts;
mod kernel;
mod matrix;
mod pack;
mod parts;
mod pool;
mod product;
mod rows;
mod scratch;
mod set;
mod tile;
mod vector;

pub use activations::Activations;
pub use aligned::{ALIGNMENT, Aligned};
pub use attention::{BLOCK, BlockAttention, KeyBlock, with_attention};
pub use element::{Element, Source};
pub use epilogue::{Epilogue, Finish};
pub use error::Error;
pub use experts::{Expert, ExpertBuffers, Route, experts};
pub use matrix::{Format, GROUP, Layout, Matrix, PANEL, Rows};
pub use pack::{pack, pack_panel};
pub use parts::TileMut;
pub use pool::Pool;
pub use product::product;
pub use rows::{RmsNorm, rotate};
pub use set::{InstructionSet, VARIABLE};
