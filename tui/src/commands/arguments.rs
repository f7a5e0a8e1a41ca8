//! What commands are told in the user's own words.

use std::fmt;
use std::path::PathBuf;

use unmask_core::settings::Setting;

/// A row of the settings panel, which `/set` names too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// A setting of denoising.
    Denoising(Setting),
    /// The speed dial.
    Speed,
    /// Slow motion.
    Delay,
    /// Words fixed in the answer.
    Pins,
    /// What becomes of a conversation that outgrows the context.
    Context,
}

/// What is to be compared with the last answer.
#[derive(Debug, Clone, PartialEq)]
pub enum CompareWith {
    /// Two answers that are there; without names the last two to one message.
    Answers(Option<[BranchName; 2]>),
    /// Another value of a setting.
    Setting(Field, String),
    /// Another model.
    Model(String),
    /// The same model on another backend.
    Backend(String),
    /// The same model in another precision.
    Precision(String),
}

/// The name of an answer: `1b` is the second answer in the first turn, `2` the first in the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchName {
    /// The turn, counted from 1.
    pub turn: usize,
    /// Which of its answers, counted from 0.
    pub answer: usize,
}

impl BranchName {
    /// Its letters: `a` to `z`, then `aa`, as columns of a table have them.
    #[must_use]
    pub fn letters(self) -> String {
        let mut letters = Vec::new();
        let mut rest = self.answer + 1;
        while rest > 0 {
            letters.push(char::from(b'a' + ((rest - 1) % 26) as u8));
            rest = (rest - 1) / 26;
        }
        letters.into_iter().rev().collect()
    }

    /// Reads `1b`; without letters it is the first answer.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|it: char| it.is_ascii_lowercase());
        let letters = text.strip_prefix(digits)?.bytes();
        let place = letters.into_iter().try_fold(0_usize, |before, letter| {
            before
                .checked_mul(26)?
                .checked_add(usize::from(letter - b'a') + 1)
        });
        Some(Self {
            turn: digits.parse().ok()?,
            answer: place?.saturating_sub(1),
        })
    }
}

/// `1b`; the first answer is called as its turn is.
impl fmt::Display for BranchName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            0 => write!(formatter, "{}", self.turn),
            _ => write!(formatter, "{}{}", self.turn, self.letters()),
        }
    }
}

/// Who gets the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The screen: the wheel scrolls.
    Captured,
    /// The terminal: dragging selects.
    Released,
}

/// How much moves on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Every step is drawn.
    Full,
    /// What changes by itself changes twice a second.
    Reduced,
}

/// What an answer becomes as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A page that plays it.
    Html,
    /// One JSON object.
    Json,
    /// Its text.
    Text,
    /// A line a commit.
    Log,
    /// The lines that it is read from again.
    Trace,
    /// The step that is shown, in vectors.
    Svg,
    /// All of it, in vectors that move.
    Film,
    /// The step that is shown, in pixels.
    Png,
    /// All of it, in pixels of all colours that move.
    Apng,
    /// All of it, in pixels of 256 colours that move.
    Gif,
    /// All of it as a recording of a terminal.
    Cast,
    /// A card to be shared: message, answer, a bar for each token in the order of its step, settings.
    Card,
}

impl ExportFormat {
    /// Every format with its name.
    pub const ALL: [(&'static str, Self); 12] = [
        ("html", Self::Html),
        ("json", Self::Json),
        ("text", Self::Text),
        ("log", Self::Log),
        ("trace", Self::Trace),
        ("svg", Self::Svg),
        ("film", Self::Film),
        ("png", Self::Png),
        ("apng", Self::Apng),
        ("gif", Self::Gif),
        ("cast", Self::Cast),
        ("card", Self::Card),
    ];

    /// What it is, in a few words.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Html => "a page that plays it, in any browser",
            Self::Json => "all of it as one JSON object",
            Self::Text => "the answer alone",
            Self::Log => "a line for each token that was fixed",
            Self::Trace => "the recording: replay, compare, verify",
            Self::Svg => "this step, in vectors",
            Self::Film => "every step, in vectors that move",
            Self::Png => "this step, in pixels",
            Self::Apng => "every step, in pixels of all colours",
            Self::Gif => "every step, in pixels of 256 colours",
            Self::Cast => "every step, as a recording for asciinema",
            Self::Card => "message, answer and bars, to be shared",
        }
    }

    /// What the names of such files end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Text | Self::Log => "txt",
            Self::Trace => "trace.jsonl",
            Self::Svg | Self::Film => "svg",
            Self::Png | Self::Card => "png",
            Self::Apng => "apng",
            Self::Gif => "gif",
            Self::Cast => "cast",
        }
    }
}

/// Which tokens of an answer are written anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Remasked {
    /// Those from the first offset to the second.
    Span(usize, usize),
    /// Those that the model was less sure of than this.
    Below(f32),
}

/// A library of others that the user lets run, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    /// The file.
    pub path: PathBuf,
    /// What its bytes hash to.
    pub sha256: String,
    /// The key of the model that is then loaded on it.
    pub key: String,
}

/// What needs a fresh look at the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterScan {
    /// Load the model of this key or name.
    Model(String),
    /// Load the running model on this backend.
    Backend(String),
    /// Load a model on the backend that was just approved.
    Approved {
        /// The model's key.
        key: String,
        /// The backend's file.
        path: PathBuf,
    },
    /// Show the rows of this key in the picker.
    Rows(String),
    /// Show how to get the models that are not on disk.
    Get,
    /// Show what this machine has and what is wrong with it.
    Doctor,
}

/// What to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOrder {
    /// A block of code of the last answer, counted from 1; without a number the only one.
    Code(Option<usize>),
    /// The whole conversation.
    All,
    /// The last answer, into a file: this one, or a new one in the user's data folder.
    File(Option<PathBuf>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_a_turn_has_a_name_of_its_own_that_is_read_again() {
        let mut names = std::collections::HashSet::new();
        for answer in 0..800 {
            let name = BranchName { turn: 3, answer };
            let said = name.to_string();
            assert_eq!(BranchName::read(&said), Some(name), "{said}");
            assert!(names.insert(said.clone()), "{said} is there twice");
        }
        let said = |answer| BranchName { turn: 1, answer }.to_string();
        assert_eq!(
            [0, 1, 25, 26, 27, 702].map(said),
            ["1", "1b", "1z", "1aa", "1ab", "1aaa"]
        );
        assert_eq!(BranchName::read("1a"), BranchName::read("1"));
        for wrong in ["", "b", "1B", "b1", "1b2", "1zzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(BranchName::read(wrong), None, "{wrong}");
        }
    }
}
