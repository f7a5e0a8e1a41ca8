//! All that is drawn. Plain data: no channel, no handle, no clock, no lock.

mod activity;
mod alerts;
mod branches;
mod compare;
mod completion;
mod composer;
mod confirm;
mod context;
mod entry;
mod field;
mod find;
mod folded_pastes;
mod getting;
mod help;
mod history;
mod info;
mod least_sure;
mod list;
mod look;
mod machine;
mod overlay;
mod patch;
mod pick;
mod pins;
mod playback;
mod replay;
mod saved;
mod search;
mod selected_message;
mod sessions;
mod settings;
mod settings_panel;
mod stage;
mod text_selection;
mod title;
mod token_story;
mod token_text;
mod transcript;
mod turn;
mod turn_log;
mod turn_progress;
mod turn_text;
mod typing;
mod wakes;
mod welcome;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub use activity::{Activity, Cancellation, Load};
pub use alerts::{AlertMethod, Alerts, ExitPrint, TerminalFocus};
pub use compare::{Compare, Differences, Side};
pub use completion::Completion;
pub use composer::{Caret, Composer, ComposerRow};
pub use confirm::Confirm;
pub use entry::{Answer, Entry, Fingerprint, LogKept, MessageKind};
pub(crate) use field::most;
pub use field::{Caching, FieldGroup, FieldRow, FieldWords, LONGEST_DELAY, Limits};
pub use find::{Find, FindHit};
pub use getting::{GetJob, GetNews, GetStep, Getting};
pub use help::Help;
pub use history::History;
pub use info::Info;
pub use least_sure::{UnsureWord, least_sure_words};
pub use list::{ListArea, ListData, ListKind, ListPanel};
pub use look::{Ghosts, Glyphs, Keyboard, Look, MASK_WIDTH};
pub use machine::{Machine, Scan};
pub use overlay::{Notice, Overlay, Toast};
pub use patch::Patch;
pub use pick::Pick;
pub use pins::{PinQuestion, Pins};
pub use playback::Playback;
pub use replay::{Arrangement, PlaySpeed, Replay, ReplayLayer, ReplayStart};
pub use saved::{Naming, Persistence, Saved, TracesKept};
pub use search::Search;
pub use selected_message::{FocusedBy, SelectedMessage};
pub use sessions::Sessions;
pub use settings::{Seed, Settings, pins_text};
pub use settings_panel::{Below, Refusal, SettingsPanel};
pub use stage::{Branch, Pending, Stage, StopKeep, TurnOrigin};
pub use text_selection::{Button, CopyOnSelect, TextSelection, TranscriptCell};
pub use title::first_words;
pub use token_story::TokenStory;
pub use token_text::{TextQuestion, TokenEdit};
pub use transcript::{
    Anchor, EntryRow, EntryVisibility, Form, SavedEntry, ScrollMove, Transcript, TranscriptItem,
    View,
};
pub use turn::Turn;
pub use turn_log::{CanvasMoment, CommitOrigin, Guesses, LogEntry, RunRecord, Steering, TurnLog};
pub use typing::Typing;
use unmask_core::engine::{Loaded, TurnId};
pub use unmask_core::fold::Mark;
pub use unmask_core::measured::DialPosition;
pub use welcome::{PROMPTS, Welcome};

use crate::cells::Emoji;
pub use crate::commands::{
    AfterScan, Approve, BranchName, CompareWith, CopyOrder, ExportFormat, Field, Motion, Mouse,
    Remasked,
};
use crate::diagnostic::Diagnostic;
use crate::keymap::Keymap;
use crate::screen_time::ScreenTime;
use crate::size::Size;
use crate::theme::{Depth, Ground, Theme};
use crate::themes::{Colours, Themes};

/// Below this the screen only says that it is too small.
pub const SMALLEST: Size = Size {
    columns: 40,
    rows: 10,
};

