//! What is asked, in which order.

use crate::cases::{CASES, Case};
use crate::report::Trial;

/// Every precision with every case: first whether the model loads in it, then what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    precisions: Vec<String>,
}

/// One thing that is asked.
#[derive(Debug, Clone, Copy)]
pub struct PlannedTrial<'a> {
    /// Of the weights.
    pub precision: &'a str,
    /// `None` asks whether the model loads.
    pub case: Option<&'static Case>,
}

impl PlannedTrial<'_> {
    /// The case's name; [`Trial::LOADING`] if there is none.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.case.map_or(Trial::LOADING, |case| case.name)
    }
}

impl Grid {
    /// Questions to each precision.
    const EACH: usize = CASES.len() + 1;

    /// Of these precisions.
    #[must_use]
    pub fn of(precisions: impl IntoIterator<Item = String>) -> Self {
        Self {
            precisions: precisions.into_iter().collect(),
        }
    }

    /// The precisions, in their order.
    #[must_use]
    pub fn precisions(&self) -> &[String] {
        &self.precisions
    }

    /// How many questions there are.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.precisions.len() * Self::EACH
    }

    /// Question `index`.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn question(&self, index: usize) -> PlannedTrial<'_> {
        PlannedTrial {
            precision: &self.precisions[index / Self::EACH],
            case: (index % Self::EACH).checked_sub(1).map(|case| &CASES[case]),
        }
    }

    /// The question to go on with if question `index` was the end of the process, or of all hope: without a model there is
    /// nothing more to ask in its precision.
    #[must_use]
    pub fn behind_a_loss(&self, index: usize) -> usize {
        match index.is_multiple_of(Self::EACH) {
            true => index + Self::EACH,
            false => index + 1,
        }
    }

    /// True if `name` is that of a question.
    #[must_use]
    pub fn has(name: &str) -> bool {
        name == Trial::LOADING || CASES.iter().any(|case| case.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_does_not_load_is_asked_nothing_more() {
        let grid = Grid::of(["f32".to_owned(), "q4k".to_owned()]);
        let each = CASES.len() + 1;
        assert_eq!(grid.questions(), 2 * each);
        assert_eq!(grid.question(0).name(), Trial::LOADING);
        assert_eq!(grid.question(1).name(), CASES[0].name);
        let second = grid.question(each);
        assert_eq!((second.precision, second.name()), ("q4k", Trial::LOADING));
        assert_eq!(grid.behind_a_loss(0), each);
        assert_eq!(grid.behind_a_loss(3), 4);
        assert_eq!(grid.behind_a_loss(each), grid.questions());
    }
}
