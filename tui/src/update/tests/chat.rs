//! The composer, the queue, commands, scrolling, time.

use super::*;

#[test]
fn enter_sends_the_draft_with_the_conversation_before_it() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    let effects = driver.say("more");
    let said = |role, text: &str| (role, text.to_owned());
    assert_eq!(
        sent(&effects),
        [
            said(Role::User, "hello"),
            said(Role::Assistant, "hi"),
            said(Role::User, "more")
        ]
    );
    assert_eq!(driver.draft(), "");
}

#[test]
fn the_title_is_taken_from_the_first_message_only() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    driver.say("more");
    assert_eq!(driver.state.title, "hello");
}

#[test]
fn a_blank_message_is_not_sent() {
    let mut driver = Driver::ready();
    assert_eq!(driver.say("  "), []);
    assert_eq!(driver.notice(), "Type a message");
}

#[test]
fn every_newline_key_makes_a_new_line() {
    let mut driver = Driver::ready();
    driver.write("a");
    driver.ctrl('j');
    driver.write("b");
    driver.press(KeyCode::Enter, KeyModifiers::ALT);
    driver.write("c");
    driver.press(KeyCode::Enter, KeyModifiers::SHIFT);
    driver.write("d\\");
    driver.key(KeyCode::Enter);
    driver.write("e");
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(sent(&effects), [(Role::User, "a\nb\nc\nd\ne".to_owned())]);
}

#[test]
fn a_paste_is_cleaned_and_sent_as_one_message() {
    let mut driver = Driver::ready();
    driver.act(Action::Paste("a\r\nb\u{1b}[2J\0".to_owned()));
    let effects = driver.key(KeyCode::Enter);
    let expected = "a\nb\u{fffd}[2J\u{fffd}".to_owned();
    assert_eq!(sent(&effects), [(Role::User, expected)]);
}

#[test]
fn enter_within_a_raw_paste_never_sends() {
    let mut driver = Driver::ready();
    driver.wait(500);
    for code in [
        KeyCode::Char('a'),
        KeyCode::Char('b'),
        KeyCode::Char('c'),
        KeyCode::Enter,
        KeyCode::Char('d'),
        KeyCode::Enter,
    ] {
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        assert_eq!(driver.act(Action::Key(event)), []);
        driver.wait(1);
    }
    assert_eq!(driver.draft(), "abc\nd\n");
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(sent(&effects), [(Role::User, "abc\nd".to_owned())]);
}

#[test]
fn a_line_and_its_enter_in_one_go_are_sent_if_nothing_follows() {
    let mut driver = Driver::ready();
    driver.wait(500);
    let keys = ['a', 'b', 'c'].map(KeyCode::Char);
    for code in keys.into_iter().chain([KeyCode::Enter]) {
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        assert_eq!(driver.act(Action::Key(event)), []);
    }
    assert_eq!(driver.draft(), "abc");
    let time = ScreenTime {
        since_start: driver.state.wakes_at().expect("the Enter waits"),
        clock: TimeOfDay::default(),
    };
    let effects = driver.act(Action::Time(time));
    assert_eq!(sent(&effects), [(Role::User, "abc".to_owned())]);
}

#[test]
fn a_burst_is_written_and_an_enter_behind_it_too() {
    let mut driver = Driver::ready();
    driver.wait(500);
    assert_eq!(driver.act(Action::Burst("1\n2\n3".to_owned())), []);
    driver.wait(5);
    let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(driver.act(Action::Key(enter)), []);
    assert_eq!(driver.draft(), "1\n2\n3\n");
}

#[test]
fn the_menu_waits_for_a_letter_and_begins_anew_with_a_draft_at_hand() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    driver.write("draft");
    driver.ctrl('x');
    driver.key(KeyCode::Char('n'));
    assert!(driver.entries().is_empty() && driver.state.overlays.is_empty());
    assert_eq!(driver.draft(), "draft");
    driver.ctrl('x');
    driver.key(KeyCode::Char('j'));
    assert!(driver.state.overlays.is_empty());
    assert_eq!(
        driver.draft(),
        "draft",
        "a letter without meaning closes it"
    );
    driver.ctrl('x');
    assert_eq!(driver.key(KeyCode::Char('q')), [Effect::Quit]);
}

#[test]
fn messages_wait_while_an_answer_is_written_and_go_out_in_order() {
    let mut driver = Driver::denoising();
    assert_eq!(driver.say("second"), []);
    assert_eq!(driver.say("third"), []);
    assert_eq!(driver.state.queue, ["second", "third"]);
    let effects = driver.finish("hi", FinishReason::Complete);
    assert_eq!(
        sent(&effects).last().map(|said| said.1.as_str()),
        Some("second")
    );
    assert_eq!(driver.state.queue, ["third"]);
}

#[test]
fn up_takes_the_last_queued_message_back() {
    let mut driver = Driver::denoising();
    driver.say("second");
    driver.key(KeyCode::Up);
    assert_eq!(driver.draft(), "second");
    assert!(driver.state.queue.is_empty());
}

#[test]
fn the_twenty_first_message_stays_in_the_composer() {
    let mut driver = Driver::denoising();
    for _ in 0..21 {
        driver.say("x");
    }
    assert_eq!(
        (driver.state.queue.len(), driver.draft().as_str()),
        (20, "x")
    );
}

#[test]
fn a_message_waits_for_a_model() {
    let mut driver = Driver::bare();
    assert_eq!(driver.say("hello"), []);
    assert_eq!(driver.state.queue, ["hello"]);
    let effects = driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    assert_eq!(sent(&effects), [(Role::User, "hello".to_owned())]);
}

