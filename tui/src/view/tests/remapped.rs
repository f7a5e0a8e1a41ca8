//! Keys of the user's own: no panel names one that is gone.

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::action::Command;
use crate::fixture::machine;
use crate::keymap::{BINDINGS, Chord, Context, Rebinding};
use crate::lists;
use crate::state::{
    Composer, Confirm, Help, Info, ListData, ListPanel, Overlay, Sessions, SettingsPanel, Toast,
};

/// What the keys were called; `↓` is also the sign of more below.
const OLD: [&str; 10] = [
    "Enter", "Esc", "Tab", "^", "↑", "Del", "Alt+", "Shift+", "PgUp", "PgDn",
];

/// Every command whose keys are no letters has a function key that no keyboard has.
fn remap(state: &mut State) {
    let mut rebindings: Vec<Rebinding> = Vec::new();
    for (context, chord, command) in BINDINGS {
        let is_met = (rebindings.iter()).any(|it| it.context == *context && it.command == *command);
        if is_met || chord.writes() {
            continue;
        }
        let number = u8::try_from(rebindings.len() + 20).expect("there are fewer keys");
        rebindings.push(Rebinding {
            context: *context,
            command: command.clone(),
            chords: vec![Chord {
                code: KeyCode::F(number),
                modifiers: KeyModifiers::NONE,
            }],
        });
    }
    state
        .keymap
        .rebind(&rebindings)
        .expect("no two are the same");
}

#[track_caller]
fn check(name: &str, change: impl FnOnce(&mut State)) {
    let mut state = main_screen(size(120, 40));
    update(&mut state, Action::Scanned(Ok(machine().into())));
    remap(&mut state);
    change(&mut state);
    let text = screen(state);
    for old in OLD {
        assert!(!text.contains(old), "{name} names {old}:\n{text}");
    }
    assert!(text.contains(" F"), "{name} names no key:\n{text}");
}

#[track_caller]
fn check_overlay(name: &str, overlay: Overlay) {
    check(name, |state| state.overlays.push(overlay));
}

pub(super) fn confirm() -> Overlay {
    Overlay::Confirm(Confirm {
        title: "Really?".to_owned(),
        lines: vec!["It is a question.".to_owned()],
        yes: "do it".to_owned(),
        letter: 'd',
        command: Command::Scan,
    })
}

#[test]
fn no_list_names_a_key_that_is_gone() {
    let naming = Sessions {
        naming: Some("a name".to_owned()),
        ..Sessions::default()
    };
    let list = |kind, data| Overlay::List(ListPanel::new(kind, data));
    let sessions = |it| list(&lists::sessions::KIND, ListData::Sessions(it));
    check_overlay("the picker", list(&lists::models::KIND, ListData::Nothing));
    check_overlay("the conversations", sessions(Sessions::default()));
    check_overlay("a new name", sessions(naming));
    check("the search", lists::prompts::open);
    check_overlay(
        "the palette",
        list(&lists::palette::KIND, ListData::Nothing),
    );
    check_overlay(
        "the formats",
        list(&lists::formats::KIND, ListData::Nothing),
    );
    check_overlay(
        "the themes",
        list(&lists::themes::KIND, ListData::Theme("dark".to_owned())),
    );
}

#[test]
fn no_question_setting_or_text_names_a_key_that_is_gone() {
    let typing = SettingsPanel {
        input: Some(Composer::default()),
        ..SettingsPanel::default()
    };
    check_overlay("a question", confirm());
    check_overlay("the settings", Overlay::Settings(Box::default()));
    check_overlay("a value", Overlay::Settings(Box::new(typing)));
    check_overlay(
        "a text",
        Overlay::Info(Info {
            title: "A text".to_owned(),
            lines: vec!["to be read".to_owned()],
            top: 0,
        }),
    );
    check("how to get a model", |state| {
        update(
            state,
            Action::Do(Command::Look(crate::action::AfterScan::Get)),
        );
        update(state, Action::Scanned(Ok(machine().into())));
    });
    check("a failure", |state| {
        state.toast = Some(Toast {
            title: "It failed".to_owned(),
            lines: vec!["for a reason".to_owned()],
        });
    });
}

#[test]
fn neither_help_nor_menu_nor_chat_names_a_key_that_is_gone() {
    check_overlay("the help", Overlay::Help(Help::default()));
    check("the menu", |state| {
        update(state, Action::Do(Command::Menu));
        state.now.since_start += Duration::from_secs(1);
    });
    check("the chat", |_| ());
    check("the first screen", |state| state.model = None);
}

#[test]
fn a_question_without_keys_names_the_letters_that_answer_it() {
    let mut state = main_screen(size(80, 24));
    let rebindings = [
        (Context::Confirm, Command::Choose),
        (Context::Overlay, Command::Back),
    ];
    let rebindings = rebindings.map(|(context, command)| Rebinding {
        context,
        command,
        chords: Vec::new(),
    });
    state.keymap.rebind(&rebindings).expect("nothing clashes");
    state.overlays.push(confirm());
    assert!(screen(state).contains("d do it · n no"));
}
