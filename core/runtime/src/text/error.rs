/// Why text could not be turned into tokens or back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// `tokenizer.json` is damaged or of a kind that is not known.
    #[error("the tokenizer cannot be read: {0}; fetch tokenizer.json again")]
    Tokenizer(String),
    /// The tokenizer gave up on a text.
    #[error(
        "the tokenizer cannot encode the text: {0}; try another text, or fetch tokenizer.json again"
    )]
    Encode(String),
    /// The tokenizer gave up on tokens.
    #[error("the tokenizer cannot decode the tokens: {0}; fetch tokenizer.json again")]
    Decode(String),
    /// The chat template is not valid Jinja.
    #[error(
        "line {line} of the chat template is not understood: {what}; correct it, or fetch it again"
    )]
    TemplateSyntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The chat template refused the conversation, in its own words.
    #[error("the chat template refuses the conversation: {0}; begin a new one")]
    Template(String),
}
