use std::collections::{BTreeMap, BTreeSet};

use unmask_core::{Canvas, Position, TokenId};

/// What the user wants to be otherwise on a canvas, by offsets in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// To be masked again.
    pub remasked: BTreeSet<usize>,
    /// To be fixed as these tokens.
    pub pinned: BTreeMap<usize, TokenId>,
    /// To be fixed no more.
    pub unpinned: BTreeSet<usize>,
}

impl Patch {
    /// True if nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Marks a token to be masked again.
    pub fn remask(&mut self, offset: usize) {
        self.pinned.remove(&offset);
        self.unpinned.remove(&offset);
        self.remasked.insert(offset);
    }

    /// Fixes a token.
    pub fn pin(&mut self, offset: usize, token: TokenId) {
        self.remasked.remove(&offset);
        self.unpinned.remove(&offset);
        self.pinned.insert(offset, token);
    }

    /// The canvas as it is wanted; what lies beyond its end, since it grew later, is left out.
    #[must_use]
    pub fn applied(&self, canvas: &Canvas) -> Canvas {
        let mut wanted = canvas.clone();
        let at = |offset: usize| Position((canvas.answer_start() + offset) as u32);
        let length = canvas.answer().len();
        for &offset in self.remasked.range(..length) {
            wanted.remask(at(offset));
        }
        for &offset in self.unpinned.range(..length) {
            let token = wanted.remask(at(offset));
            wanted.commit(at(offset), token);
        }
        for (&offset, &token) in self.pinned.range(..length) {
            wanted.pin(at(offset), token);
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_masks_pins_and_lets_go() {
        let mut canvas = Canvas::new(&[TokenId(9)], 3, TokenId(0));
        canvas.commit(Position(1), TokenId(5));
        canvas.commit(Position(2), TokenId(6));
        canvas.pin(Position(3), TokenId(7));
        let mut patch = Patch::default();
        assert!(patch.is_empty());
        patch.pin(0, TokenId(8));
        patch.remask(0);
        patch.remask(1);
        patch.pin(1, TokenId(4));
        patch.unpinned.insert(2);
        let wanted = patch.applied(&canvas);
        let tokens: Vec<u32> = wanted.tokens().iter().map(|token| token.0).collect();
        assert_eq!(tokens, [9, 0, 4, 7]);
        let given: Vec<bool> = (0..4).map(|at| wanted.is_given(Position(at))).collect();
        assert_eq!(given, [true, false, true, false]);
    }

    #[test]
    fn what_lies_beyond_a_shorter_canvas_is_left_out() {
        let canvas = Canvas::new(&[TokenId(9)], 2, TokenId(0));
        let mut patch = Patch::default();
        patch.remask(2);
        patch.pin(3, TokenId(4));
        patch.unpinned.insert(4);
        assert_eq!(patch.applied(&canvas), canvas);
    }
}
