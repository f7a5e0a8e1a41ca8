//! Long pastes and clicks.

use super::*;

#[test]
fn a_long_paste_is_sent_whole() {
    let mut driver = Driver::ready();
    let long = "a line\n".repeat(214);
    driver.write("read this: ");
    driver.act(Action::Paste(long.clone()));
    assert_eq!(driver.state.composer.lines().len(), 1);
    let effects = driver.key(KeyCode::Enter);
    let expected = format!("read this: {}", long.trim_end());
    assert_eq!(sent(&effects), [(Role::User, expected)]);
}

#[test]
fn a_long_paste_that_is_not_marked_goes_on_where_it_was_folded_and_sends_nothing() {
    let mut driver = Driver::ready();
    driver.act(Action::Burst("a\n".repeat(60)));
    driver.wait(2).act(Action::Burst("b\n".repeat(9)));
    driver.wait(2);
    let plain = |code| Action::Key(KeyEvent::new(code, KeyModifiers::NONE));
    driver.act(plain(KeyCode::Char('c')));
    assert_eq!(driver.act(plain(KeyCode::Enter)), []);
    let wake = driver.state.wakes_at();
    driver.wait(500);
    assert_eq!((wake, driver.entries().len()), (None, 0));
    let text = "a\n".repeat(60) + &"b\n".repeat(9) + "c\n";
    assert_eq!(driver.draft(), text);
}

#[test]
fn the_editor_gets_a_folded_paste_whole() {
    let mut driver = Driver::ready();
    let long = "a line\n".repeat(20);
    driver.act(Action::Paste(long.clone()));
    driver.ctrl('x');
    assert_eq!(driver.key(KeyCode::Char('e')), [Effect::EditDraft(long)]);
}

fn is_asking(driver: &Driver) -> bool {
    matches!(driver.state.overlays.last(), Some(Overlay::Confirm(_)))
}

#[test]
fn a_paste_above_a_megabyte_asks_and_goes_in_folded() {
    let mut driver = Driver::ready();
    let large = "a line of it\n".repeat(100_000);
    driver.write("see: ");
    driver.act(Action::Paste(large.clone()));
    assert!(is_asking(&driver));
    assert_eq!(driver.draft(), "see: ");
    driver.key(KeyCode::Enter);
    assert!(driver.state.overlays.is_empty());
    assert_eq!(driver.state.composer.lines().len(), 1);
    assert_eq!(driver.draft(), format!("see: {large}"));
}

#[test]
fn no_to_a_large_paste_leaves_what_was_written() {
    for no in [KeyCode::Esc, KeyCode::Char('n')] {
        let mut driver = Driver::ready();
        driver.write("see: ");
        driver.act(Action::Paste("x".repeat(1_000_001)));
        assert!(is_asking(&driver));
        driver.key(no);
        assert!(driver.state.overlays.is_empty());
        assert_eq!(driver.draft(), "see: ");
    }
}

#[test]
fn a_paste_of_a_megabyte_does_not_ask() {
    let mut driver = Driver::ready();
    driver.act(Action::Paste("x".repeat(1_000_000)));
    assert!(!is_asking(&driver));
    assert_eq!(driver.draft().len(), 1_000_000);
}

fn click(driver: &mut Driver, x: u16, y: u16) -> Vec<Effect> {
    driver.act(Action::Click(ratatui::layout::Position::new(x, y).into()))
}

#[test]
fn a_click_places_the_caret_in_the_draft() {
    let mut driver = Driver::ready();
    driver.act(Action::Paste("漢字 one\ntwo".to_owned()));
    click(&mut driver, 6, 21);
    driver.write("X");
    assert_eq!(driver.draft(), "漢X字 one\ntwo");
    click(&mut driver, 70, 22);
    driver.write("Y");
    assert_eq!(driver.draft(), "漢X字 one\ntwoY");
}

#[test]
fn a_click_in_what_was_said_gives_it_the_keys_and_one_in_the_draft_takes_them_back() {
    let mut driver = Driver::ready();
    click(&mut driver, 10, 5);
    assert_eq!(driver.state.focus, crate::state::Focus::Canvas);
    click(&mut driver, 10, 22);
    assert_eq!(driver.state.focus, crate::state::Focus::Composer);
}

#[test]
fn a_click_on_a_message_selects_it() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    // A row before each message: the question is in row 2, the answer in row 4, its figures in row 5.
    for (row, expected) in [(2, 0), (4, 1), (1, 0), (5, 1)] {
        click(&mut driver, 10, row);
        assert_eq!(driver.state.selected(), Some(expected), "row {row}");
    }
}

#[test]
fn a_click_chooses_a_row_and_a_second_one_takes_it() {
    let mut driver = Driver::ready();
    driver.ctrl('p');
    driver.write("/mouse");
    let list = crate::geometry::list(&driver.state).expect("the palette is a list");
    click(&mut driver, 10, list.area.y + 1);
    let now = crate::geometry::list(&driver.state).expect("the palette is a list");
    assert_eq!(now.chosen, 1);
    click(&mut driver, 10, list.area.y);
    assert_eq!(
        click(&mut driver, 10, list.area.y),
        [Effect::Mouse(Mouse::Released)]
    );
}

