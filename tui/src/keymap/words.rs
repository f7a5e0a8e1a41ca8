use crate::commands::{Command, CompareAct, LineEdit, ReplayAct, Scroll};

/// A command in a word or two, as hints, menu and help have it.
#[must_use]
pub fn word(command: &Command) -> &'static str {
    words(command).0
}

/// What a command does, for help, palette and slash commands.
#[must_use]
pub fn describe(command: &Command) -> &'static str {
    words(command).1
}

/// Its short words and its long ones.
fn words(command: &Command) -> (&'static str, &'static str) {
    fn both(words: &'static str) -> (&'static str, &'static str) {
        (words, words)
    }
    match command {
        Command::Send => ("send, or queue", "send the message, or queue it"),
        Command::Newline => both("new line"),
        Command::Back => ("pause · back", "back, or pause; never destroys"),
        Command::Interrupt => ("stop · clear · quit", "stop the answer and keep its text"),
        Command::Resume => ("go on", "go on with the paused answer"),
        Command::Quit | Command::Leave => ("quit", "leave"),
        Command::Suspend => ("suspend", "go to the shell; fg comes back"),
        Command::Repaint => ("repaint", "draw everything anew"),
        Command::Help => ("help", "keys and commands"),
        Command::Menu => ("menu", "menu: a letter follows"),
        Command::New => ("new", "a new conversation"),
        Command::Sessions => ("sessions", "all conversations"),
        Command::Delete => ("delete", "remove the conversation; asks first"),
        Command::SearchPrompts => ("search prompts", "search earlier prompts"),
        Command::Settings => ("settings", "how answers are made"),
        Command::Less => both("less, or the value before"),
        Command::More => both("more, or the value after"),
        Command::Explain => both("explain the setting"),
        Command::ResetField => both("the model's own value"),
        Command::SaveDefaults => both("save as the model's defaults"),
        Command::Retry => ("regenerate", "regenerate the last answer"),
        Command::Continue => ("go on", "go on with a stopped answer"),
        Command::UndoTurn => ("undo turn", "take the last turn back"),
        Command::Measure => both("barcode, tokens, ms, saved"),
        Command::Ghosts => ("guesses", "guesses on the masks, or shades"),
        Command::FullSpeed => ("full speed", "steps at full speed, or slowly"),
        Command::Stats => ("numbers", "numbers of the conversation"),
        Command::Scroll(Scroll::PageUp) => both("scroll up"),
        Command::Scroll(Scroll::PageDown) => both("scroll down"),
        Command::Scroll(Scroll::RowUp) => both("a row up"),
        Command::Scroll(Scroll::RowDown) => both("a row down"),
        Command::Scroll(Scroll::First) => both("to the beginning"),
        Command::Scroll(Scroll::Follow) => both("to the end, and follow it"),
        Command::Up => both("row above, earlier or queued message"),
        Command::Down => both("row below, later message"),
        Command::Choose => ("choose", "take the chosen row"),
        Command::Other => ("second action", "the list's second action"),
        Command::Focus => ("to the canvas", "to the canvas and back"),
        Command::PauseOrResume => ("pause, go on", "pause, or go on"),
        Command::Unfold => ("pending blocks", "pending blocks as masks, and back"),
        Command::PreviousMessage => both("previous message"),
        Command::NextMessage => both("next message"),
        Command::ToggleRaw => ("raw/text", "text or raw tokens"),
        Command::BeginFind => ("find", "look for words in the conversation"),
        Command::CompareLast => ("compare", "the last two answers side by side"),
        Command::Formats => ("export", "this answer as a file"),
        Command::Copy => ("copy", "copy the last answer"),
        Command::CopyMessage => ("copy message", "copy what is selected"),
        Command::ToggleMouse => ("mouse", "capture or release the mouse"),
        Command::Editor => ("$EDITOR", "write the message in $EDITOR"),
        Command::Palette => ("palette", "find and run any command"),
        Command::Themes => ("theme", "choose a theme"),
        Command::Filter => ("filter", "filter the keys"),
        Command::Models => ("models", "models and backends"),
        Command::Rescan => ("look again", "look at this machine again"),
        Command::Doctor => ("doctor", "what this machine has"),
        Command::Option(_) => both("the option of this number"),
        Command::EditMessage => ("edit message", "edit a message, as a branch"),
        Command::RetryMessage => ("retry message", "answer this message anew"),
        Command::FindNext => both("next place found"),
        Command::FindPrevious => both("place found before"),
        Command::Replay(act) => replay_words(*act),
        Command::Compare(act) => both(compare_words(*act)),
        Command::Edit(edit) => both(edit_words(*edit)),
        // No key leads to them; the slash commands that do say what they are for.
        Command::Rename(_)
        | Command::CopyPart(_)
        | Command::OpenSession(_)
        | Command::RenameSession(..)
        | Command::AskToDelete { .. }
        | Command::DeleteSession(_)
        | Command::WantModel(_)
        | Command::Set(..)
        | Command::Preset(_)
        | Command::Dial(_)
        | Command::RetryWith(_)
        | Command::Mouse(_)
        | Command::Scan
        | Command::Look(_)
        | Command::Load(_)
        | Command::AddModel(_)
        | Command::Get(_)
        | Command::Fetch(_)
        | Command::Approve(_)
        | Command::Length(_)
        | Command::Theme(_)
        | Command::Motion(_)
        | Command::Insert(_)
        | Command::ReplayTurn(_)
        | Command::Remask(_)
        | Command::Export(..)
        | Command::Fill { .. }
        | Command::EditTurn(_)
        | Command::Find(_)
        | Command::CompareWith(_)
        | Command::Branch(_) => both(""),
    }
}

