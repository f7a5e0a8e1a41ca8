use super::*;

fn of(text: &str) -> Composer {
    let mut composer = Composer::default();
    composer.insert(text);
    composer
}

#[track_caller]
fn check(text: &str, width: usize, expected: &[&str], caret: (usize, usize)) {
    let composer = of(text);
    let (rows, at) = composer.rows(width);
    let rows: Vec<&str> = rows
        .iter()
        .map(|row| &composer.lines()[row.line][row.start..row.end])
        .collect();
    assert_eq!((rows.as_slice(), (at.row, at.cell)), (expected, caret));
}

#[test]
fn the_caret_is_counted_in_cells() {
    check("漢字é👩‍👩‍👧", 20, &["漢字é👩‍👩‍👧"], (0, 7));
}

#[test]
fn a_full_row_puts_the_caret_in_the_next() {
    check("abcd", 4, &["abcd", ""], (1, 0));
    check("abcde", 4, &["abcd", "e"], (1, 1));
}

#[test]
fn wide_characters_do_not_straddle_the_edge() {
    check("a漢字", 4, &["a漢", "字"], (1, 2));
}

#[test]
fn every_line_has_a_row() {
    check("a\n\nb", 4, &["a", "", "b"], (2, 1));
}

#[test]
fn up_and_down_follow_the_rows_that_are_drawn() {
    let mut composer = of("abcdefgh\nij");
    assert!(composer.row_up(5));
    composer.insert("X");
    assert_eq!(composer.text(), "abcdefgXh\nij");
    assert!(composer.row_up(5));
    assert!(!composer.row_up(5));
    assert!(composer.row_down(5));
    assert!(composer.row_down(5));
    assert!(!composer.row_down(5));
}

#[test]
fn a_backslash_before_the_caret_can_be_taken() {
    let mut composer = of("a\\");
    assert!(composer.take_backslash());
    assert!(!composer.take_backslash());
    assert_eq!(composer.text(), "a");
}

#[test]
fn what_was_killed_can_be_yanked() {
    let mut composer = of("one two");
    composer.edit(LineEdit::DeleteWordLeft);
    assert_eq!(composer.text(), "one ");
    composer.edit(LineEdit::Yank);
    assert_eq!(composer.text(), "one two");
    composer.edit(LineEdit::KillToStart);
    composer.edit(LineEdit::Undo);
    assert_eq!(composer.text(), "one two");
}

#[test]
fn a_long_paste_is_folded_and_whole_in_the_text() {
    let long = "line\n".repeat(11);
    let mut composer = of("see ");
    composer.paste(&long);
    composer.insert(" !");
    let (rows, caret) = composer.rows(40);
    assert_eq!(composer.shown(&rows[0]), "see [pasted 11 lines] !");
    assert_eq!(caret.cell, 23);
    assert_eq!(composer.text(), format!("see {long} !"));
}

#[test]
fn a_folded_paste_is_deleted_and_comes_back_as_one() {
    let mut composer = of("a");
    composer.paste(&"x".repeat(2049));
    assert_eq!(composer.shown(&composer.rows(40).0[0]), "a[pasted 3 kB]");
    composer.edit(LineEdit::Backspace);
    assert_eq!(composer.text(), "a");
    composer.edit(LineEdit::Undo);
    assert_eq!(composer.text().len(), 2050);
}

#[test]
fn a_short_paste_is_not_folded() {
    let mut composer = of("");
    composer.paste(&"x\n".repeat(10));
    assert_eq!(composer.lines().len(), 11);
}

#[test]
fn nobody_can_write_what_stands_for_a_paste() {
    let mut composer = of("");
    composer.paste(&"secret\n".repeat(11));
    let folded = composer.lines()[0].clone();
    composer.replace(&folded);
    assert_eq!(composer.text(), "\u{fffd}");
}

#[test]
fn more_of_a_paste_goes_to_what_is_folded() {
    let mut composer = of("");
    assert!(!composer.extend_paste("x"));
    composer.paste(&"x\n".repeat(11));
    assert!(composer.extend_paste("y\n"));
    assert_eq!(composer.text().lines().count(), 12);
}
