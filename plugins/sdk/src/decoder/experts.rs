//! Layers of experts: which of them a token uses, and how much of each.

use std::cmp::Ordering;

use super::GatedSpec;

/// `Σ weight(e) expert_e(h) (+ shared(h))` over the experts that the router chooses.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpertsSpec {
    /// Who chooses.
    pub router: RouterSpec,
    /// All of one size.
    pub experts: Vec<GatedSpec>,
    /// Used by every token.
    pub shared: Option<GatedSpec>,
}

/// How experts are chosen, in `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterSpec {
    /// The tensor of its matrix, `[experts, width]`.
    pub weight: String,
    /// The tensor that is added to the scores, `[experts]`.
    pub bias: Option<String>,
    /// What becomes of the matrix's results.
    pub score: Score,
    /// The bias counts for the choice and not for the weights.
    pub bias_chooses_only: bool,
    /// In which groups experts are looked for.
    pub groups: Option<GroupRule>,
    /// Experts of a token.
    pub chosen: usize,
    /// The weights of a token are divided by their sum.
    pub is_normalised: bool,
    /// Weights are multiplied by it.
    pub scale: f32,
}

/// What becomes of a router's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// Shares of all experts.
    Softmax,
    /// Each by itself.
    Sigmoid,
}

/// Experts are taken from those groups whose two best scores sum to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupRule {
    /// Groups of equal size.
    pub count: usize,
    /// Groups that are kept.
    pub kept: usize,
}

impl RouterSpec {
    /// Replaces `chosen` by the experts of a token, each with its weight, the best first; of equal ones the first. `results` are
    /// the products of the router's matrix, which are changed, and `bias` is what it adds, `[experts]` each.
    pub fn choose(&self, results: &mut [f32], bias: Option<&[f32]>, chosen: &mut Vec<(u32, f32)>) {
        self.score.apply(results);
        let added = |expert: usize| bias.map_or(0.0, |bias| bias[expert]);
        let ranked = |expert: usize| results[expert] + added(expert);
        let weight = |expert: usize| match self.bias_chooses_only {
            true => results[expert],
            false => ranked(expert),
        };
        chosen.clear();
        let keep = |experts: std::ops::Range<usize>, chosen: &mut Vec<(u32, f32)>| {
            chosen.extend(experts.map(|expert| (expert as u32, ranked(expert))));
        };
        match self.groups {
            None => keep(0..results.len(), chosen),
            Some(groups) => {
                let size = results.len() / groups.count;
                let score = |group: usize| {
                    let (mut best, mut next) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
                    for rank in (group * size..(group + 1) * size).map(ranked) {
                        if rank > best {
                            (best, next) = (rank, best);
                        } else if rank > next {
                            next = rank;
                        }
                    }
                    best + next
                };
                // In the room of what is chosen: group and score.
                chosen.extend((0..groups.count).map(|group| (group as u32, score(group))));
                chosen.sort_unstable_by(best_first);
                chosen.truncate(groups.kept);
                let kept = chosen.len();
                for at in 0..kept {
                    let first = chosen[at].0 as usize * size;
                    keep(first..first + size, chosen);
                }
                chosen.drain(..kept);
            }
        }
        // No two are equal, so that none needs the memory of a stable sort.
        if self.chosen < chosen.len() {
            chosen.select_nth_unstable_by(self.chosen, best_first);
            chosen.truncate(self.chosen);
        }
        chosen.sort_unstable_by(best_first);
        let mut total = 0.0;
        for (expert, share) in &mut *chosen {
            *share = weight(*expert as usize);
            total += *share;
        }
        let scale = match self.is_normalised {
            true => self.scale / (total + 1e-20),
            false => self.scale,
        };
        for (_, share) in chosen {
            *share *= scale;
        }
    }
}

/// By what they are worth, then by number.
fn best_first(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Score {
    fn apply(self, results: &mut [f32]) {
        match self {
            Self::Sigmoid => {
                for result in results {
                    *result = 1.0 / (1.0 + (-*result).exp());
                }
            }
            Self::Softmax => {
                let peak = results.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut total = 0.0;
                for result in &mut *results {
                    *result = (*result - peak).exp();
                    total += *result;
                }
                for result in results {
                    *result /= total;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> RouterSpec {
        RouterSpec {
            weight: String::new(),
            bias: None,
            score: Score::Sigmoid,
            bias_chooses_only: true,
            groups: None,
            chosen: 2,
            is_normalised: false,
            scale: 1.0,
        }
    }

    #[track_caller]
    fn check(router: &RouterSpec, results: &[f32], bias: &[f32], expected: &[(u32, f32)]) {
        let mut chosen = vec![(7, 7.0)];
        router.choose(&mut results.to_vec(), Some(bias), &mut chosen);
        let experts = |list: &[(u32, f32)]| list.iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(experts(&chosen), experts(expected));
        for (got, right) in chosen.iter().zip(expected) {
            assert!((got.1 - right.1).abs() < 1e-6, "{chosen:?}");
        }
    }

    fn sigmoid(x: f32) -> f32 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn the_best_experts_are_chosen_and_of_equal_ones_the_first() {
        let none = [0.0; 4];
        let (one, zero) = (sigmoid(1.0), sigmoid(0.0));
        check(
            &router(),
            &[0.0, 1.0, 0.0, 0.0],
            &none,
            &[(1, one), (0, zero)],
        );
    }

    #[test]
    fn a_bias_may_choose_without_counting() {
        let bias = [0.0, 0.0, 1.0, 0.0];
        let results = [0.5, 0.0, 0.0, 0.0];
        let (half, zero) = (sigmoid(0.5), sigmoid(0.0));
        check(&router(), &results, &bias, &[(2, zero), (0, half)]);
        let counting = RouterSpec {
            bias_chooses_only: false,
            ..router()
        };
        check(&counting, &results, &bias, &[(2, zero + 1.0), (0, half)]);
    }

    #[test]
    fn groups_are_kept_by_the_sum_of_their_two_best() {
        let groups = RouterSpec {
            groups: Some(GroupRule { count: 2, kept: 1 }),
            ..router()
        };
        // The best expert is in the first group, the better pair in the second.
        let results = [3.0, -9.0, 1.5, 1.0];
        let (more, less) = (sigmoid(1.5), sigmoid(1.0));
        check(&groups, &results, &[0.0; 4], &[(2, more), (3, less)]);
    }

    #[test]
    fn weights_sum_to_the_scale_where_they_are_normalised() {
        let normalised = RouterSpec {
            score: Score::Softmax,
            is_normalised: true,
            scale: 2.5,
            ..router()
        };
        check(
            &normalised,
            &[2.0, 2.0, 0.0, 0.0],
            &[0.0; 4],
            &[(0, 1.25), (1, 1.25)],
        );
    }
}
