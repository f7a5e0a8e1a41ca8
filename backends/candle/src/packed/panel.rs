//! A panel of a matrix as it is packed, and what it loses by that.

use unmask_kernels::{Error, Layout, PANEL, Pool, Source, pack_panel};

/// One row of so many is compared with what it was packed from.
const SAMPLE: usize = 16;

/// A packed panel, and what some of its rows have lost.
pub(super) struct Panel {
    pub(super) bytes: Vec<u8>,
    pub(super) lost: Lost,
    pub(super) result: Result<(), Error>,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            lost: Lost::default(),
            result: Ok(()),
        }
    }
}

impl Panel {
    pub(super) fn pack(&mut self, pool: &Pool, layout: Layout, source: &Source<'_>, panel: usize) {
        self.bytes.resize(layout.panel_bytes(), 0);
        let packed = pack_panel(pool, layout, source, panel, &mut self.bytes);
        self.result = packed.and_then(|()| {
            self.lost = Lost::of(layout, source, panel, &self.bytes)?;
            Ok(())
        });
    }
}

/// What some rows have lost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lost {
    /// Of each row the mean error as a share of its ordinary magnitude: the square of the mean root, which a few large numbers
    /// hardly move, so that they cannot hide that all others are gone.
    shares: f64,
    rows: u32,
}

impl Lost {
    /// Of every [`SAMPLE`]th row of a panel.
    fn of(layout: Layout, source: &Source<'_>, panel: usize, bytes: &[u8]) -> Result<Self, Error> {
        let mut lost = Self::default();
        let (mut right, mut got) = (vec![0.0; layout.k()], vec![0.0; layout.k()]);
        for at in (0..PANEL).step_by(SAMPLE) {
            let Some(row) = layout.source_row(panel, at) else {
                continue;
            };
            source.read_row(row, &mut right)?;
            layout.read_panel_row(bytes, at, &mut got)?;
            let off: f32 = right.iter().zip(&got).map(|(a, b)| (a - b).abs()).sum();
            let roots: f32 = right.iter().map(|x| x.abs().sqrt()).sum();
            let ordinary = roots * roots / layout.k() as f32;
            if ordinary > 0.0 {
                lost.shares += f64::from(off / ordinary);
            }
            lost.rows += 1;
        }
        Ok(lost)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.shares += other.shares;
        self.rows += other.rows;
    }

    pub(super) fn mean(self) -> f32 {
        (self.shares / f64::from(self.rows.max(1))) as f32
    }
}
