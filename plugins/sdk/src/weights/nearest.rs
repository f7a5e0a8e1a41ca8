//! The name that was probably meant.

/// The candidate with the fewest edits from `name`, if at most half of it differs.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = candidates.map(|candidate| (edits(name, candidate), candidate));
    let (distance, near) = scored.min()?;
    (distance <= name.len() / 2).then_some(near)
}

/// Levenshtein distance in bytes, one row of the table at a time.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, byte) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_edits_win_and_strangers_are_not_offered() {
        let names = ["blocks.0.q_proj.weight", "blocks.0.k_proj.weight", "wte"];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("block.0.k_proj.weight"), Some(names[1]));
        assert_eq!(near("lm_head"), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
