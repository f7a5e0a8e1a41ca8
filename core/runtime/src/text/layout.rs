use unmask_api::TokenId;

use super::{Piece, Vocabulary};

/// What stands for a character whose other bytes are still masked.
pub const UNFINISHED: char = '▯';

/// What the screen draws for one token of a canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrawnToken<'a> {
    /// The mask.
    Mask,
    /// The characters that begin in this token; empty if it only ends one that an earlier token began.
    Text(String),
    /// The name of a special token.
    Special(&'a str),
    /// An id without a meaning.
    Unknown,
}

/// The text of each token of a half-masked canvas, one entry per token.
///
/// The bytes of neighbouring tokens are joined before they are decoded, so that no character is split: it belongs to the
/// token of its first byte. A character that a mask cuts in two is one [`UNFINISHED`]; bytes that can never become one are
/// U+FFFD.
#[must_use]
pub fn layout_pieces<'a>(
    tokens: &[TokenId],
    mask: TokenId,
    vocabulary: &'a Vocabulary,
) -> Vec<DrawnToken<'a>> {
    let mut drawn: Vec<DrawnToken<'a>> = Vec::with_capacity(tokens.len());
    let mut run = Run::default();
    for &token in tokens {
        let piece = if token == mask {
            None
        } else {
            Some(vocabulary.piece(token))
        };
        if let Some(Piece::Bytes(bytes)) = piece {
            run.add(bytes, drawn.len());
            drawn.push(DrawnToken::Text(String::new()));
            continue;
        }
        run.close(piece.is_none(), &mut drawn);
        drawn.push(match piece {
            None => DrawnToken::Mask,
            Some(Piece::Special(name)) => DrawnToken::Special(name),
            Some(Piece::Bytes(_) | Piece::Unknown) => DrawnToken::Unknown,
        });
    }
    run.close(false, &mut drawn);
    drawn
}

/// Neighbouring tokens of text.
#[derive(Default)]
struct Run {
    bytes: Vec<u8>,
    /// The token of each byte.
    owners: Vec<usize>,
    after_mask: bool,
}

impl Run {
    fn add(&mut self, bytes: &[u8], token: usize) {
        self.bytes.extend_from_slice(bytes);
        self.owners.resize(self.bytes.len(), token);
    }

    /// Decodes the run, gives each character to its token, and begins the next run.
    fn close(&mut self, before_mask: bool, drawn: &mut [DrawnToken<'_>]) {
        let continues = |byte: &&u8| *byte & 0xC0 == 0x80;
        let orphans = self.bytes.iter().take(3).take_while(continues).count();
        let mut at = 0;
        if self.after_mask && orphans > 0 {
            give(drawn, self.owners[0], UNFINISHED);
            at = orphans;
        }
        for chunk in self.bytes[at..].utf8_chunks() {
            for c in chunk.valid().chars() {
                give(drawn, self.owners[at], c);
                at += c.len_utf8();
            }
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let cut = before_mask && at + invalid.len() == self.bytes.len() && is_cut(invalid);
            let c = if cut {
                UNFINISHED
            } else {
                char::REPLACEMENT_CHARACTER
            };
            give(drawn, self.owners[at], c);
            at += invalid.len();
        }
        self.bytes.clear();
        self.owners.clear();
        self.after_mask = before_mask;
    }
}

/// True if more bytes could make a character of it.
fn is_cut(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

fn give(drawn: &mut [DrawnToken<'_>], token: usize, c: char) {
    if let Some(DrawnToken::Text(text)) = drawn.get_mut(token) {
        text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 mask, 1 end, 2 "a", 3 and 4 the halves of "é", 5 to 7 "日" in three, 8 a byte that is never valid, 9 unknown.
    fn vocabulary() -> Vocabulary {
        let tokens: [(&[u8], bool); 10] = [
            (b"<mask>", true),
            (b"<end>", true),
            (b"a", false),
            (b"\xC3", false),
            (b"\xA9", false),
            (b" \xE6", false),
            (b"\x97", false),
            (b"\xA5b", false),
            (b"\xFF", false),
            (b"", false),
        ];
        Vocabulary::new(tokens)
    }

    #[track_caller]
    fn check(tokens: &[u32], expected: &[&str]) {
        let vocabulary = vocabulary();
        let tokens: Vec<TokenId> = tokens.iter().copied().map(TokenId).collect();
        let got: Vec<String> = layout_pieces(&tokens, TokenId(0), &vocabulary)
            .into_iter()
            .map(|drawn| match drawn {
                DrawnToken::Mask => "#".to_owned(),
                DrawnToken::Text(text) => text,
                DrawnToken::Special(name) => name.to_owned(),
                DrawnToken::Unknown => "?".to_owned(),
            })
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_character_belongs_to_the_token_of_its_first_byte() {
        check(&[2, 3, 4, 2], &["a", "é", "", "a"]);
        check(&[5, 6, 7], &[" 日", "", "b"]);
    }

    #[test]
    fn a_character_that_a_mask_cuts_is_one_box_on_either_side() {
        check(&[2, 3, 0], &["a", "▯", "#"]);
        check(&[5, 6, 0], &[" ▯", "", "#"]);
        check(&[0, 6, 7], &["#", "▯", "b"]);
        check(&[5, 0, 7], &[" ▯", "#", "▯b"]);
    }

    #[test]
    fn bytes_that_can_never_become_a_character_are_replaced() {
        check(&[2, 3, 1], &["a", "\u{FFFD}", "<end>"]);
        check(&[2, 3], &["a", "\u{FFFD}"]);
        check(&[1, 4, 2], &["<end>", "\u{FFFD}", "a"]);
        check(&[8, 0], &["\u{FFFD}", "#"]);
        check(&[3, 2, 0], &["\u{FFFD}", "a", "#"]);
    }

    #[test]
    fn masks_special_tokens_and_unknown_ids_stand_for_themselves() {
        check(&[0, 1, 9, 99, 2], &["#", "<end>", "?", "?", "a"]);
        check(&[], &[]);
    }
}
