//! How far a cell's row has moved since it was last asked; only for backends that claim `DIVERGENCE`.

use std::collections::HashMap;

use unmask_sdk::{Cell, TokenId};

/// Rows of logits by slot and cell.
#[derive(Default)]
pub(crate) struct Remembered {
    rows: HashMap<(u32, Cell), Vec<f32>>,
}

impl Remembered {
    /// `Σ p ln(p / p₀)` of `logits` and those remembered for the slot and the cell, which `logits` replace, among the ids that
    /// are not `banned`, ascending; infinite if there were none, as for a token without a cell.
    pub(crate) fn replace(
        &mut self,
        place: (u32, Cell),
        logits: &[f32],
        banned: &[TokenId],
    ) -> f64 {
        let earlier = match place.1 {
            Cell::NONE => None,
            _ => self.rows.insert(place, logits.to_vec()),
        };
        earlier.map_or(f64::INFINITY, |earlier| {
            divergence(&allowed(logits, banned), &allowed(&earlier, banned))
        })
    }

    /// With the cells of slot `from` copied to slot `to`.
    pub(crate) fn copy(&mut self, from: u32, to: u32) {
        let rows = self.rows.iter().filter(|((slot, _), _)| *slot == from);
        let copies: Vec<_> = rows
            .map(|(&(_, cell), row)| ((to, cell), row.clone()))
            .collect();
        self.clear(to);
        self.rows.extend(copies);
    }

    /// With the cells of a slot forgotten.
    pub(crate) fn clear(&mut self, slot: u32) {
        self.rows.retain(|(other, _), _| *other != slot);
    }
}

fn allowed(logits: &[f32], banned: &[TokenId]) -> Vec<f32> {
    let ids = logits.iter().zip(0..);
    let is_allowed = |&(_, id): &(&f32, u32)| banned.binary_search(&TokenId(id)).is_err();
    ids.filter(is_allowed).map(|(&logit, _)| logit).collect()
}

fn divergence(now: &[f32], earlier: &[f32]) -> f64 {
    let (p, q) = (log_softmax(now), log_softmax(earlier));
    let parts = p.zip(q).map(|(p, q)| p.exp() * (p - q));
    parts.sum::<f64>().max(0.0)
}

fn log_softmax(row: &[f32]) -> impl Iterator<Item = f64> + '_ {
    let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let below = move |logit: &f32| f64::from(*logit) - f64::from(best);
    let sum: f64 = row.iter().map(|logit| below(logit).exp()).sum();
    row.iter().map(move |logit| below(logit) - sum.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_held_against_the_one_before_it_in_its_cell() {
        let mut remembered = Remembered::default();
        let place = (0, Cell(3));
        let (even, odd) = ([0.0, 0.0], [3.0_f32.ln(), 0.0]);
        assert_eq!(remembered.replace(place, &even, &[]), f64::INFINITY);
        assert_eq!(remembered.replace(place, &even, &[]), 0.0);
        // Of three to one from one to one: 3/4 ln(3/2) + 1/4 ln(1/2).
        let expected = 0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln();
        assert!((remembered.replace(place, &odd, &[]) - expected).abs() < 1e-6);
        let alone = remembered.replace(place, &even, &[TokenId(0)]);
        assert_eq!(
            alone, 0.0,
            "what alone is allowed is certain before and after"
        );
        assert_eq!(
            remembered.replace((0, Cell::NONE), &odd, &[]),
            f64::INFINITY
        );
    }

    #[test]
    fn slots_are_copied_and_cleared() {
        let mut remembered = Remembered::default();
        remembered.replace((0, Cell(1)), &[1.0, 2.0], &[]);
        remembered.replace((1, Cell(2)), &[1.0, 2.0], &[]);
        remembered.copy(0, 1);
        let known: Vec<bool> = [1, 2]
            .map(|cell| remembered.rows.contains_key(&(1, Cell(cell))))
            .into();
        assert_eq!(known, [true, false]);
        remembered.clear(0);
        assert_eq!(remembered.rows.len(), 1);
    }
}
