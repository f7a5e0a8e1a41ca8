//! How much one pass may compute.

/// Positions that a pass computes at most: more gain nothing on any device, and delay whoever is next.
const MOST_COMPUTED: usize = 2_048;
/// Logits that it leaves at most, in bytes.
const MOST_OUTPUT_BYTES: usize = 256 << 20;

/// What is left of a pass. The first question always fits.
pub(super) struct PassBudget {
    questions: usize,
    vocab: usize,
    taken: usize,
    computed: usize,
    wanted: usize,
}

impl PassBudget {
    /// For so many questions at most.
    pub(super) fn new(questions: usize, vocab: usize) -> Self {
        Self {
            questions,
            vocab,
            taken: 0,
            computed: 0,
            wanted: 0,
        }
    }

    /// Takes a question in if there is room for it: so many positions to be computed, so many rows of logits to be read.
    pub(super) fn takes(&mut self, computed: usize, wanted: usize) -> bool {
        let (computed, wanted) = (self.computed + computed, self.wanted + wanted);
        let output_bytes = wanted * self.vocab * size_of::<f32>();
        let fits = self.taken < self.questions
            && computed <= MOST_COMPUTED
            && output_bytes <= MOST_OUTPUT_BYTES;
        if self.taken > 0 && !fits {
            return false;
        }
        (self.taken, self.computed, self.wanted) = (self.taken + 1, computed, wanted);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of questions of `(computed, wanted)` a pass takes.
    fn taken(most: usize, vocab: usize, questions: &[(usize, usize)]) -> Vec<bool> {
        let mut budget = PassBudget::new(most, vocab);
        let take = |&(computed, wanted): &(usize, usize)| budget.takes(computed, wanted);
        questions.iter().map(take).collect()
    }

    #[test]
    fn the_first_fits_and_others_while_there_is_room() {
        assert_eq!(taken(2, 16, &[(8, 4), (8, 4), (8, 4)]), [true, true, false]);
        assert_eq!(taken(4, 16, &[(5_000, 4), (8, 4)]), [true, false]);
        assert_eq!(
            taken(4, 16, &[(1_500, 4), (600, 4), (548, 4)]),
            [true, false, true]
        );
        // 400 rows of 126,464 logits are 193 MiB.
        let vocab = 126_464;
        assert_eq!(
            taken(4, vocab, &[(500, 400), (200, 200), (200, 100)]),
            [true, false, true]
        );
    }
}