/// The screen.
#[derive(Debug, Clone)]
pub struct State {
    /// What time it is.
    pub now: ScreenTime,
    /// The terminal's size.
    pub size: Size,
    /// What the terminal can show.
    pub look: Look,
    /// What every key does.
    pub keymap: Keymap,
    /// The themes, and which is in use.
    pub themes: Themes,
    /// Whether guesses are written on masks.
    pub ghosts: Ghosts,
    /// How much moves.
    pub motion: Motion,
    /// When the steps of an answer were drawn, and when they will be, if little moves.
    pub frames: StepFrames,
    /// A name for the conversation: the first words of its first message.
    pub title: String,
    /// The model that answers, if there is one.
    pub model: Option<Arc<Loaded>>,
    /// What the engine is doing.
    pub activity: Activity,
    /// How the next turn runs.
    pub settings: Settings,
    /// What the model's tokenizer makes of their pins.
    pub pins: Pins,
    /// What random seeds are drawn from; whoever opens the screen puts something unforeseen here.
    pub entropy: u64,
    /// Wall time of a forward of one row, as the last turn took it.
    pub forward: Option<Duration>,
    /// Steps that are shown later.
    pub playback: Playback,
    /// What is kept of a stopped answer.
    pub stop_keep: StopKeep,
    /// What the bars of the timeline are.
    pub measure: Measure,
    /// The latest turn; news of any other is late.
    pub turn: TurnId,
    /// What was said.
    pub transcript: Transcript,
    /// How much of it is on disk.
    pub saved: Saved,
    /// Messages that wait for the engine, oldest first.
    pub queue: VecDeque<String>,
    /// The draft.
    pub composer: Composer,
    /// How far the completion of a slash command has come.
    pub completion: Completion,
    /// Messages sent before.
    pub history: History,
    /// Tells a raw paste from typing.
    pub typing: Typing,
    /// An Enter behind the first line of what may be a raw paste: it sends at this time, unless more comes.
    pub held_enter: Option<Duration>,
    /// Which part of the chat the keys go to.
    pub focus: Focus,
    /// Which message the keys of the canvas mean.
    pub selected_message: SelectedMessage,
    /// The answer that is shown step by step, in place of the chat.
    pub replay: Option<Replay>,
    /// Two answers that are shown side by side, in place of the chat.
    pub compare: Option<Compare>,
    /// The answer that is made once more by the model which is being loaded, with the settings for it.
    pub comparing: Option<(usize, Box<Settings>)>,
    /// The message that the draft stands for: sent, it begins a branch in its place.
    pub editing: Option<usize>,
    /// What is looked for in the conversation.
    pub find: Option<Find>,
    /// The text that is selected with the mouse.
    pub text_selection: Option<TextSelection>,
    /// Whether it is copied at once.
    pub copy_on_select: CopyOnSelect,
    /// Answers that are being written into files.
    pub exporting: usize,
    /// On top of the chat; the last one gets every key.
    pub overlays: Vec<Overlay>,
    /// What an empty conversation shows.
    pub welcome: Option<Welcome>,
    /// The machine, its backends and its models.
    pub machine: Machine,
    /// The last failure that is no part of the conversation.
    pub toast: Option<Toast>,
    /// A short word for the user, gone after a while.
    pub notice: Option<Notice>,
    /// Until when a second ^C quits.
    pub quit_until: Option<Duration>,
    /// Who has the mouse.
    pub mouse: Mouse,
    /// Whether anybody looks.
    pub alerts: Alerts,
    /// Whether the screen must be drawn again.
    pub is_dirty: bool,
}

/// When steps are drawn while little moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepFrames {
    /// When the last one was, by [`ScreenTime::since_start`].
    pub last: Duration,
    /// When the next will be, if one waits.
    pub due: Option<Duration>,
}

/// Which part of the chat the keys go to while there is no overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The draft.
    Composer,
    /// The transcript with the canvas.
    Canvas,
}

/// What the bars of the timeline are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// When each token of the answer was fixed.
    Barcode,
    /// Tokens of each step.
    Tokens,
    /// Wall time of each step.
    Time,
    /// Forwards not needed at each step.
    Saved,
}

