use unmask_core::conversations::{MessageId, SessionId, StoppedCanvas};

/// How much of the conversation is on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Saved {
    /// Whether it is kept at all.
    pub keeping: Persistence,
    /// Its name, once it has a file.
    pub id: Option<SessionId>,
    /// A conversation that is being opened in its place. No turn begins until it is there.
    pub opening: Option<SessionId>,
    /// Who named it.
    pub naming: Naming,
    /// The messages in the file, in order, those taken back left out.
    pub ids: Vec<MessageId>,
    /// The last name that was given to a message.
    pub last: MessageId,
    /// Canvases of stopped answers, until the model that they belong to is there.
    pub canvases: Vec<StoppedCanvas>,
    /// How much is kept of how answers came about.
    pub traces: TracesKept,
    /// Entries of the running turn's log that are on disk; `None` if nothing of it is.
    pub running: Option<usize>,
    /// The model that answered last before it was opened, until it is held against the one that answers now.
    pub answered_by: Option<String>,
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nothing: there is no place for it.
    #[default]
    Nowhere,
    /// Nothing: the user does not want it.
    Private,
    /// Everything.
    All,
    /// Everything, but the disk refuses just now.
    Failing,
    /// What is said from now on, in a copy: the file is another process's, or must not be written.
    InCopy,
}

/// How much is kept of how answers came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TracesKept {
    /// All of it, beside the conversation.
    #[default]
    All,
    /// It is, without the runners-up of each token.
    Lean,
    /// Nothing: the user does not want it.
    Off,
}

/// Who named the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// Nobody: its name is its first words.
    #[default]
    FirstWords,
    /// The user; the file does not know it yet.
    ByUser,
    /// The user, and the file knows.
    Kept,
}

impl Saved {
    /// Nothing of a new conversation is on disk; it is kept as the one before was meant to be.
    pub fn begin_anew(&mut self) {
        let keeping = match self.keeping {
            Persistence::Nowhere | Persistence::Private => self.keeping,
            Persistence::All | Persistence::Failing | Persistence::InCopy => Persistence::All,
        };
        *self = Self {
            keeping,
            traces: self.traces,
            ..Self::default()
        };
    }

    /// True if files are written, as far as they can be.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        match self.keeping {
            Persistence::Nowhere | Persistence::Private => false,
            Persistence::All | Persistence::Failing | Persistence::InCopy => true,
        }
    }

    /// A word for the header, if not all is well or the user wanted it otherwise.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        match self.keeping {
            Persistence::Nowhere | Persistence::All => None,
            Persistence::Private => Some("private"),
            Persistence::Failing => Some("not saved"),
            Persistence::InCopy => Some("read-only"),
        }
    }
}
