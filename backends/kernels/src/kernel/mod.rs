//! The innermost loops, one file for each instruction set.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod portable;
#[cfg(target_arch = "x86_64")]
mod unpack;

use crate::InstructionSet;
use crate::activations::{Activations, RUN};
#[cfg(target_arch = "x86_64")]
use crate::matrix::GROUP;
use crate::matrix::{Format, Matrix, PANEL};
use crate::scratch::KernelScratch;

/// Some rows of activations times some groups of a panel.
pub(crate) struct Block<'a> {
    pub(crate) x: &'a Activations,
    /// First row and number of rows.
    pub(crate) rows: (usize, usize),
    pub(crate) w: &'a Matrix<'a>,
    pub(crate) panel: usize,
    /// First group and the one past the last.
    pub(crate) groups: (usize, usize),
    /// Packed bytes that are needed next, to be fetched meanwhile.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "no other kernel fetches ahead")
    )]
    pub(crate) next: &'a [u8],
}

/// Of a row's sums of a group.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Default)]
struct OfGroup {
    scale: f32,
    correction: i32,
    /// Whether they go on from the group before, which has the same scale.
    goes_on: bool,
    /// Whether they are to be scaled now: nibbles always, since the next group has other scales by column.
    ends: bool,
}

impl Block<'_> {
    /// What a row's sums of a group are to be finished with.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn of_group(&self, row: usize, group: usize) -> OfGroup {
        let bytes = self.w.layout().format() == Format::Int8;
        let at = row * self.x.row_groups() + group;
        let of = &self.x.groups[at];
        OfGroup {
            scale: of.scale,
            correction: of.correction,
            goes_on: bytes && !group.is_multiple_of(RUN) && self.x.groups[at - 1].end == 0,
            ends: !bytes || of.end != 0,
        }
    }

    /// The packed bytes of up to `many` groups after `group`, or those that come first when this block is done.
    #[cfg(target_arch = "x86_64")]
    fn packed_after(&self, group: usize, many: usize) -> &[u8] {
        let (layout, first) = (self.w.layout(), group + 1);
        let last = self.groups.1.min(first + many) - 1;
        match first <= last {
            true => &self.w.panel(self.panel)[layout.group_at(first)..layout.group_end(last)],
            false => &self.next[..self.next.len().min(many * GROUP * PANEL)],
        }
    }

    /// Adds to `sums`, `[rows, 64]`, or sets them if the first group is 0: `Σ scale · Σ integer · integer`, the inner sum over a
    /// group, or of bytes over the groups of a run with one scale, exact in 32 bits, the outer one in their order with fused
    /// multiply-add. So results depend neither on the number of rows nor on the instruction set.
    ///
    /// # Safety
    /// The set must be a pool's.
    pub(crate) unsafe fn add_to(
        &self,
        set: InstructionSet,
        sums: &mut [f32],
        #[cfg_attr(
            not(target_arch = "x86_64"),
            expect(unused_variables, reason = "no other kernel needs it")
        )]
        scratch: &mut KernelScratch,
    ) {
        let (first, rows) = self.rows;
        let layout = self.w.layout();
        assert!(rows > 0 && first + rows <= self.x.m(), "the rows are there");
        assert!(
            self.x.k() == layout.k() && self.groups.1 <= layout.groups(),
            "the columns are there"
        );
        assert!(sums.len() == rows * PANEL, "the sums fit");
        let is_border = |group: usize| group.is_multiple_of(RUN) || group == layout.groups();
        assert!(
            (is_border(self.groups.0) && is_border(self.groups.1))
                || layout.format() == Format::Int4,
            "runs are whole"
        );
        assert!(self.panel < layout.panels(), "the panel is there");
        // AVX-512 does not need it, and it takes 1 % of its time.
        #[cfg(target_arch = "x86_64")]
        let sets_all = set == InstructionSet::Avx512;
        #[cfg(not(target_arch = "x86_64"))]
        let sets_all = false;
        if self.groups.0 == 0 && !sets_all {
            sums.fill(0.0);
        }
        match set {
            InstructionSet::Portable => portable::add(self, sums),
            // SAFETY: the set was acquired for the pool, and what the kernels rely on was just tested, here and below.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { avx2::add(self, sums, &mut scratch.wide) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::AvxVnni => unsafe { avx_vnni::add(self, sums, &mut scratch.carried) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Amx if rows >= amx::ROWS => unsafe {
                amx::add(self, sums, &mut scratch.carried)
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 | InstructionSet::Amx => unsafe { avx512::add(self, sums) },
        }
    }
}

/// Rows cut into as few tiles as their greatest height allows, of nearly the same height: first row and rows of each.
#[cfg(target_arch = "x86_64")]
struct Tiles {
    next: usize,
    rows: usize,
    left: usize,
}

#[cfg(target_arch = "x86_64")]
impl Tiles {
    fn of(rows: usize, height: usize) -> Self {
        Self {
            next: 0,
            rows,
            left: rows.div_ceil(height),
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Iterator for Tiles {
    type Item = (usize, usize);
    fn next(&mut self) -> Option<(usize, usize)> {
        let first = self.next;
        let rows = (self.rows - first).div_ceil(self.left.max(1));
        self.next += rows;
        self.left = self.left.saturating_sub(1);
        (rows > 0).then_some((first, rows))
    }
}
