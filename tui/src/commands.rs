//! What the user can ask for.

mod arguments;

use std::path::PathBuf;

use unmask_core::catalogue::ModelChoice;
use unmask_core::conversations::SessionId;
use unmask_core::engine::{FillPart, LoadRequest};
use unmask_core::measured::DialPosition;

pub use arguments::{
    AfterScan, Approve, BranchName, CompareWith, CopyOrder, ExportFormat, Field, Motion, Mouse,
    Remasked,
};

/// What the user can ask for: the one word behind key, slash command, palette row and question.
///
/// The configuration names what a key can do after its variant: `Scroll(PageUp)` is `scroll-page-up`. What holds words of the
/// user's own comes from slash commands and panels alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Send the message, or queue it.
    Send,
    /// Begin a new line.
    Newline,
    /// Go back one level: overlay, then pause. Never destroys.
    Back,
    /// Stop the turn; else clear the draft; else quit when pressed twice.
    Interrupt,
    /// Let a paused turn go on.
    Resume,
    /// Leave; asks first if a file is being written.
    Quit,
    /// Leave whatever is being written.
    Leave,
    /// Hand the terminal back to the shell.
    Suspend,
    /// Draw everything anew.
    Repaint,
    /// Show the keys.
    Help,
    /// Show what a letter would do, and wait for it.
    Menu,
    /// Begin an empty conversation.
    New,
    /// List all conversations.
    Sessions,
    /// Remove the conversation, or the chosen one of the list, after asking.
    Delete,
    /// Search earlier prompts.
    SearchPrompts,
    /// Write what is to be looked for in the conversation.
    BeginFind,
    /// Show the last two answers to one message side by side.
    CompareLast,
    /// Scroll the transcript or the overlay.
    Scroll(Scroll),
    /// An earlier message, the row above, or the last queued one.
    Up,
    /// A later message, or the row below.
    Down,
    /// Change the draft or move in it.
    Edit(LineEdit),
    /// Show how the next turn runs, to change it.
    Settings,
    /// Less of the chosen setting, or the value before.
    Less,
    /// More of the chosen setting, or the value after.
    More,
    /// Say what the chosen setting does.
    Explain,
    /// Give the chosen setting the model's value.
    ResetField,
    /// Write the settings into the configuration.
    SaveDefaults,
    /// Answer the last message anew.
    Retry,
    /// Let the stopped answer go on.
    Continue,
    /// Take the last turn back.
    UndoTurn,
    /// Show something else of the steps: when each token was fixed, tokens, time, forwards that were not needed.
    Measure,
    /// Write the model's guesses on the masks, or draw shades.
    Ghosts,
    /// Show steps as fast as they come, or slowly again.
    FullSpeed,
    /// Show the numbers of the conversation.
    Stats,
    /// Take the chosen row of a list.
    Choose,
    /// A list's second action.
    Other,
    /// From the composer to the canvas and back.
    Focus,
    /// Pause the running turn, or let it go on.
    PauseOrResume,
    /// Show the pending blocks as masks, or as one row again.
    Unfold,
    /// Select the message before.
    PreviousMessage,
    /// Select the message after.
    NextMessage,
    /// Show the selected answer's tokens instead of its text, and back.
    ToggleRaw,
    /// Choose what an answer is written as.
    Formats,
    /// Copy the last answer.
    Copy,
    /// Copy the selected message.
    CopyMessage,
    /// Hand the mouse to the terminal, or take it back.
    ToggleMouse,
    /// Write the draft in the user's own editor.
    Editor,
    /// Show every command.
    Palette,
    /// Show the themes.
    Themes,
    /// Show fewer keys: those that are like what is typed.
    Filter,
    /// Show the models and backends.
    Models,
    /// Look at the machine again.
    Rescan,
    /// Show what this machine has and what is wrong with it.
    Doctor,
    /// Take an option of the first screen, counted from 1.
    Option(u8),
    /// Put the selected message into the composer, to be sent as a branch.
    EditMessage,
    /// Answer the selected message anew, as a branch.
    RetryMessage,
    /// The next place that was looked for.
    FindNext,
    /// The place before.
    FindPrevious,
    /// Show an answer step by step, and change it.
    Replay(ReplayAct),
    /// What is done to two answers side by side.
    Compare(CompareAct),
    /// Call the conversation this.
    Rename(String),
    /// Copy a part of the conversation.
    CopyPart(CopyOrder),
    /// Open this conversation.
    OpenSession(SessionId),
    /// Call this conversation so.
    RenameSession(SessionId, String),
    /// Remove this conversation, after asking.
    AskToDelete {
        /// Which.
        id: SessionId,
        /// How it is called.
        title: String,
        /// How many messages it has.
        messages: usize,
    },
    /// Remove this conversation for good.
    DeleteSession(SessionId),
    /// Load this choice if it can be, after asking where something else would have to go.
    WantModel(Box<ModelChoice>),
    /// Give a setting this value.
    Set(Field, String),
    /// Sets what the preset of this name says.
    Preset(String),
    /// Turn the speed dial.
    Dial(DialPosition),
    /// Answer the last message anew, with this seed.
    RetryWith(u64),
    /// Capture the mouse, or release it.
    Mouse(Mouse),
    /// Look at the machine.
    Scan,
    /// Look at the machine, then do this.
    Look(AfterScan),
    /// Load this.
    Load(LoadRequest),
    /// Put a model into the configuration: a folder or a hub id.
    AddModel(String),
    /// Ask what it takes to get this model from the hub.
    Get(String),
    /// Fetch it.
    Fetch(String),
    /// Let a library of others run.
    Approve(Approve),
    /// Take this length, and send the draft.
    Length(usize),
    /// Draw in the theme of this name.
    Theme(String),
    /// Let much or little move.
    Motion(Motion),
    /// Put this large paste into the draft.
    Insert(String),
    /// Show the answer of the turn of this number, counted from 1, step by step.
    ReplayTurn(usize),
    /// Have a part of the last answer written anew.
    Remask(Remasked),
    /// Write the last answer and how it came about into a new file, this one or one in the user's data folder.
    Export(ExportFormat, Option<PathBuf>),
    /// Have the blanks of a text filled.
    Fill {
        /// The text as it was typed.
        template: String,
        /// Its parts.
        parts: Vec<FillPart>,
    },
    /// Put the message of the turn of this number, counted from 1, into the composer, to be sent as a branch.
    EditTurn(usize),
    /// Look for words in the conversation.
    Find(String),
    /// Show an answer beside another one to the same message.
    CompareWith(CompareWith),
    /// Show the answer of this name and what followed it again; without a name say which there are.
    Branch(Option<BranchName>),
}