/// Clicks on a row of the list as the last frame showed it.
fn click_row(driver: &mut Driver, row: u16) {
    driver.frame();
    let list = crate::geometry::list(&driver.state).expect("a list is open");
    click(driver, 10, list.area.y + row);
    driver.frame();
}

fn chosen(driver: &Driver) -> usize {
    let list = crate::geometry::list(&driver.state).expect("a list is open");
    list.chosen
}

#[test]
fn a_row_stays_under_the_pointer_for_the_second_click() {
    let mut driver = Driver::ready();
    driver.ctrl('p');
    driver.key(KeyCode::End);
    driver.frame();
    let before = crate::geometry::list(&driver.state).expect("the palette is a list");
    assert!(before.top > 0);
    click_row(&mut driver, 2);
    let now = crate::geometry::list(&driver.state).expect("the palette is a list");
    assert_eq!((now.top, now.chosen), (before.top, before.top + 2));
}

#[test]
fn a_click_in_the_search_chooses_a_prompt_and_a_second_one_takes_it() {
    let mut driver = Driver::ready();
    for prompt in ["first", "second", "third"] {
        driver.state.history.add(prompt);
    }
    driver.ctrl('r');
    click_row(&mut driver, 2);
    assert_eq!(chosen(&driver), 2);
    driver.act(Action::Wheel(-3));
    assert_eq!(chosen(&driver), 0);
    click_row(&mut driver, 1);
    click_row(&mut driver, 1);
    assert_eq!(driver.draft(), "second");
    assert!(driver.state.overlays.is_empty());
}

#[test]
fn a_click_in_the_settings_chooses_a_field_and_a_second_one_types_its_value() {
    let mut driver = Driver::ready();
    driver.act(Action::Do(Command::Settings));
    click_row(&mut driver, 2);
    assert_eq!(chosen(&driver), 2);
    let is_typing = |driver: &Driver| match driver.state.overlays.last() {
        Some(Overlay::Settings(panel)) => panel.input.is_some(),
        _ => false,
    };
    assert!(!is_typing(&driver));
    click_row(&mut driver, 2);
    assert!(is_typing(&driver));
    driver.write("16");
    click_row(&mut driver, 1);
    assert_eq!((chosen(&driver), is_typing(&driver)), (1, false));
    assert_eq!(driver.state.settings.params.block_length, 16);
    // A heading is no field.
    click_row(&mut driver, 0);
    assert_eq!(chosen(&driver), 1);
}

#[test]
fn a_click_elsewhere_leaves_a_value_that_is_refused_to_be_corrected() {
    let mut driver = Driver::ready();
    driver.act(Action::Do(Command::Settings));
    driver.write("0");
    click_row(&mut driver, 3);
    assert_eq!(chosen(&driver), 1);
}

#[test]
fn a_click_on_the_model_in_the_header_opens_the_picker() {
    let mut driver = Driver::ready();
    click(&mut driver, 60, 0);
    assert_eq!(driver.list(), "models");
}

#[test]
fn a_click_beside_the_rows_of_a_list_does_nothing() {
    let mut driver = Driver::ready();
    driver.ctrl('p');
    driver.write("/mouse");
    let before = driver.state.overlays.clone();
    for (x, y) in [(10, 0), (10, 18), (0, 10), (79, 23)] {
        assert_eq!(click(&mut driver, x, y), []);
    }
    assert_eq!(driver.state.overlays, before);
}

#[test]
fn a_click_on_an_option_of_the_first_screen_chooses_it_and_a_second_one_opens_it() {
    let mut driver = Driver::bare();
    let options = crate::geometry::first_run(&driver.state).options;
    let (x, y) = (options.x + 10, options.y);
    assert_eq!(click(&mut driver, x, y + 1), []);
    assert_eq!(driver.state.machine.option, 1);
    click(&mut driver, x, y);
    assert_eq!(
        (driver.state.machine.option, driver.draft().as_str()),
        (0, "")
    );
    click(&mut driver, x, y);
    assert_eq!(driver.draft(), "/models add ");
    // The empty row below the options is none.
    click(&mut driver, x, y + 3);
    assert_eq!(driver.state.machine.option, 0);
}

#[test]
fn a_click_on_a_letter_of_the_menu_is_the_letter() {
    let mut driver = Driver::ready();
    driver.ctrl('x');
    let menu = crate::geometry::Menu::of(&driver.state);
    let letters = crate::keymap::letters(&driver.state.keymap);
    let mut at = letters.iter();
    let quit = at.position(|(command, _, _)| *command == Command::Quit);
    let quit = quit.expect("quit is in the menu");
    let x = 2 + 13 * (quit % menu.columns) as u16;
    let y = menu.area.y + 1 + (quit / menu.columns) as u16;
    assert_eq!(click(&mut driver, x, y), [Effect::Quit]);
}

#[test]
fn the_wheel_over_the_draft_never_walks_through_earlier_messages() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    driver.act(Action::Wheel(-3));
    assert_eq!(driver.draft(), "");
}
