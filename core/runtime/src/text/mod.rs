//! From text to tokens and back: tokenizer, chat template, conversations, pins, visible answers.

pub mod answer;
pub mod constraints;
mod contained;
mod conversation;
mod error;
pub mod history;
mod layout;
mod pair;
pub mod pins;
mod python_int;
mod template;
mod token_bytes;
mod tokenizer;
mod tokenizer_check;
mod until;
mod vocabulary;
mod whitespace;

pub use conversation::conversation_tokens;
pub use error::{TemplateProblem, TextError};
pub use layout::{DrawnToken, UNFINISHED, layout_pieces};
pub use pair::encode_pair;
pub use template::ChatTemplate;
pub use tokenizer::Tokenizer;
pub use until::until_text;
pub use vocabulary::{Piece, Vocabulary};

#[cfg(test)]
mod tests;
