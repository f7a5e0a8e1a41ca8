use unmask_core::event::CommitKind;

use super::*;
use crate::fixture::{self, FixtureCell};
use crate::layout::answer_so_far;

fn options(width: usize) -> LayoutOptions {
    LayoutOptions {
        ghosts: crate::state::Ghosts::Hidden,
        width,
        mask_width: crate::state::MASK_WIDTH,
        emoji: crate::cells::Emoji::default(),
    }
}

fn spans(cells: &[FixtureCell], width: usize) -> Vec<String> {
    let turn = fixture::turn_of(cells);
    let rows = canvas_rows(&turn, options(width));
    rows.iter().map(Row::text).collect()
}

#[track_caller]
fn check(cells: &[FixtureCell], width: usize, expected: &[&str]) {
    assert_eq!(spans(cells, width), expected);
}

use FixtureCell::{End, Mask, Special, Text};

#[test]
fn a_mask_is_four_cells_and_never_splits() {
    check(
        &[Text(b"ab"), Mask, Mask, Text(b"."), Mask],
        10,
        &["ab ▒▒▒", "▒▒▒. ▒▒▒"],
    );
}

#[test]
fn split_characters_are_joined_before_they_are_decoded() {
    check(
        &[Text(b"\xe6"), Text(b"\xbc"), Text(b"\xa2!")],
        10,
        &["漢!"],
    );
}

#[test]
fn an_unfinished_character_is_one_box_until_its_neighbour_arrives() {
    check(
        &[Text(b"a\xf0\x9f"), Mask, Text(b"\x98\x80b")],
        20,
        &["a▯ ▒▒▒▯b"],
    );
    check(&[Text(b"a\xf0\x9f"), Text(b"\x98\x80b")], 20, &["a😀b"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    check(&[Text(b"a\xffb\x1b[2J")], 20, &["a\u{fffd}b\u{fffd}[2J"]);
}

#[test]
fn a_newline_is_drawn_and_breaks() {
    check(
        &[Text(b"a."), Text(b"\n\n"), Text(b"b"), Text(b"\n"), Mask],
        20,
        &["a.↵↵", "", "b↵", " ▒▒▒"],
    );
}

#[test]
fn ends_are_counted_from_three_on_and_fold_once_the_text_is_complete() {
    check(&[Text(b"a"), End], 20, &["a␃"]);
    check(&[Text(b"a"), End, End], 20, &["a␃␃"]);
    check(&[Text(b"a"), End, End, End, Mask], 20, &["a␃×4"]);
    check(
        &[Text(b"a"), Mask, End, End, End, Mask],
        20,
        &["a ▒▒▒␃×3 ▒▒▒"],
    );
}

#[test]
fn a_canvas_of_nothing_but_ends_is_one_sign() {
    check(&[End; 37], 20, &["␃×37"]);
}

#[test]
fn text_after_the_end_is_struck_through() {
    let turn = fixture::turn_of(&[Text(b"a"), End, Text(b" b")]);
    let rows = canvas_rows(&turn, options(20));
    let roles: Vec<Role> = rows[0].spans.iter().map(|span| span.role).collect();
    assert_eq!(roles, [Role::FreshHigh, Role::Muted, Role::Ended]);
}

#[test]
fn other_special_tokens_are_named() {
    check(
        &[Text(b"a"), Special("<|start_header_id|>")],
        30,
        &["a⟨start_header_id⟩"],
    );
}

#[test]
fn wide_characters_wrap_before_the_edge() {
    check(
        &[Text("漢字".as_bytes()), Text("仮名".as_bytes())],
        5,
        &["漢字", "仮名"],
    );
}

#[test]
fn emoji_joined_over_two_tokens_are_one_grapheme_of_the_first() {
    let turn = fixture::turn_of(&[Text("👩\u{200d}".as_bytes()), Text("🚀".as_bytes())]);
    let rows = canvas_rows(&turn, options(20));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].text(), "👩\u{200d}🚀");
    assert_eq!(rows[0].spans.len(), 1);
}