impl Measure {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Barcode => Self::Tokens,
            Self::Tokens => Self::Time,
            Self::Time => Self::Saved,
            Self::Saved => Self::Barcode,
        }
    }
}

impl State {
    /// An empty conversation without a model, in the look of the poorest terminal.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self {
            now: ScreenTime::default(),
            size,
            look: Look {
                theme: Theme::new(Ground::Dark, Depth::Mono),
                colours: Colours {
                    ground: None,
                    depth: Depth::Mono,
                },
                glyphs: Glyphs::Unicode,
                keyboard: Keyboard::Legacy,
                mask_width: MASK_WIDTH,
                emoji: Emoji::default(),
            },
            keymap: Keymap::default(),
            themes: Themes::default(),
            ghosts: Ghosts::default(),
            motion: Motion::Full,
            frames: StepFrames::default(),
            title: String::new(),
            model: None,
            activity: Activity::Idle,
            settings: Settings::default(),
            pins: Pins::default(),
            entropy: 0,
            forward: None,
            playback: Playback::default(),
            stop_keep: StopKeep::default(),
            measure: Measure::Barcode,
            turn: TurnId::default(),
            transcript: Transcript::default(),
            saved: Saved::default(),
            queue: VecDeque::new(),
            composer: Composer::default(),
            completion: Completion::default(),
            history: History::default(),
            typing: Typing::default(),
            held_enter: None,
            focus: Focus::Composer,
            selected_message: SelectedMessage::default(),
            replay: None,
            compare: None,
            comparing: None,
            editing: None,
            find: None,
            text_selection: None,
            copy_on_select: CopyOnSelect::default(),
            exporting: 0,
            overlays: Vec::new(),
            welcome: None,
            machine: Machine::default(),
            toast: None,
            notice: None,
            quit_until: None,
            mouse: Mouse::Captured,
            alerts: Alerts::default(),
            is_dirty: true,
        }
    }

    /// The running turn.
    #[must_use]
    pub fn running(&self) -> Option<&Turn> {
        match &self.activity {
            Activity::Turn(turn) => Some(turn),
            Activity::Idle | Activity::Loading(_) => None,
        }
    }

    /// The running turn, to change it.
    pub fn running_mut(&mut self) -> Option<&mut Turn> {
        match &mut self.activity {
            Activity::Turn(turn) => Some(turn),
            Activity::Idle | Activity::Loading(_) => None,
        }
    }

    /// True if the running turn rests.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.running()
            .is_some_and(|turn| turn.stage == Stage::Paused)
    }

    /// True if the terminal is too small for the chat.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.size.columns < SMALLEST.columns || self.size.rows < SMALLEST.rows
    }

    /// What the terminal's title bar says.
    #[must_use]
    pub fn window_title(&self) -> String {
        match &self.activity {
            Activity::Idle => "unmask".to_owned(),
            Activity::Loading(load) => format!("unmask · loading {}", load.key),
            Activity::Turn(turn) => {
                let progress = turn.progress();
                format!("unmask · {}", progress.as_deref().unwrap_or("answering"))
            }
        }
    }

    /// Says in a corner what is wrong with a file; nothing if nothing is.
    pub fn complain(&mut self, title: &str, diagnostics: &[Diagnostic]) {
        const SHOWN: usize = 4;
        if diagnostics.is_empty() {
            return;
        }
        let mut lines: Vec<String> = diagnostics
            .iter()
            .take(SHOWN)
            .map(ToString::to_string)
            .collect();
        if let Some(more) = diagnostics.len().checked_sub(SHOWN + 1) {
            lines.push(format!("and {} more", more + 1));
        }
        self.toast = Some(Toast {
            title: title.to_owned(),
            lines,
        });
    }

    /// Says something for a while.
    pub fn notify(&mut self, text: impl Into<String>) {
        const SHOWN_FOR: Duration = Duration::from_secs(6);
        self.notice = Some(Notice {
            text: text.into(),
            until: self.now.since_start + SHOWN_FOR,
        });
    }
}