#[test]
fn up_and_down_walk_through_sent_messages() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    driver.write("dra");
    driver.ctrl('u');
    driver.key(KeyCode::Up);
    assert_eq!(driver.draft(), "hello");
    driver.key(KeyCode::Down);
    assert_eq!(driver.draft(), "");
}

#[test]
fn a_space_in_a_draft_does_not_resume() {
    let mut driver = Driver::paused();
    driver.write("a b");
    assert_eq!(driver.draft(), "a b");
    assert_eq!(driver.stage(), Some(Stage::Paused));
}

#[test]
fn slash_commands_act() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    driver.say("/new");
    assert_eq!(
        (driver.entries().len(), driver.state.title.as_str()),
        (0, "")
    );
    driver.say("/help");
    assert_eq!(
        driver.state.overlays,
        [Overlay::Help(crate::state::Help::default())]
    );
    driver.key(KeyCode::Esc);
    assert_eq!(driver.say("/mouse off"), [Effect::Mouse(Mouse::Released)]);
    assert_eq!(driver.say("/quit"), [Effect::Quit]);
}

#[test]
fn an_unknown_command_stays_in_the_composer() {
    let mut driver = Driver::ready();
    assert_eq!(driver.say("/hlep"), []);
    assert_eq!(driver.notice(), "No /hlep. Did you mean /help?");
    assert_eq!(driver.draft(), "/hlep");
}

#[test]
fn two_slashes_are_sent_as_one() {
    let mut driver = Driver::ready();
    let effects = driver.say("//help");
    assert_eq!(sent(&effects), [(Role::User, "/help".to_owned())]);
}

#[test]
fn a_new_conversation_waits_for_the_answer() {
    let mut driver = Driver::denoising();
    driver.say("/new");
    assert_eq!(driver.entries().len(), 1);
    assert_eq!(
        driver.notice(),
        "/new: an answer is being written: stop it first"
    );
}

#[test]
fn a_question_mark_asks_for_help_only_in_an_empty_composer() {
    let mut driver = Driver::ready();
    driver.write("a?");
    assert_eq!(driver.draft(), "a?");
    driver.ctrl('u');
    driver.write("?");
    assert_eq!(driver.state.overlays.len(), 1);
    driver.write("x");
    assert_eq!(driver.draft(), "", "an overlay gets every key");
}

#[test]
fn scrolling_holds_the_view_and_the_end_follows_again() {
    let mut driver = Driver::ready();
    let long = (0..60).map(|line| line.to_string()).collect::<Vec<_>>();
    driver.act(Action::Paste(long.join("\n")));
    driver.key(KeyCode::Enter);
    driver.frame();
    let followed = driver.layout.top();
    driver.act(Action::Wheel(-3));
    driver.frame();
    assert_eq!(driver.layout.top(), followed - 3);
    driver.begin();
    driver.frame();
    assert_eq!(driver.layout.top(), followed - 3, "steps do not move it");
    driver.act(Action::Do(Command::Scroll(Scroll::First)));
    driver.frame();
    assert_eq!(driver.layout.top(), 0);
    driver.act(Action::Do(Command::Scroll(Scroll::Follow)));
    assert_eq!(driver.state.transcript.view, View::Follow);
    driver.act(Action::Wheel(3));
    driver.frame();
    assert_eq!(driver.state.transcript.view, View::Follow);
}

#[test]
fn a_held_row_stays_first_when_the_width_changes() {
    let mut driver = Driver::ready();
    let words: Vec<String> = (1000..1600).map(|word| word.to_string()).collect();
    driver.act(Action::Paste(words.join(" ")));
    driver.key(KeyCode::Enter);
    for _ in 0..4 {
        driver.act(Action::Wheel(-3));
    }
    driver.frame();
    let word_on_top = |driver: &Driver| {
        let part = &driver.layout.parts(&driver.state)[0];
        let row = part.rows[driver.layout.top() - part.above].text();
        row.split(' ').next().map(str::to_owned)
    };
    let before = word_on_top(&driver);
    let narrow = Size {
        columns: 45,
        rows: 24,
    };
    driver.act(Action::Resize(narrow));
    driver.frame();
    driver.act(Action::Resize(Size {
        columns: 80,
        rows: 24,
    }));
    driver.frame();
    assert_eq!(word_on_top(&driver), before);
}

#[test]
fn nothing_is_drawn_while_nothing_happens() {
    let mut driver = Driver::denoising();
    driver.state.is_dirty = false;
    driver.wait(10_000);
    assert!(!driver.state.is_dirty);
    assert_eq!(driver.state.wakes_at(), None);
}

#[test]
fn notices_go_away_by_themselves() {
    let mut driver = Driver::ready();
    driver.say(" ");
    driver.state.is_dirty = false;
    let wake = driver.state.wakes_at().expect("a notice wakes the screen");
    driver.now = wake;
    driver.wait(0);
    assert_eq!((driver.notice(), driver.state.is_dirty), ("", true));
}

#[test]
fn shift_enter_is_hinted_only_where_it_can_be_told_from_enter() {
    let mut driver = Driver::ready();
    let newline = |driver: &Driver| {
        let hints = crate::hints::hints(&driver.state);
        let found = hints.into_iter().find(|(_, word)| *word == "newline");
        found.map(|(key, _)| key)
    };
    assert_eq!(newline(&driver).as_deref(), Some("^J"));
    driver.state.look.keyboard = crate::state::Keyboard::Kitty;
    assert_eq!(newline(&driver).as_deref(), Some("Shift+Enter"));
}