#[test]
fn the_last_step_is_coloured_by_confidence_and_earlier_ones_fade() {
    let mut turn = fixture::turn_of(&[Text(b"a"), Mask, Mask, Mask]);
    for (at, confidence) in [(1, 0.1), (2, 0.5), (3, 0.9)] {
        fixture::commit(&mut turn, 2, at, confidence, CommitKind::New);
    }
    let roles: Vec<Role> = canvas_rows(&turn, options(20))[0]
        .spans
        .iter()
        .map(|span| span.role)
        .collect();
    assert_eq!(
        roles,
        [
            Role::FadingHigh,
            Role::FreshLow,
            Role::FreshMiddle,
            Role::FreshHigh
        ]
    );
}

#[test]
fn a_token_that_replaced_another_is_marked() {
    let mut turn = fixture::turn_of(&[Text(b"a"), Text(b"b")]);
    fixture::commit(&mut turn, 2, 1, 0.9, CommitKind::Changed);
    assert_eq!(
        canvas_rows(&turn, options(20))[0]
            .spans
            .last()
            .map(|span| span.role),
        Some(Role::Changed)
    );
}

#[test]
fn an_end_before_a_pin_ends_nothing() {
    let cells = [Text(b"a"), End, Text(b" b"), Text(b" c")];
    let mut turn = fixture::turn_with_pin(&cells, 2);
    assert_eq!(answer_so_far(&turn), "a b c");
    let roles = |turn: &Turn| -> Vec<Role> {
        let rows = canvas_rows(turn, options(20));
        rows[0].spans.iter().map(|span| span.role).collect()
    };
    let (fresh, pin) = (Role::FreshHigh, Role::Pinned);
    assert_eq!(roles(&turn), [fresh, Role::Muted, pin, fresh]);
    turn = fixture::turn_with_pin(&cells, 0);
    assert_eq!(answer_so_far(&turn), "a");
}

#[test]
fn a_tab_goes_to_the_next_multiple_of_four() {
    check(&[Text(b"ab\tc"), Text(b"\t\td")], 20, &["ab  c       d"]);
}

#[test]
fn a_leading_space_stays_with_its_token() {
    let turn = fixture::turn_of(&[Text(b"a"), Mask, Text(b" b")]);
    let rows = canvas_rows(&turn, options(20));
    let spans: Vec<&str> = rows[0]
        .spans
        .iter()
        .map(|span| span.text.as_str())
        .collect();
    assert_eq!(spans, ["a", " ▒▒▒", " b"]);
}

#[test]
fn a_wide_character_beside_a_mask_never_straddles_the_edge() {
    check(
        &[Text("漢".as_bytes()), Mask, Text("字".as_bytes())],
        7,
        &["漢 ▒▒▒", "字"],
    );
    check(
        &[Text("漢".as_bytes()), Mask, Text("字".as_bytes())],
        8,
        &["漢 ▒▒▒字"],
    );
}

#[test]
fn a_joined_emoji_that_is_split_by_a_mask_is_two_until_it_is_whole() {
    let cells = [Text("👩\u{200d}".as_bytes()), Mask, Text("🚀".as_bytes())];
    check(&cells, 20, &["👩\u{200d} ▒▒▒🚀"]);
}

#[test]
fn masks_are_as_wide_as_is_set() {
    let turn = fixture::turn_of(&[Text(b"a"), Mask, Mask]);
    let rows = |mask_width| {
        let width = 30;
        let rows = canvas_rows(
            &turn,
            LayoutOptions {
                ghosts: crate::state::Ghosts::Hidden,
                mask_width,
                ..options(width)
            },
        );
        rows.iter().map(Row::text).collect::<Vec<_>>()
    };
    assert_eq!(rows(1), ["a▒▒"]);
    assert_eq!(rows(2), ["a ▒ ▒"]);
    assert_eq!(rows(8), ["a ▒▒▒▒▒▒▒ ▒▒▒▒▒▒▒"]);
    assert_eq!((rows(0), rows(200)), (rows(1), rows(8)));
}

