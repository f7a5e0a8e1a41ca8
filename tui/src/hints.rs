//! What the last row says of keys.

use crossterm::event::{KeyCode, KeyModifiers};

use crate::commands::{Command, CompareAct, ReplayAct};
use crate::contexts::of_chat;
use crate::keymap::Chord;
use crate::state::{Activity, Entry, Focus, Keyboard, Pending, Stage, State, Turn};

/// What some commands with one word do together.
type Hint = (&'static [Command], &'static str);

/// Below this there is room for the way to the menu alone.
const NARROW: u16 = 60;

const MENU: Hint = (&[Command::Menu], "menu");
const STOP: Hint = (&[Command::Interrupt], "stop");
const CANVAS: Hint = (&[Command::Focus], "canvas");
const LEAVE: Hint = (&[Command::Quit], "leave");
const BACK: Hint = (&[Command::Back], "back");
const MESSAGES: Hint = (&[Command::PreviousMessage, Command::NextMessage], "message");
const COPY: Hint = (&[Command::CopyMessage], "copy");
const REPLAY: Hint = (&[Command::Replay(ReplayAct::Open)], "replay");
const STEER: Hint = (&[Command::Replay(ReplayAct::Open)], "steer");
const EXPORT: Hint = (&[Command::Formats], "export");
const RAW: Hint = (&[Command::ToggleRaw], "raw/text");

/// What may be done in the chat now, the most useful first: keys and words for the last row. An overlay has its keys in its
/// frame.
#[must_use]
pub fn hints(state: &State) -> Vec<(String, &'static str)> {
    let wanted = match (state.size.columns, state.focus) {
        _ if state.compared().is_some() => of_compare(),
        _ if state.replay.is_some() => of_replay(state),
        (0..NARROW, _) if !state.is_too_small() => vec![MENU],
        (_, Focus::Composer) => of_composer(state),
        (_, Focus::Canvas) => of_canvas(state),
    };
    let hint = |(commands, word): Hint| Some((keys(state, commands)?, word));
    wanted.into_iter().filter_map(hint).collect()
}

/// The hint that leads to the menu.
#[must_use]
pub fn menu(state: &State) -> Option<(String, &'static str)> {
    let (commands, word) = MENU;
    Some((keys(state, commands)?, word))
}

fn of_composer(state: &State) -> Vec<Hint> {
    if state.completions().is_some() {
        return vec![
            (&[Command::Choose], "complete"),
            (&[Command::Up, Command::Down], "choose"),
            (&[Command::Send], "run"),
            MENU,
        ];
    }
    match &state.activity {
        Activity::Loading(_) => vec![(&[Command::Back], "cancel loading"), MENU],
        Activity::Idle if state.is_first_run() && state.composer.is_empty() => vec![
            (&[Command::Up, Command::Down], "choose"),
            (&[Command::Choose], "open"),
            (&[Command::Help], "help"),
            MENU,
            LEAVE,
        ],
        Activity::Idle if state.welcomed().is_some() => vec![
            (&[Command::Send], "send"),
            (&[Command::Newline], "newline"),
            MENU,
            LEAVE,
        ],
        Activity::Idle => vec![
            (&[Command::Send], "send"),
            (&[Command::Newline], "newline"),
            CANVAS,
            MENU,
        ],
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising => vec![(&[Command::Back], "pause"), STOP, CANVAS, MENU],
            Stage::Pausing { .. } => vec![STOP, CANVAS, MENU],
            Stage::Paused => vec![
                (&[Command::Resume], "go on"),
                (&[Command::Back], "stop"),
                CANVAS,
                MENU,
            ],
            Stage::Stopping { .. } => vec![(&[Command::Interrupt], "abandon"), CANVAS, MENU],
        },
    }
}

