//! How much one pass may compute.

use crate::scorer::Question;

/// Positions that a pass feeds at most: more gain nothing on any device, and delay whoever is next.
const MOST_FED: usize = 2_048;
/// Logits that it leaves at most, in bytes.
const MOST_OUTPUT_BYTES: usize = 256 << 20;

/// What is left of a pass. The first question always fits.
pub(super) struct PassBudget {
    questions: usize,
    vocab: usize,
    taken: usize,
    fed: usize,
    wanted: usize,
}

impl PassBudget {
    /// For so many questions at most.
    pub(super) fn new(questions: usize, vocab: usize) -> Self {
        Self {
            questions,
            vocab,
            taken: 0,
            fed: 0,
            wanted: 0,
        }
    }

    /// Takes a question in if there is room for it.
    pub(super) fn takes(&mut self, question: &Question<'_>) -> bool {
        let rows = if question.guidance.is_some() { 2 } else { 1 };
        let fed = self.fed + rows * question.fed.len();
        let wanted = self.wanted + rows * question.wanted.len();
        let output_bytes = wanted * self.vocab * size_of::<f32>();
        let fits =
            self.taken < self.questions && fed <= MOST_FED && output_bytes <= MOST_OUTPUT_BYTES;
        if self.taken > 0 && !fits {
            return false;
        }
        (self.taken, self.fed, self.wanted) = (self.taken + 1, fed, wanted);
        true
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::{Position, TokenId};

    use super::*;

    /// Which of questions of `(fed, wanted)` a pass takes.
    fn taken(most: usize, vocab: usize, questions: &[(usize, usize)]) -> Vec<bool> {
        let mut budget = PassBudget::new(most, vocab);
        let take = |&(fed, wanted): &(usize, usize)| {
            budget.takes(&Question {
                tokens: &vec![TokenId(1); fed],
                guidance: None,
                padding: 0,
                fed: 0..fed,
                wanted: &vec![Position(0); wanted],
                shadow: None,
            })
        };
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

    #[test]
    fn guidance_counts_twice() {
        let tokens = vec![TokenId(1); 1_100];
        let guided = Question {
            tokens: &tokens,
            guidance: Some((&tokens, 1.0)),
            padding: 0,
            fed: 0..1_100,
            wanted: &[],
            shadow: None,
        };
        let plain = Question {
            guidance: None,
            fed: 0..1_000,
            ..guided.clone()
        };
        let mut budget = PassBudget::new(4, 16);
        assert!(budget.takes(&plain));
        assert!(!budget.takes(&guided));
        assert!(budget.takes(&plain));
    }
}
