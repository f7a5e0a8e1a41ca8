use std::sync::Arc;

use unmask_core::TokenId;
use unmask_core::engine::{Loaded, Pin};
use unmask_core::text::{Piece, Vocabulary};

use crate::clean::clean_line;

/// What the model's tokenizer makes of the pins of the next turn.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// What it was asked last.
    pub asked: Option<PinQuestion>,
    /// Its answer: each pin with its tokens, `5 " up" "on"`; `None` until it is there, and for pins that do not fit.
    labels: Option<Vec<String>>,
    /// The last pins that fitted: they stay if others are refused.
    pub fitting: Vec<Pin>,
}

/// Pins for an answer of some length by some model.
#[derive(Debug, Clone)]
pub struct PinQuestion {
    /// Whose tokenizer.
    pub loaded: Arc<Loaded>,
    /// The pins.
    pub pins: Vec<Pin>,
    /// Positions of the answer.
    pub length: usize,
}

impl PinQuestion {
    /// True if it is about these.
    #[must_use]
    pub fn is_of(&self, loaded: &Arc<Loaded>, pins: &[Pin], length: usize) -> bool {
        Arc::ptr_eq(&self.loaded, loaded) && self.pins == pins && self.length == length
    }
}

impl PartialEq for PinQuestion {
    fn eq(&self, other: &Self) -> bool {
        self.is_of(&other.loaded, &other.pins, other.length)
    }
}

impl Pins {
    /// Asks anew; what was answered before is gone.
    pub fn ask(&mut self, question: PinQuestion) {
        self.asked = Some(question);
        self.labels = None;
    }

    /// The pins that were asked about are these tokens.
    pub fn fit(&mut self, tokens: &[Vec<TokenId>]) {
        let Some(question) = &self.asked else {
            return;
        };
        let vocabulary = &question.loaded.vocabulary;
        let pins = question.pins.iter().zip(tokens);
        self.labels = Some(pins.map(|(pin, of)| label(pin, of, vocabulary)).collect());
        self.fitting.clone_from(&question.pins);
    }

    /// The tokens of `pins`, if those are the ones that were read.
    #[must_use]
    pub fn text(&self, pins: &[Pin]) -> Option<String> {
        let labels = self.labels.as_ref()?;
        let is_known = (self.asked.as_ref()).is_some_and(|question| question.pins == pins);
        is_known.then(|| labels.join("  "))
    }
}

/// `5 " up" "on"`: each token with the spaces that belong to it.
fn label(pin: &Pin, tokens: &[TokenId], vocabulary: &Vocabulary) -> String {
    let mut label = pin.at.0.to_string();
    for &token in tokens {
        let piece = match vocabulary.piece(token) {
            Piece::Bytes(bytes) => format!(" \"{}\"", String::from_utf8_lossy(bytes)),
            Piece::Special(name) => format!(" ⟨{name}⟩"),
            Piece::Unknown => format!(" ⟨{}⟩", token.0),
        };
        label.push_str(&clean_line(&piece));
    }
    label
}

#[cfg(test)]
mod tests {
    use unmask_core::Position;

    use super::*;

    #[test]
    fn a_chip_shows_the_spaces_of_its_tokens_and_no_foreign_control() {
        let pieces: [(&[u8], bool); 5] = [
            (b" up", false),
            (b"on", false),
            (b"\x1b[1m ", false),
            (b"<|eot|>", true),
            (b"", false),
        ];
        let vocabulary = Vocabulary::new(pieces);
        let pin = Pin {
            at: Position(5),
            word: "upon".to_owned(),
        };
        let tokens: Vec<TokenId> = (0..5).map(TokenId).collect();
        let label = label(&pin, &tokens, &vocabulary);
        assert_eq!(label, "5 \" up\" \"on\" \"\u{fffd}[1m \" ⟨<|eot|>⟩ ⟨4⟩");
    }
}