fn of_canvas(state: &State) -> Vec<Hint> {
    let selected = state.selected();
    let entries = &state.transcript.entries;
    let is_running = selected == Some(entries.len());
    match (state.running(), selected.and_then(|at| entries.get(at))) {
        (Some(turn), _) if is_running => of_turn(turn),
        (_, Some(item)) if matches!(item.entry, Entry::Answer(_)) => {
            vec![REPLAY, MESSAGES, RAW, COPY, BACK]
        }
        (_, Some(_)) => vec![MESSAGES, COPY, BACK, MENU],
        (_, None) => vec![BACK, MENU],
    }
}

fn of_compare() -> Vec<Hint> {
    use Command::{Compare as Do, Replay as Step};
    vec![
        (
            &[Step(ReplayAct::Back), Step(ReplayAct::Forward)],
            "step both",
        ),
        (&[Do(CompareAct::Side)], "side"),
        (&[Do(CompareAct::Differences)], "differences"),
        (&[Do(CompareAct::KeepFirst)], "keep A"),
        (&[Do(CompareAct::KeepSecond)], "keep B"),
        BACK,
        (&[Do(CompareAct::Inspect)], "inspect"),
        EXPORT,
    ]
}

fn of_replay(state: &State) -> Vec<Hint> {
    const fn act(act: &'static [Command], word: &'static str) -> Hint {
        (act, word)
    }
    use Command::Replay as Do;
    use ReplayAct as Act;
    let play = match state.is_replay_live() && state.is_paused() {
        true => "go on",
        false => "play",
    };
    vec![
        act(&[Do(Act::Back), Do(Act::Forward)], "step"),
        act(&[Do(Act::Play)], play),
        act(
            &[
                Do(Act::TokenLeft),
                Do(Act::TokenDown),
                Do(Act::TokenUp),
                Do(Act::TokenRight),
            ],
            "token",
        ),
        act(&[Do(Act::LeastSure)], "unsure"),
        act(&[Do(Act::Span)], "select"),
        act(&[Do(Act::Layer)], "colours"),
        BACK,
        EXPORT,
        act(&[Do(Act::Remask)], "melt"),
        act(&[Do(Act::Refill)], "refill"),
        (&[Command::Help], "help"),
    ]
}

fn of_turn(turn: &Turn) -> Vec<Hint> {
    const PLAY: &[Command] = &[Command::PauseOrResume];
    let fold = match turn.pending {
        Pending::Folded => "unfold",
        Pending::Unfolded => "fold",
    };
    match turn.stage {
        Stage::Denoising => vec![
            (PLAY, "pause"),
            (&[Command::Unfold], fold),
            MESSAGES,
            COPY,
            BACK,
        ],
        Stage::Paused => vec![
            (&[Command::Resume, Command::PauseOrResume], "go on"),
            STEER,
            STOP,
            MESSAGES,
            BACK,
        ],
        Stage::Pausing { .. } => vec![STOP, MESSAGES, COPY, BACK],
        Stage::Stopping { .. } => vec![(&[Command::Interrupt], "abandon"), MESSAGES, BACK],
    }
}

/// The first key of each command; of commands that share a key it is named once, and one without a key is left out.
fn keys(state: &State, commands: &[Command]) -> Option<String> {
    let mut labels: Vec<String> = Vec::new();
    for command in commands {
        if let Some(label) = key(state, command).filter(|label| !labels.contains(label)) {
            labels.push(label);
        }
    }
    // Arrows and letters are read as one word.
    let is_short = |label: &String| {
        let mut characters = label.chars();
        let first = characters.next();
        characters.next().is_none() && first.is_some_and(|it| it.is_alphabetic() || !it.is_ascii())
    };
    let between = if labels.iter().all(is_short) { "" } else { " " };
    (!labels.is_empty()).then(|| labels.join(between))
}

fn key(state: &State, command: &Command) -> Option<String> {
    let chords = state.keymap.chords(&of_chat(state), command);
    let shift_enter = Chord {
        code: KeyCode::Enter,
        modifiers: KeyModifiers::SHIFT,
    };
    let is_told_apart = state.look.keyboard == Keyboard::Kitty && chords.contains(&shift_enter);
    let chord = if is_told_apart {
        Some(shift_enter)
    } else {
        chords.first().copied()
    };
    chord.map(Chord::label)
}
