//! What becomes of finished sums.

use crate::aligned::Shared;
use crate::error::{Error, length, same};
use crate::matrix::{Layout, Matrix, PANEL, Rows};
use crate::set::for_sets;

/// What a product does with its results `v`, `[m, n]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// Added to each row, `[n]`, before anything else.
    pub bias: Option<&'a [f32]>,
    /// Where results go.
    pub finish: Finish<'a>,
}

/// Where the results `v` of a product go.
#[derive(Debug, Clone, Copy, Default)]
pub enum Finish<'a> {
    /// `out = v`.
    #[default]
    Store,
    /// `out += v`: a residual.
    Add,
    /// `out = silu(gate) * up`, half as many columns; for matrices with [`Rows::GateUp`], and they need it.
    SwiGlu,
    /// `out[rows[i]] += weights[i] * v[i]`, in the order of `i`: the output of an expert.
    ScatterAdd {
        /// For each row of `v` the row of `out`; may repeat.
        rows: &'a [u32],
        /// For each row of `v` its factor.
        weights: &'a [f32],
    },
}

impl Finish<'_> {
    /// Rows that `out` has, given its length and width.
    fn rows(&self, m: usize, out: usize, width: usize) -> usize {
        match self {
            Self::ScatterAdd { .. } => out / width,
            Self::Store | Self::Add | Self::SwiGlu => m,
        }
    }
}

impl Epilogue<'_> {
    /// Tests everything that [`finish_rows`] relies on.
    pub(crate) fn check(&self, layout: Layout, m: usize, out: usize) -> Result<(), Error> {
        let width = layout.width();
        let rows = self.finish.rows(m, out, width);
        length(
            "the output",
            out,
            rows.checked_mul(width).ok_or(Error::Size("the output"))?,
        )?;
        if let Some(bias) = self.bias {
            length("the bias", bias.len(), layout.n())?;
        }
        let gated = usize::from(layout.rows() == Rows::GateUp);
        same(
            "being gate and up",
            gated,
            usize::from(matches!(self.finish, Finish::SwiGlu)),
        )?;
        if let Finish::ScatterAdd { rows: to, weights } = self.finish {
            length("the rows of the output", to.len(), m)?;
            length("the weights of the rows", weights.len(), m)?;
            if let Some(row) = to.iter().find(|row| **row as usize >= rows) {
                return Err(Error::Row {
                    row: *row as usize,
                    rows,
                });
            }
        }
        Ok(())
    }
}

/// What a panel's sums are finished with.
#[derive(Debug)]
pub(crate) struct PanelEnd {
    scales: [f32; PANEL],
    bias: Option<[f32; PANEL]>,
    /// Of the output.
    first_column: usize,
    columns: usize,
}

impl PanelEnd {
    pub(crate) fn of(w: &Matrix<'_>, epilogue: &Epilogue<'_>, panel: usize) -> Self {
        let layout = w.layout();
        let first_column = panel * layout.panel_width();
        let bias_of = |bias: &[f32]| {
            std::array::from_fn(|at| layout.source_row(panel, at).map_or(0.0, |row| bias[row]))
        };
        Self {
            scales: w.row_scales(panel),
            bias: epilogue.bias.map(bias_of),
            first_column,
            columns: layout.panel_width().min(layout.width() - first_column),
        }
    }
}

/// Which rows are finished.
#[derive(Clone, Copy)]
pub(crate) struct FinishedRows {
    /// Of the first, among those that the epilogue speaks of.
    pub(crate) index: usize,
    /// Row of the output for the first, if the epilogue does not say it.
    pub(crate) to: usize,
    /// Columns of the output.
    pub(crate) width: usize,
}

for_sets! {
    /// Finishes all rows of some panels, whose `sums` are `[panels, rows, 64]`: row after row, since those of `out` may lie
    /// far apart.
    ///
    /// No other thread may touch the panels' columns of these rows of `out`; rows that the finish names must be there.
    pub(crate) unsafe fn finish_rows(ends: &[PanelEnd], finish: &Finish<'_>, which: FinishedRows, sums: &[f32], out: &Shared<'_, f32>) {
        let all = SummedRows { ends, which, sums: sums.as_chunks().0, out };
        match *finish {
            Finish::Store => all.finish::<PANEL>(&Stored),
            Finish::Add => all.finish::<PANEL>(&Added),
            Finish::SwiGlu => all.finish::<{ PANEL / 2 }>(&Gated),
            Finish::ScatterAdd { rows, weights } => all.finish::<PANEL>(&Scattered { rows, weights }),
        }
    }
}

/// Numbers that are finished at once, so that they stay in a register of 512 bits: an array of 64 went through memory.
const LANES: usize = 16;
/// A stretch of a row within a panel.
type Part = [f32; LANES];

