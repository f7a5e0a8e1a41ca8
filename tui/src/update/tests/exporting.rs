//! Answers that are written into files.

use super::*;
use crate::action::Copied;

/// An answer whose export has begun.
fn exporting() -> Driver {
    let mut driver = Driver::denoising();
    driver.finish("Two and three", FinishReason::Complete);
    let effects = driver.say("/export gif");
    assert!(matches!(&effects[..], [Effect::Export(_)]), "{effects:?}");
    driver
}

#[test]
fn leaving_in_the_middle_of_an_export_asks_first() {
    let mut driver = exporting();
    assert_eq!(driver.ctrl('d'), []);
    assert!(matches!(
        driver.state.overlays.last(),
        Some(Overlay::Confirm(_))
    ));
    driver.key(KeyCode::Esc);
    assert!(driver.state.overlays.is_empty());
    driver.ctrl('d');
    assert_eq!(driver.key(KeyCode::Char('q')), [Effect::Quit]);
}

#[test]
fn once_every_file_is_written_or_refused_nothing_is_asked() {
    let mut driver = exporting();
    driver.say("/export html");
    driver.act(Action::Copied(Copied::Exported("a.gif".into(), 7)));
    assert_eq!(driver.ctrl('d'), []);
    driver.key(KeyCode::Esc);
    driver.act(Action::Copied(Copied::NotExported(
        "the disk is full".to_owned(),
    )));
    driver.key(KeyCode::Esc);
    assert_eq!(driver.ctrl('d'), [Effect::Quit]);
}

#[test]
fn a_signal_ends_the_program_whatever_is_written() {
    let mut driver = exporting();
    assert_eq!(driver.act(Action::Do(Command::Leave)), [Effect::Quit]);
}

#[test]
fn a_format_is_chosen_from_a_list_that_typing_filters() {
    let mut driver = Driver::denoising();
    driver.finish("Two and three", FinishReason::Complete);
    driver.say("/export");
    assert_eq!(driver.list(), "formats");
    driver.write("asciinema");
    let effects = driver.key(KeyCode::Enter);
    assert!(
        matches!(&effects[..], [Effect::Export(job)] if job.format == crate::state::ExportFormat::Cast),
        "{effects:?}"
    );
    // A letter of the menu and a key of the canvas lead there too.
    for keys in [
        [KeyCode::Tab, KeyCode::Char('o')],
        [KeyCode::Char('i'), KeyCode::Char('o')],
    ] {
        for key in keys {
            driver.key(key);
        }
        assert_eq!(driver.list(), "formats", "{keys:?}");
        driver.key(KeyCode::Esc);
    }
    driver.key(KeyCode::Esc);
    driver.key(KeyCode::Esc);
    driver.ctrl('x');
    driver.key(KeyCode::Char('o'));
    assert_eq!(driver.list(), "formats");
}

#[test]
fn letters_of_the_menu_begin_a_search_and_compare_the_last_answers() {
    let mut driver = Driver::denoising();
    driver.finish("Two and three", FinishReason::Complete);
    driver.ctrl('x');
    driver.key(KeyCode::Char('f'));
    assert_eq!(driver.draft(), "/find ");
    driver.ctrl('u');
    driver.ctrl('x');
    driver.key(KeyCode::Char('c'));
    assert!(
        driver.notice().contains("no two answers"),
        "{}",
        driver.notice()
    );
}