/// What is done to two answers side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareAct {
    /// The keys mean the other one.
    Side,
    /// A row for each difference instead of the canvases, and back.
    Differences,
    /// Show one of them step by step.
    Inspect,
    /// The first is the answer from now on.
    KeepFirst,
    /// The second is.
    KeepSecond,
}

/// What is done to an answer that is shown step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplayAct {
    /// Show the selected answer so.
    Open,
    /// A step back.
    Back,
    /// A step on.
    Forward,
    /// Ten steps back.
    TenBack,
    /// Ten steps on.
    TenForward,
    /// Before the first step.
    First,
    /// To the last step, or what is live.
    Last,
    /// Play, rest; a live answer pauses and goes on.
    Play,
    /// Play half as fast.
    Slower,
    /// Play twice as fast.
    Faster,
    /// To the token before.
    TokenLeft,
    /// To the token after.
    TokenRight,
    /// To the token above.
    TokenUp,
    /// To the token below.
    TokenDown,
    /// To the word before.
    WordLeft,
    /// To the word after.
    WordRight,
    /// To the first token of the block, or of the one before.
    BlockLeft,
    /// To the first token of the next block.
    BlockRight,
    /// To the next of the least sure words.
    LeastSure,
    /// To the one before.
    LeastSureBack,
    /// The candidate above.
    CandidateUp,
    /// The candidate below.
    CandidateDown,
    /// What if the chosen candidate had been taken; elsewhere, unfold the pending blocks.
    WhatIf,
    /// Begin or end a span.
    Span,
    /// Mark it to be masked again.
    Remask,
    /// Have what is marked written anew, or go on from the step that is shown.
    Refill,
    /// Write other text there.
    Write,
    /// Fix it, or let it go.
    Pin,
    /// Take the last mark back.
    Undo,
    /// Make it again.
    Redo,
    /// What the colours tell.
    Layer,
    /// As text or in a grid.
    Grid,
}

/// Where to scroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scroll {
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// A row up.
    RowUp,
    /// A row down.
    RowDown,
    /// To the first row.
    First,
    /// To the end, and stay there.
    Follow,
}

/// Line editing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineEdit {
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// One word to the left.
    WordLeft,
    /// One word to the right.
    WordRight,
    /// To the beginning of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// Delete the character before the caret.
    Backspace,
    /// Delete the character at the caret.
    Delete,
    /// Delete the word before the caret.
    DeleteWordLeft,
    /// Delete the word at the caret.
    DeleteWordRight,
    /// Delete to the beginning of the line.
    KillToStart,
    /// Delete to the end of the line.
    KillToEnd,
    /// Insert what was deleted last.
    Yank,
    /// Take the last change back.
    Undo,
    /// Make it again.
    Redo,
}