/// A [`Finish`]. All of it is `inline(always)`, or it would not be compiled for vectors.
trait Put {
    /// The row of the output for row `row` of the results, where that goes elsewhere than to the row after the one before.
    fn row(&self, _row: usize) -> Option<usize> {
        None
    }
    /// Does with part number `part` of the results of row `row` what becomes of them.
    fn put(&self, row: usize, part: usize, v: &PanelResults<'_>, to: &mut Part);
}

struct Stored;

impl Put for Stored {
    #[inline(always)]
    fn put(&self, _: usize, part: usize, v: &PanelResults<'_>, to: &mut Part) {
        *to = v.part(part);
    }
}

struct Added;

impl Put for Added {
    #[inline(always)]
    fn put(&self, _: usize, part: usize, v: &PanelResults<'_>, to: &mut Part) {
        to.iter_mut().zip(v.part(part)).for_each(|(to, v)| *to += v);
    }
}

struct Gated;

impl Put for Gated {
    #[inline(always)]
    fn put(&self, _: usize, part: usize, v: &PanelResults<'_>, to: &mut Part) {
        let (gate, up) = (v.part(part), v.part(part + PANEL / 2 / LANES));
        for (to, (gate, up)) in to.iter_mut().zip(gate.iter().zip(up)) {
            *to = gate / (1.0 + exp(-gate)) * up;
        }
    }
}

struct Scattered<'a> {
    rows: &'a [u32],
    weights: &'a [f32],
}

impl Put for Scattered<'_> {
    #[inline(always)]
    fn row(&self, row: usize) -> Option<usize> {
        Some(self.rows[row] as usize)
    }
    #[inline(always)]
    fn put(&self, row: usize, part: usize, v: &PanelResults<'_>, to: &mut Part) {
        let weight = self.weights[row];
        to.iter_mut()
            .zip(v.part(part))
            .for_each(|(to, v)| *to += weight * v);
    }
}

/// So many rows before they are finished those of the output are fetched.
const AHEAD: usize = 3;

struct SummedRows<'a> {
    ends: &'a [PanelEnd],
    which: FinishedRows,
    /// `[panels, rows]`
    sums: &'a [[f32; PANEL]],
    out: &'a Shared<'a, f32>,
}

impl SummedRows<'_> {
    /// Of panels that have up to `WIDTH` columns of the output.
    #[inline(always)]
    fn finish<const WIDTH: usize>(&self, finish: &impl Put) {
        let rows = self.sums.len() / self.ends.len().max(1);
        for i in 0..rows {
            let row = self.which.index + i;
            let first = finish.row(row).unwrap_or(self.which.to + i) * self.which.width;
            for (end, sums) in self.ends.iter().zip(self.sums.chunks(rows)) {
                if i + AHEAD < rows {
                    let ahead = finish.row(row + AHEAD).unwrap_or(self.which.to + i + AHEAD);
                    self.out
                        .fetch(ahead * self.which.width + end.first_column, end.columns);
                }
                let v = PanelResults {
                    sums: &sums[i],
                    end,
                };
                // SAFETY: the caller of `finish_rows` promises that nobody else touches them.
                let to = unsafe { self.out.part(first + end.first_column, end.columns) };
                let mut room = [0.0; WIDTH];
                // Whole panels have a length that is known, so that they are vectors throughout.
                let whole = match <&mut [f32; WIDTH]>::try_from(&mut *to) {
                    Ok(whole) => whole,
                    Err(_) => {
                        room[..end.columns].copy_from_slice(to);
                        &mut room
                    }
                };
                for (part, to) in whole.as_chunks_mut().0.iter_mut().enumerate() {
                    finish.put(row, part, &v, to);
                }
                if end.columns < WIDTH {
                    to.copy_from_slice(&room[..end.columns]);
                }
            }
        }
    }
}

/// What a row gave in a panel.
struct PanelResults<'a> {
    sums: &'a [f32; PANEL],
    end: &'a PanelEnd,
}

impl PanelResults<'_> {
    /// Those of rows `16 part..` of the panel.
    #[inline(always)]
    fn part(&self, part: usize) -> Part {
        let at = part * LANES..(part + 1) * LANES;
        let mut v = [0.0; LANES];
        let scaled = self.sums[at.clone()]
            .iter()
            .zip(&self.end.scales[at.clone()]);
        for (v, (sum, scale)) in v.iter_mut().zip(scaled) {
            *v = sum * scale;
        }
        if let Some(bias) = &self.end.bias {
            v.iter_mut().zip(&bias[at]).for_each(|(v, bias)| *v += bias);
        }
        v
    }
}

/// `eˣ` within 2 units in the last place for |x| < 87, clamped outside: `2ⁿ` times the polynomial of Cephes' `expf`
/// (Moshier, netlib.org/cephes) on the rest, |r| ≤ ln 2 / 2. Made of operations that every processor rounds alike.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut y = 1.987_569_1e-4_f32;
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        y = y.mul_add(r, c);
    }
    let y = (y * r).mul_add(r, r) + 1.0;
    let power = rounded
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    y * f32::from_bits(power)
}