#[test]
fn blocks_that_wait_are_one_row_or_their_masks() {
    let mut turn = fixture::turn_of(&[Text(b"a"), Mask]);
    let params = unmask_core::Params {
        steps: 4,
        block_length: 2,
        ..unmask_core::Params::default()
    };
    turn.lay_out(unmask_core::Canvas::new(&[], 6, fixture::MASK), &params);
    let rows = |turn: &Turn| {
        canvas_rows(turn, options(40))
            .iter()
            .map(Row::text)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        rows(&turn),
        [" ▒▒▒ ▒▒▒", "", "⋯ 2 blocks pending · 4 tokens"]
    );
    turn.pending = Pending::Unfolded;
    assert_eq!(rows(&turn), [" ▒▒▒ ▒▒▒ ▒▒▒ ▒▒▒ ▒▒▒ ▒▒▒"]);
}

#[test]
fn rows_begin_at_tokens_so_that_a_view_holds_while_the_canvas_changes() {
    let mut turn = fixture::turn_of(&[Text(b"one "), Mask, Mask, Text(b"four"), Mask]);
    let from = |turn: &Turn| {
        let rows = canvas_rows(turn, options(8));
        rows.iter().map(|row| row.from).collect::<Vec<_>>()
    };
    assert_eq!(from(&turn), [0, 2, 4]);
    fixture::commit(&mut turn, 2, 1, 0.9, CommitKind::New);
    assert_eq!(from(&turn), [0, 2, 4]);
}

#[test]
fn tokens_and_bytes_of_the_text_name_the_same_places() {
    let turn = fixture::turn_of(&[Text(b"\n one"), Text(b" two"), End, Text(b" three")]);
    assert_eq!(
        [0, 1, 2, 3, 9].map(|token| turn.byte_of(token)),
        [0, 3, 7, 7, 7]
    );
    assert_eq!([0, 2, 3, 6].map(|byte| turn.token_of(byte)), [0, 0, 1, 1]);
}

#[test]
fn an_abandoned_turn_keeps_the_text_before_the_first_mask() {
    let turn = fixture::turn_of(&[Text(b"a"), Text(b" b"), Mask, Text(b" c")]);
    assert_eq!(answer_so_far(&turn), "a b");
    let turn = fixture::turn_of(&[Text(b"a"), Text(b"\xf0\x9f"), Mask]);
    assert_eq!(answer_so_far(&turn), "a");
    let turn = fixture::turn_of(&[Text(b"a"), End, Text(b" c")]);
    assert_eq!(answer_so_far(&turn), "a");
}

#[test]
fn a_line_below_a_doubtful_word_begins_with_the_word() {
    let cells = [Text(b"a"), Text(b" b"), Text(b" c"), Text(b" d")];
    let mut turn = fixture::turn_of(&[Mask; 4]);
    let confidences = [0.9, 0.1, 0.1, 0.9].into_iter().enumerate();
    turn.loaded = fixture::loaded(&cells);
    let commits = confidences.map(|(at, p)| fixture::new(at, fixture::token(&cells, at), p));
    turn.apply(&fixture::step(2, 4, commits.collect()));
    let rows = canvas_rows(&turn, options(20));
    let marked = rows[0].spans.iter().filter(|it| it.role == Role::FreshLow);
    let marked: Vec<&str> = marked.map(|it| it.text.as_str()).collect();
    // What lies between two such words is below the line too.
    assert_eq!((rows[0].text().as_str(), marked), ("a b c d", vec!["b c"]));
}

#[test]
fn a_cursor_begins_with_the_word_and_a_token_of_spaces_has_it_too() {
    let cells = [Text(b"a"), Text(b" b"), Text(b" "), Text(b" c")];
    let turn = fixture::turn_of(&cells);
    let over = |from: usize, to: usize| {
        let over = |at: usize| (from..to).contains(&at).then_some(Role::Cursor);
        let picture = CanvasPicture {
            loaded: &turn.loaded,
            answer: turn.answer(),
            mask: turn.mask(),
            pinned: 0,
            role: &|_| Role::Text,
            guesses: Guesses::default(),
            over: &over,
        };
        let (rows, _) = picture_rows(picture, options(20), cells.len());
        assert_eq!(rows[0].text(), "a b  c");
        let marked = rows[0].spans.iter().filter(|it| it.role == Role::Cursor);
        marked.map(|it| it.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(over(1, 2), ["b"]);
    assert_eq!(over(2, 3), [" "]);
    assert_eq!(over(1, 4), ["b  c"]);
}
