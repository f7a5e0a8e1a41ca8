//! A model for the tests that has words and no network.

mod layers;
mod loader;
mod server;

use std::sync::Arc;

use unmask_core::api::{Capabilities, ModelFacts};
use unmask_core::engine::{Failure, Loaded, Message, ModelText, Pin, SpecialTokens};
use unmask_core::family::{FamilyRules, SpecialIds};
use unmask_core::likelihood::Pair;
use unmask_core::plugin::Running;
use unmask_core::precision::PrecisionReason;
use unmask_core::provenance::Provenance;
use unmask_core::text::pins::PinPlaceError;
use unmask_core::text::{Piece, Vocabulary};
use unmask_core::{Params, TokenId};

pub(crate) use layers::layered;
pub(crate) use loader::{FixtureLoader, FixtureTold};
pub(crate) use server::{GUARD, RunningServer, SLOW, rest, said, serve, serve_for, serve_with};

pub(crate) const MASK: TokenId = TokenId(0);
pub(crate) const END: TokenId = TokenId(1);

/// What tokens stand for, and whether they are special: whole words, halves of characters, what is none.
pub(crate) fn pieces() -> [(&'static [u8], bool); 10] {
    [
        (b"<mask>", true),
        (b"<end>", true),
        (b"a", false),
        (b"b", false),
        (b"ab", false),
        (b"\n", false),
        (b"<", false),
        (b"\xc3", false),
        (b"\xa9", false),
        (b"<other>", true),
    ]
}

pub(crate) fn model() -> Arc<Loaded> {
    let vocabulary = Arc::new(Vocabulary::new(pieces()));
    Arc::new(Loaded {
        presets: Vec::new(),
        text_alone: false,
        is_untold: true,
        key: "words".to_owned(),
        name: "words".to_owned(),
        provenance: Provenance::default(),
        precision_reason: PrecisionReason::Named,
        backend: "none".to_owned(),
        running: Running::Here,
        backend_version: "1".to_owned(),
        device: "cpu".to_owned(),
        device_name: "cpu".to_owned(),
        device_kind: None,
        facts: ModelFacts {
            vocab: vocabulary.len(),
            max_positions: 64,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::default(),
            notes: Vec::new(),
        },
        special: SpecialIds {
            mask: MASK,
            eos: END,
            eot: None,
            other_ends: Vec::new(),
            bos: None,
        },
        text: Arc::new(Words(Arc::clone(&vocabulary))),
        vocabulary,
        defaults: Params {
            steps: 16,
            block_length: 8,
            ..Params::default()
        },
        default_length: 16,
        rules: FamilyRules::default(),
        default_seed: None,
        measured: None,
    })
}

/// Tokenizes by the longest piece that fits; a message is its text.
#[derive(Debug)]
struct Words(Arc<Vocabulary>);

impl Words {
    fn text(&self, tokens: &[TokenId]) -> String {
        let bytes = tokens.iter().flat_map(|&it| match self.0.piece(it) {
            Piece::Bytes(bytes) => bytes.to_vec(),
            Piece::Special(_) | Piece::Unknown => Vec::new(),
        });
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    }
}

impl ModelText for Words {
    fn encode(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        let (mut rest, mut tokens) = (text.as_bytes(), Vec::new());
        while !rest.is_empty() {
            let fits = pieces().into_iter().enumerate();
            let fits = fits.filter(|(_, (piece, _))| rest.starts_with(piece));
            let longest = fits.max_by_key(|(_, (piece, _))| piece.len());
            let (id, (piece, _)) = longest.ok_or_else(|| {
                Failure::usage(format!("`{text}` has no tokens"), "write a and b")
            })?;
            tokens.push(TokenId(id as u32));
            rest = &rest[piece.len()..];
        }
        Ok(tokens)
    }
    fn encode_long(&self, text: &str) -> Result<Vec<TokenId>, Failure> {
        self.encode(text)
    }
    fn render(&self, messages: &[Message]) -> Result<String, Failure> {
        Ok(messages.iter().map(|it| it.content.as_str()).collect())
    }
    fn decode(&self, tokens: &[TokenId], _: SpecialTokens) -> Result<String, Failure> {
        Ok(self.text(tokens))
    }
    fn until(&self, answer: &[TokenId], _: &[String]) -> Result<String, Failure> {
        self.finished(answer)
    }
    fn pair(&self, context: &str, continuation: &str) -> Result<Pair, Failure> {
        Ok(Pair {
            context: self.encode(context)?,
            continuation: self.encode(continuation)?,
        })
    }
    fn prompt(&self, messages: &[Message]) -> Result<Vec<TokenId>, Failure> {
        self.encode(&self.render(messages)?)
    }
    fn place(&self, pins: &[Pin], _: usize) -> Result<Vec<Vec<TokenId>>, PinPlaceError> {
        let word = |pin: &Pin| self.encode(&pin.word).unwrap_or_default();
        Ok(pins.iter().map(word).collect())
    }
    fn finished(&self, answer: &[TokenId]) -> Result<String, Failure> {
        Ok(self.text(answer))
    }
    fn stopped(&self, answer: &[TokenId]) -> Result<String, Failure> {
        Ok(self.text(answer))
    }
}
