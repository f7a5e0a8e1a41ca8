//! What the tokens of a turn say.

use unmask_core::TokenId;
use unmask_core::text::Piece;
use unmask_core::text::answer::pinned_kept;

use super::Turn;
use crate::clean::clean_line;

impl Turn {
    /// The byte of the visible answer at which a token begins, as near as its trimmed ends allow.
    #[must_use]
    pub fn byte_of(&self, token: usize) -> usize {
        let starts = self.starts();
        starts.get(token).or(starts.last()).copied().unwrap_or(0)
    }

    /// The token that holds a byte of the visible answer.
    #[must_use]
    pub fn token_of(&self, byte: usize) -> usize {
        let starts = self.starts();
        let starts = &starts[..starts.len().saturating_sub(1)];
        starts
            .partition_point(|&start| start <= byte)
            .saturating_sub(1)
    }

    /// Where each token of the visible answer begins, and its end; what is trimmed from its beginning counts as 0.
    fn starts(&self) -> Vec<usize> {
        let mut starts = vec![0];
        let mut end = 0;
        let mut has_ended = false;
        for &token in self.answer() {
            has_ended |= self.loaded.is_end(token);
            if let Piece::Bytes(bytes) = self.loaded.vocabulary.piece(token)
                && !has_ended
            {
                let is_trimmed = end == 0;
                end += match is_trimmed {
                    true => bytes.trim_ascii_start().len(),
                    false => bytes.len(),
                };
            }
            starts.push(end);
        }
        starts
    }

    /// The tokens of the visible text as it stands: before the first mask and the first end token behind the pins.
    pub fn text_tokens(&self) -> impl Iterator<Item = TokenId> + '_ {
        self.before_end().take_while(|&token| token != self.mask())
    }

    /// The tokens before the first end token behind the pins, masks left out.
    pub fn found_tokens(&self) -> impl Iterator<Item = TokenId> + '_ {
        self.before_end().filter(|&token| token != self.mask())
    }

    fn before_end(&self) -> impl Iterator<Item = TokenId> + '_ {
        pinned_kept(self.canvas(), &self.loaded.special)
            .map(|(_, token)| token)
            .take_while(|&token| !self.loaded.is_end(token))
    }

    /// The token that was written last among the first `shown` entries of the log, as an offset in the answer.
    #[must_use]
    pub fn newest(&self, shown: usize) -> Option<usize> {
        let entry = self.log().entries.get(shown.checked_sub(1)?)?;
        let start = self.canvas().answer_start();
        entry.commits().last()?.at.index().checked_sub(start)
    }

    /// What a token stands for, on one line.
    #[must_use]
    pub fn token_text(&self, token: TokenId) -> String {
        let text = match self.loaded.vocabulary.piece(token) {
            Piece::Bytes(bytes) => String::from_utf8_lossy(bytes).replace('\n', "↵"),
            Piece::Special(name) => name.to_owned(),
            Piece::Unknown => format!("id {}", token.0),
        };
        clean_line(&text)
    }

    /// Who made it: `LLaDA-8B-Instruct · candle · q4`.
    #[must_use]
    pub fn identity(&self) -> String {
        let loaded = &self.loaded;
        let parts = [&loaded.name, &loaded.backend, &loaded.facts.precision];
        parts.map(|part| clean_line(part)).join(" · ")
    }

    /// Who speaks: the first word of the model's name, `LLaDA` of `LLaDA-8B-Instruct`.
    #[must_use]
    pub fn speaker(&self) -> String {
        speaker(&self.loaded.name)
    }
}

fn speaker(name: &str) -> String {
    let name = clean_line(name);
    let first = name.split(['-', ' ']).find(|part| !part.is_empty());
    first.unwrap_or("model").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_speaks_by_its_first_name() {
        assert_eq!(speaker("LLaDA-8B-Instruct"), "LLaDA");
        assert_eq!(speaker("demo"), "demo");
        assert_eq!(speaker(""), "model");
    }
}
