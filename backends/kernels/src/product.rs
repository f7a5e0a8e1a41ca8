//! `y[m, n] = x[m, k] W[n, k]ᵀ`: the loops around the kernels.

use std::ops::Range;

use crate::activations::Activations;
#[cfg(target_arch = "x86_64")]
use crate::activations::RUN;
use crate::aligned::Shared;
use crate::epilogue::{Epilogue, FinishedRows, PanelEnd, finish_rows};
use crate::error::{Error, same};
use crate::kernel::Block;
#[cfg(target_arch = "x86_64")]
use crate::kernel::avx512::{UNPACK_GROUPS, UNPACK_ROWS};
#[cfg(target_arch = "x86_64")]
use crate::matrix::{Format, GROUP};
use crate::matrix::{Layout, Matrix, PANEL};
use crate::scratch::{Scratch, with_scratch};
use crate::{InstructionSet, Pool};

/// Rows of activations at once.
const ROWS: usize = 384;
/// Bytes of activations that stay in L2 beside packed weights.
#[cfg(target_arch = "x86_64")]
const RESIDENT: usize = 1 << 20;

/// Multiplies on all threads. `out` is `[m, n]`, row after row; `[m, n / 2]` for gate and up; for [`Finish::ScatterAdd`](crate::Finish::ScatterAdd) as
/// many rows as it has.
///
/// # Errors
/// If a size does not fit another; nothing is written then.
pub fn product(
    pool: &Pool,
    x: &Activations,
    w: &Matrix<'_>,
    epilogue: &Epilogue<'_>,
    out: &mut [f32],
) -> Result<(), Error> {
    let layout = w.layout();
    same("columns", x.k(), layout.k())?;
    epilogue.check(layout, x.m(), out.len())?;
    let out = Shared::new(out);
    let panels = layout.panels();
    let step = (panels / (pool.threads() * 8)).clamp(1, 8);
    pool.run_streams(panels.div_ceil(step), |job| {
        let panels = job * step..panels.min((job + 1) * step);
        let after = if panels.end < layout.panels() {
            w.panel(panels.end)
        } else {
            &[]
        };
        let part = PanelProducts {
            x,
            rows: 0..x.m(),
            w,
            panels,
            epilogue,
            to: 0,
            after,
        };
        // SAFETY: each panel is given to one job, and a panel's columns are touched by no other; sizes were checked.
        with_scratch(|scratch| unsafe { part.multiply(pool.set(), &out, scratch) });
    });
    Ok(())
}

/// Some rows of activations times some panels.
pub(crate) struct PanelProducts<'a> {
    pub(crate) x: &'a Activations,
    pub(crate) rows: Range<usize>,
    pub(crate) w: &'a Matrix<'a>,
    pub(crate) panels: Range<usize>,
    pub(crate) epilogue: &'a Epilogue<'a>,
    /// The row of the output that the first row goes to, if the epilogue does not say it.
    pub(crate) to: usize,
    /// Packed bytes that are needed next.
    pub(crate) after: &'a [u8],
}

impl PanelProducts<'_> {
    /// # Safety
    /// The set must be available, the epilogue checked for these rows, and no other thread touch the panels' columns of these
    /// rows of `out` meanwhile.
    pub(crate) unsafe fn multiply(
        &self,
        set: InstructionSet,
        out: &Shared<'_, f32>,
        scratch: &mut Scratch,
    ) {
        let (x, w, layout) = (self.x, self.w, self.w.layout());
        for first in self.rows.clone().step_by(ROWS) {
            let rows = ROWS.min(self.rows.end - first);
            let plan = Plan::of(set, x, rows, layout);
            scratch.sums.resize(self.panels.len() * rows * PANEL);
            // Outside, so that activations stay in L2 for all panels; inside, so that packed bytes stay there for all rows.
            for outer in (0..layout.groups()).step_by(plan.outer) {
                let end = layout.groups().min(outer + plan.outer);
                for (panel, sums) in self
                    .panels
                    .clone()
                    .zip(scratch.sums.chunks_mut(rows * PANEL))
                {
                    for inner in (outer..end).step_by(plan.inner) {
                        let groups = (inner, end.min(inner + plan.inner));
                        let next = self.next(&plan, panel, groups, (outer, end));
                        let block = Block {
                            x,
                            rows: (first, rows),
                            w,
                            panel,
                            groups,
                            next,
                        };
                        // SAFETY: the set is available.
                        unsafe { block.add_to(set, sums, &mut scratch.kernel) };
                    }
                }
            }
            let ends = self
                .panels
                .clone()
                .map(|panel| PanelEnd::of(w, self.epilogue, panel));
            scratch.ends.clear();
            scratch.ends.extend(ends);
            let rows = FinishedRows {
                index: first - self.rows.start,
                to: first - self.rows.start + self.to,
                width: layout.width(),
            };
            // SAFETY: the set is available; the rest is promised by the caller.
            unsafe {
                finish_rows(
                    set,
                    &scratch.ends,
                    &self.epilogue.finish,
                    rows,
                    &scratch.sums,
                    out,
                )
            };
        }
    }

    /// The packed bytes of the block that comes after this one.
    fn next(
        &self,
        plan: &Plan,
        panel: usize,
        groups: (usize, usize),
        outer: (usize, usize),
    ) -> &[u8] {
        let layout = self.w.layout();
        let (panel, first) = if groups.1 < outer.1 {
            (panel, groups.1)
        } else if panel + 1 < self.panels.end {
            (panel + 1, outer.0)
        } else if outer.1 < layout.groups() {
            (self.panels.start, outer.1)
        } else {
            let block = layout.group_at(plan.inner.min(layout.groups()));
            return &self.after[..block.min(self.after.len())];
        };
        let last = layout.groups().min(first + plan.inner);
        &self.w.panel(panel)[layout.group_at(first)..layout.group_end(last - 1)]
    }
}

/// How many groups are multiplied at once, of bytes whole runs.
struct Plan {
    outer: usize,
    inner: usize,
}

impl Plan {
    #[cfg(target_arch = "x86_64")]
    fn of(set: InstructionSet, x: &Activations, rows: usize, layout: Layout) -> Self {
        let groups = layout.groups();
        let (outer, inner) = match set {
            InstructionSet::Amx if rows * x.stride > RESIDENT => {
                let fit = (RESIDENT / (rows * GROUP)).max(8) / RUN * RUN;
                (fit, fit)
            }
            // One tile of rows is a plain stream of weights.
            InstructionSet::Avx512 if rows > 6 => match layout.format() {
                Format::Int4 if rows >= UNPACK_ROWS => (
                    groups,
                    if rows > 48 {
                        UNPACK_GROUPS
                    } else {
                        UNPACK_GROUPS / 4
                    },
                ),
                _ => (groups, if rows > 48 { 8 } else { 4 }),
            },
            _ => (groups, groups),
        };
        Self { outer, inner }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of(_: InstructionSet, _: &Activations, _: usize, layout: Layout) -> Self {
        Self {
            outer: layout.groups(),
            inner: layout.groups(),
        }
    }
}
