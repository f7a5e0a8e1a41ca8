use unmask_core::conversations;

use crate::row::cut;

/// The first words of a message, as a name for its conversation that fits the header.
#[must_use]
pub fn first_words(text: &str) -> String {
    const CELLS: usize = 32;
    cut(&conversations::first_words(text), CELLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_of_wide_characters_is_cut_by_its_cells() {
        assert_eq!(
            first_words(&"漢".repeat(40)),
            format!("{}…", "漢".repeat(15))
        );
    }
}
