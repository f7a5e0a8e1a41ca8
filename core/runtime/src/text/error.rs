/// Why text could not be turned into tokens or back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// `tokenizer.json` is damaged or of a kind that is not known.
    #[error("tokenizer.json cannot be read: {0}; fetch it again")]
    Tokenizer(String),
    /// `tokenizer_config.json` is damaged.
    #[error("tokenizer_config.json cannot be read: {0}; fetch it again")]
    TokenizerConfig(String),
    /// The tokenizer gave up on a text.
    #[error(
        "the tokenizer cannot encode the text: {0}; try another text, or fetch tokenizer.json again"
    )]
    Encode(String),
    /// The tokenizer gave up on tokens.
    #[error("the tokenizer cannot decode the tokens: {0}; fetch tokenizer.json again")]
    Decode(String),
    /// A chat template that cannot be used.
    #[error("{}", problem.of(name))]
    Template {
        /// Where it is from.
        name: String,
        /// What is wrong.
        problem: TemplateProblem,
    },
}

/// What is wrong with a chat template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateProblem {
    /// It is not valid Jinja.
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It refused the conversation, in its own words.
    Refusal(String),
    /// It failed at what it does itself.
    Fault {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It used up the time or the memory that it may have.
    TooMuch,
    /// Nobody waits for it any longer.
    Stopped,
    /// A fault of ours.
    Panicked,
    /// The system gave no thread.
    NoThread(String),
}

impl TemplateProblem {
    /// The sentence about the template `name`.
    fn of(&self, name: &str) -> String {
        match self {
            Self::Syntax { line, what } => format!(
                "line {line} of {name} is not understood: {what}; correct it, or fetch it again"
            ),
            Self::Refusal(words) => {
                format!("{name} refuses the conversation: {words}; begin a new one")
            }
            Self::Fault { line, what } => {
                format!("line {line} of {name} fails: {what}; correct it, or fetch it again")
            }
            Self::TooMuch => format!(
                "{name} asks for more time or memory than a chat template may have; correct it, or fetch it again"
            ),
            Self::Stopped => format!("stopped while {name} was rendered"),
            Self::Panicked => {
                format!("{name} cannot be rendered by this program; report it with the file")
            }
            Self::NoThread(why) => {
                format!(
                    "no thread can be started for {name}: {why}; end other programs and try again"
                )
            }
        }
    }
}
