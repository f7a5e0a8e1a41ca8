use super::{Answer, Entry, Fingerprint};

use unmask_core::conversations::{MessageId, Visibility};

/// What was said, and which part of it is seen.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    /// Oldest first.
    pub entries: Vec<TranscriptItem>,
    /// Which part is wanted.
    pub view: View,
    /// Where the view is to move in the next frame, which knows the rows.
    pub moves: Vec<ScrollMove>,
}

/// An entry, with what became of it.
#[derive(Debug, Clone)]
pub struct TranscriptItem {
    /// The entry.
    pub entry: Entry,
    /// Whether the model sees it.
    pub visibility: EntryVisibility,
    /// The entry that it follows; `None` for a first message, and for what nobody said.
    pub parent: Option<usize>,
    /// What is on disk of it; `None` if nothing is.
    pub kept: Option<SavedEntry>,
    /// What is shown of an answer.
    pub form: Form,
}

/// What is shown of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Its text, laid out as Markdown.
    #[default]
    Text,
    /// Its tokens, as on the canvas.
    Tokens,
}

/// What is on disk of an entry: enough to tell whether it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedEntry {
    /// Its name there.
    pub id: MessageId,
    /// How it is seen there.
    pub visibility: Visibility,
    /// What is written of it.
    pub fingerprint: Fingerprint,
}

/// Whether an entry is in the model's view. What has left it stays on the screen, dimmed, and nothing of it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EntryVisibility {
    /// It is sent with the next message.
    #[default]
    Seen,
    /// It did not fit the model's context in the latest turn; it is sent again as soon as it does.
    RolledOff,
    /// Another answer to the same message stands in its place.
    Replaced,
    /// The user took its turn back.
    Undone,
}

impl EntryVisibility {
    /// True for what is part of the conversation, whether the model still sees it or not.
    #[must_use]
    pub fn is_said(self) -> bool {
        match self {
            Self::Seen | Self::RolledOff => true,
            Self::Replaced | Self::Undone => false,
        }
    }
}

/// What has left a model's context is seen again by one with a longer context, so the file does not know it.
impl From<EntryVisibility> for Visibility {
    fn from(visibility: EntryVisibility) -> Self {
        match visibility {
            EntryVisibility::Seen | EntryVisibility::RolledOff => Self::Seen,
            EntryVisibility::Replaced => Self::Replaced,
            EntryVisibility::Undone => Self::Undone,
        }
    }
}

impl From<Visibility> for EntryVisibility {
    fn from(record: Visibility) -> Self {
        match record {
            Visibility::Seen => Self::Seen,
            Visibility::Replaced => Self::Replaced,
            Visibility::Undone => Self::Undone,
        }
    }
}

/// Which part of the transcript is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Its end, whatever comes.
    #[default]
    Follow,
    /// The user has scrolled here.
    Held(Anchor),
}

/// A move of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScrollMove {
    /// By rows; negative is up.
    Rows(isize),
    /// To where a part is seen: whole if there is room, else its beginning.
    Reveal(usize),
}

/// A row that keeps its name when the width changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The entry; the running turn and the queue count as the next ones.
    pub block: usize,
    /// The row in it.
    pub row: EntryRow,
}

/// A row of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryRow {
    /// The empty row before it.
    Before,
    /// The row just above its text, where more than an empty one is there.
    Head,
    /// The row that holds this byte or token.
    Body(usize),
    /// Its figures.
    Foot,
}

impl TranscriptItem {
    /// An entry that is seen by the model, not yet laid out and not yet kept.
    #[must_use]
    pub fn new(entry: Entry) -> Self {
        Self {
            entry,
            visibility: EntryVisibility::Seen,
            parent: None,
            kept: None,
            form: Form::default(),
        }
    }
}

impl Transcript {
    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        let is_said = matches!(entry, Entry::You { .. } | Entry::Answer(_));
        let parent = self.last_said().filter(|_| is_said);
        self.entries.push(TranscriptItem {
            parent,
            ..TranscriptItem::new(entry)
        });
    }

    /// Shows another part, wherever it was about to move.
    pub fn show(&mut self, view: View) {
        self.view = view;
        self.moves.clear();
    }

    /// Moves an entry into the model's view or out of it.
    pub fn set_visibility(&mut self, at: usize, visibility: EntryVisibility) {
        if let Some(item) = self.entries.get_mut(at) {
            item.visibility = visibility;
        }
    }

    /// Another answer stands in the place of the one at `at` and of all that was said after it.
    pub fn set_aside_from(&mut self, at: usize) {
        for item in self.entries.iter_mut().skip(at) {
            if item.visibility.is_said() {
                item.visibility = EntryVisibility::Replaced;
            }
        }
    }

    /// Puts the answer that went on in the place of the stopped one at `at`, with the work of both.
    pub fn lengthen(&mut self, at: usize, mut answer: Answer) {
        let Some(item) = self.entries.get_mut(at) else {
            return;
        };
        if let Entry::Answer(stopped) = &item.entry {
            let (before, stats) = (&stopped.stats, &mut answer.stats);
            // The plan of the second run counts the steps of the first as saved.
            stats.nfe_saved = (stats.nfe_saved - before.nfe as f32).max(0.0);
            stats.steps += before.steps;
            stats.nfe += before.nfe;
            stats.committed += before.committed;
            stats.elapsed += before.elapsed;
        }
        *item = TranscriptItem {
            kept: item.kept,
            parent: item.parent,
            ..TranscriptItem::new(Entry::Answer(answer))
        };
    }

    /// Takes the last message back, since it was not sent, and failures of earlier attempts with it.
    pub fn take_question_back(&mut self) {
        if matches!(
            self.entries.last(),
            Some(TranscriptItem {
                entry: Entry::You { .. },
                ..
            })
        ) {
            self.entries.pop();
        }
        while matches!(
            self.entries.last(),
            Some(TranscriptItem {
                entry: Entry::Failure(_),
                ..
            })
        ) {
            self.entries.pop();
        }
    }

    /// The last answer of the conversation, whether the model still sees it or not.
    #[must_use]
    pub fn last_answer(&self) -> Option<&Answer> {
        let entries = self.entries.iter().rev();
        let mut answers = (entries.filter(|item| item.visibility.is_said())).filter_map(|item| {
            match &item.entry {
                Entry::Answer(answer) => Some(answer),
                Entry::You { .. } | Entry::Failure(_) | Entry::Note(_) => None,
            }
        });
        answers.next()
    }
}
