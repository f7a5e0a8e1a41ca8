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
        let rows = sums.len() / PANEL / ends.len().max(1);
        for i in 0..rows {
            let row = which.index + i;
            let to = match finish {
                Finish::ScatterAdd { rows, .. } => rows[row] as usize,
                Finish::Store | Finish::Add | Finish::SwiGlu => which.to + i,
            };
            for (end, sums) in ends.iter().zip(sums.as_chunks::<PANEL>().0.chunks(rows)) {
                // SAFETY: promised by the caller.
                let to = unsafe { out.part(to * which.width + end.first_column, end.columns) };
                finish_row(&sums[i], end, finish, row, to);
            }
        }
    }
}

/// Finishes the `sums` of row `row` in a panel; `to` are the panel's columns of a row.
#[inline(always)]
fn finish_row(
    sums: &[f32; PANEL],
    end: &PanelEnd,
    finish: &Finish<'_>,
    row: usize,
    to: &mut [f32],
) {
    let mut v: [f32; PANEL] = std::array::from_fn(|i| sums[i] * end.scales[i]);
    if let Some(bias) = &end.bias {
        v.iter_mut().zip(bias).for_each(|(v, bias)| *v += bias);
    }
    // Whole panels have a length that is known, so that they are vectors throughout.
    match <&mut [f32; PANEL]>::try_from(&mut *to) {
        Ok(whole) => put(&v, finish, row, whole),
        Err(_) => put(&v, finish, row, to),
    }
}

#[inline(always)]
fn put(v: &[f32; PANEL], finish: &Finish<'_>, row: usize, to: &mut [f32]) {
    match finish {
        Finish::Store => to.iter_mut().zip(v).for_each(|(to, v)| *to = *v),
        Finish::Add => to.iter_mut().zip(v).for_each(|(to, v)| *to += v),
        Finish::SwiGlu => {
            let (gate, up) = v.split_at(PANEL / 2);
            let mut product = [0f32; PANEL / 2];
            for (product, (gate, up)) in product.iter_mut().zip(gate.iter().zip(up)) {
                *product = gate / (1.0 + exp(-gate)) * up;
            }
            to.iter_mut()
                .zip(&product)
                .for_each(|(to, product)| *to = *product);
        }
        Finish::ScatterAdd { weights, .. } => {
            let weight = weights[row];
            to.iter_mut().zip(v).for_each(|(to, v)| *to += weight * v);
        }
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