const fn replay_words(act: ReplayAct) -> (&'static str, &'static str) {
    match act {
        ReplayAct::Open => ("replay", "an answer step by step"),
        ReplayAct::Back => ("step", "a step back"),
        ReplayAct::Forward => ("step", "a step on"),
        ReplayAct::TenBack => ("ten steps back", "ten steps back"),
        ReplayAct::TenForward => ("ten steps on", "ten steps on"),
        ReplayAct::First => ("first step", "before the first step"),
        ReplayAct::Last => ("last step, live", "to the last step, or live"),
        ReplayAct::Play => ("play", "play, or rest"),
        ReplayAct::Slower => ("slower", "play half as fast"),
        ReplayAct::Faster => ("faster", "play twice as fast"),
        ReplayAct::TokenLeft => ("token", "the token before"),
        ReplayAct::TokenRight => ("token", "the token after"),
        ReplayAct::TokenUp => ("token above", "the token above"),
        ReplayAct::TokenDown => ("token below", "the token below"),
        ReplayAct::WordLeft => ("word", "the word before"),
        ReplayAct::WordRight => ("word", "the word after"),
        ReplayAct::BlockLeft => ("block", "the block before"),
        ReplayAct::BlockRight => ("block", "the block after"),
        ReplayAct::LeastSure => ("least sure", "next of the least sure words"),
        ReplayAct::LeastSureBack => ("least sure", "the least sure word before"),
        ReplayAct::CandidateUp => ("candidate", "the candidate above"),
        ReplayAct::CandidateDown => ("candidate", "the candidate below"),
        ReplayAct::WhatIf => ("what if", "take the chosen candidate; else unfold"),
        ReplayAct::Span => ("select", "select a span of tokens"),
        ReplayAct::Remask => ("melt", "mark for masking"),
        ReplayAct::Refill => ("refill", "refill what is marked, or go on from here"),
        ReplayAct::Write => ("edit", "write other text there"),
        ReplayAct::Pin => ("pin", "pin, or unpin"),
        ReplayAct::Undo => ("undo mark", "take the last mark back"),
        ReplayAct::Redo => ("redo mark", "make the mark again"),
        ReplayAct::Layer => ("colours", "confidence, order, entropy"),
        ReplayAct::Grid => ("grid", "as text or in a grid"),
    }
}

const fn compare_words(act: CompareAct) -> &'static str {
    match act {
        CompareAct::Side => "the other side",
        CompareAct::Differences => "differences only",
        CompareAct::Inspect => "step by step",
        CompareAct::KeepFirst => "keep A",
        CompareAct::KeepSecond => "keep B",
    }
}

const fn edit_words(edit: LineEdit) -> &'static str {
    match edit {
        LineEdit::Left => "left",
        LineEdit::Right => "right",
        LineEdit::WordLeft => "a word left",
        LineEdit::WordRight => "a word right",
        LineEdit::LineStart => "start of line",
        LineEdit::LineEnd => "end of line",
        LineEdit::Backspace => "delete left",
        LineEdit::Delete => "delete",
        LineEdit::DeleteWordLeft => "delete word",
        LineEdit::DeleteWordRight => "delete next word",
        LineEdit::KillToStart => "delete to start",
        LineEdit::KillToEnd => "delete to end",
        LineEdit::Yank => "insert deleted",
        LineEdit::Undo => "undo",
        LineEdit::Redo => "redo",
    }
}
