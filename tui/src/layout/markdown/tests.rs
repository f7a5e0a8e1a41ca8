use super::*;

fn rows(text: &str, width: usize) -> Vec<Row> {
    markdown_rows(text, width, Emoji::Wide, &Highlighter::default())
}

fn lines(text: &str, width: usize) -> Vec<String> {
    rows(text, width).iter().map(Row::text).collect()
}

#[track_caller]
fn check(text: &str, width: usize, expected: &[&str]) {
    assert_eq!(lines(text, width), expected);
}

/// The pieces of the only row, with their roles.
#[track_caller]
fn roles(text: &str, expected: &[(&str, Role)]) {
    let rows = rows(text, 80);
    let [row] = rows.as_slice() else {
        panic!("not one row: {rows:?}");
    };
    let spans: Vec<(&str, Role)> = row
        .spans
        .iter()
        .map(|it| (it.text.as_str(), it.role))
        .collect();
    assert_eq!(spans, expected);
}

#[test]
fn emphasis_is_a_role_and_its_signs_are_gone() {
    roles(
        "a *b* **c** ***d*** ~~e~~ \\*f\\*",
        &[
            ("a ", Role::Text),
            ("b", Role::Emphasis),
            (" ", Role::Text),
            ("c", Role::Strong),
            (" ", Role::Text),
            ("d", Role::StrongEmphasis),
            (" ", Role::Text),
            ("e", Role::Struck),
            (" *f*", Role::Text),
        ],
    );
}

#[test]
fn a_heading_is_bold_without_its_signs() {
    roles("## Two *words*", &[("Two words", Role::Heading)]);
}

#[test]
fn code_among_words_keeps_its_ticks() {
    roles(
        "a ``b`c``",
        &[
            ("a ", Role::Text),
            ("``", Role::Quiet),
            ("b`c", Role::Code),
            ("``", Role::Quiet),
        ],
    );
}

#[test]
fn a_link_says_where_it_leads() {
    roles(
        "[here](https://a.b/c)",
        &[("here", Role::Link), (" (https://a.b/c)", Role::Quiet)],
    );
    roles("<https://a.b>", &[("https://a.b", Role::Link)]);
    roles(
        "![a cat](cat.png)",
        &[("a cat", Role::Link), (" (cat.png)", Role::Quiet)],
    );
}

#[test]
fn html_is_text() {
    check(
        "a<br>b <script>x</script>",
        80,
        &["a<br>b <script>x</script>"],
    );
    check("<div>\n**x**\n</div>", 80, &["<div>", "**x**", "</div>"]);
}

#[test]
fn lines_of_a_paragraph_stay_lines() {
    check(
        "Roses are red,\nviolets are blue.  \nEnd\\\nof it",
        80,
        &["Roses are red,", "violets are blue.", "End", "of it"],
    );
}

#[test]
fn lines_keep_their_indentation_also_without_fences() {
    check(
        "def f(x):\n    if x:\n        return x\n- a\n  b\n    c",
        40,
        &[
            "def f(x):",
            "    if x:",
            "        return x",
            "• a",
            "  b",
            "    c",
        ],
    );
}

#[test]
fn code_lies_on_a_ground_from_its_bar_on() {
    let rows = rows("> ```py\n> x\n> ```", 40);
    let grounds: Vec<_> = rows
        .iter()
        .map(|row| (row.ground, row.ground_from()))
        .collect();
    assert_eq!(grounds, [(Some(Role::Surface), 2); 2]);
    assert!(rows[0].is_label() && !rows[1].is_label());
}

#[test]
fn blocks_are_as_far_apart_as_they_were_written() {
    check(
        "# A\nb\n\n\n\nc\n***\nd",
        8,
        &["A", "b", "", "c", "────────", "d"],
    );
    check("a\n===\nb", 8, &["a", "b"]);
}

#[test]
fn lists_nest_and_hang() {
    check(
        "- one two three\n- b\n  1. c\n  2. d\n     - e\n- f",
        12,
        &[
            "• one two",
            "  three",
            "• b",
            "  1. c",
            "  2. d",
            "     • e",
            "• f",
        ],
    );
}

#[test]
fn a_list_counts_from_its_first_number() {
    check("9. a\n9. b\n", 10, &["9. a", "10. b"]);
}

#[test]
fn loose_lists_have_empty_rows_and_paragraphs_hang() {
    check("- a\n\n  b\n\n- c", 10, &["• a", "", "  b", "", "• c"]);
}

#[test]
fn tasks_show_whether_they_are_done() {
    check("- [x] a\n- [ ] b", 10, &["• [x] a", "• [ ] b"]);
}

#[test]
fn an_item_without_text_has_its_mark() {
    check("-\n- a", 10, &["• ", "• a"]);
}

#[test]
fn quotes_have_a_bar() {
    check(
        "> one two three\n>\n> b\n\nc\n> > d",
        9,
        &["│ one two", "│ three", "│ ", "│ b", "", "c", "│ │ d"],
    );
}

#[test]
fn an_empty_row_belongs_to_a_quote_only_inside_of_it() {
    check("- a\n\n  > b\n\n> c", 20, &["• a", "", "  │ b", "", "│ c"]);
}

#[test]
fn code_stands_behind_a_bar_below_its_language() {
    check(
        "a\n```python\nx = 1\n\n\ty\n```\nb",
        40,
        &["a", "┃ python", "┃ x = 1", "┃ ", "┃     y", "b"],
    );
    check("~~~\nx\n~~~", 40, &["┃ x"]);
    check("> ```\n> x\n> ```", 40, &["│ ┃ x"]);
    check("```sh\nls", 40, &["┃ sh", "┃ ls"]);
    check("    x\n      y", 40, &["    x", "      y"]);
}

#[test]
fn long_code_is_broken_at_cells_and_keeps_its_spaces() {
    check(
        "```\nab  cd ef\n漢字漢\n```",
        8,
        &["┃ ab  c", "┃ d ef", "┃ 漢字", "┃ 漢"],
    );
}

#[test]
fn code_with_a_language_has_colours() {
    let rows = rows("```python\ndef f(): # x\n```", 40);
    let roles: Vec<Role> = rows[1].spans.iter().map(|span| span.role).collect();
    assert_eq!(
        roles,
        [
            Role::Quiet,
            Role::CodeKeyword,
            Role::Text,
            Role::CodeName,
            Role::Text,
            Role::CodeComment
        ]
    );
}

#[test]
fn tables_are_aligned() {
    check(
        "| a | right | mid |\n|---|--:|:-:|\n| one | 1 | x |\n| 漢字 | 22 | `y` |",
        40,
        &[
            "a    │ right │ mid",
            "─────┼───────┼────",
            "one  │     1 │  x",
            "漢字 │    22 │ `y`",
        ],
    );
}

#[test]
fn wide_tables_wrap_in_their_cells() {
    check(
        "| k | text |\n|---|---|\n| a | one two three |\n| b |",
        14,
        &[
            "k │ text",
            "──┼───────────",
            "a │ one two",
            "  │ three",
            "b │ ",
        ],
    );
}

#[test]
fn a_table_without_room_is_shown_as_it_was_written() {
    check("|a|b|\n|-|-|\n|c|d|", 6, &["|a|b|", "|-|-|", "|c|d|"]);
}

#[test]
fn unsafe_characters_are_replaced_everywhere() {
    let text = "# \u{1b}[2J\n\n`\u{1b}]52;c;x\u{7}`\n\n[a\u{202e}](b\u{1b})\n\n```x\u{1b}\n\u{9b}2J\n```\n\n|\u{1b}|\n|-|\n|\u{7f}|";
    for row in rows(text, 80) {
        assert!(!row.text().chars().any(crate::clean::is_unsafe), "{row:?}");
    }
}

#[test]
fn rows_know_where_they_come_from() {
    let text = "one two\n\n- three four\n\n```\nx\ny\n```";
    let rows = rows(text, 9);
    let from: Vec<&str> = rows.iter().map(|row| &text[row.from..]).collect();
    let starts = ["one", "\n\n-", "three", "four", "\n\n```", "x", "y"];
    for (from, start) in from.iter().zip(starts) {
        assert!(
            from.starts_with(start),
            "{from:?} does not start with {start:?}"
        );
    }
    assert_eq!(rows.len(), starts.len());
}

#[test]
fn code_blocks_come_without_fences() {
    let text = "```py\na\n\n  b\n```\n\n    indented\n\n- ~~~\n  c\n  ~~~";
    assert_eq!(code_blocks(text), ["a\n\n  b\n", "c\n"]);
}

/// A generator of numbers, so that odd texts are the same in every run.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*seed >> 33) as usize
}

#[test]
fn odd_texts_neither_panic_nor_stick_out() {
    const PARTS: &[&str] = &[
        "#",
        "##",
        " ",
        "  ",
        "    ",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "- ",
        "1. ",
        "99999999. ",
        "* ",
        "> ",
        ">",
        "```",
        "```py\n",
        "~~~",
        "`",
        "``",
        "*",
        "**",
        "_",
        "~~",
        "|",
        "|-|-|\n",
        "|a|b|\n",
        ":-:",
        "[",
        "](",
        ")",
        "!",
        "<",
        ">",
        "<br>",
        "&amp;",
        "\\",
        "---",
        "===\n",
        "[x] ",
        "a",
        "word",
        "longer-word",
        "漢字",
        "👩‍👩‍👧",
        "e\u{301}",
        "\u{1b}[2J",
        "\u{202e}",
        "\0",
        "é",
        "def f(x):",
        "\"",
        "'",
        "# c",
        "a\u{200d}b",
        "❤\u{fe0f}",
        "http://a.b",
    ];
    let highlighter = Highlighter::default();
    let mut seed = 7;
    for round in 0..3000 {
        let parts = next(&mut seed) % 40;
        let text: String = (0..parts)
            .map(|_| PARTS[next(&mut seed) % PARTS.len()])
            .collect();
        let width = 1 + round % 200;
        let mut last = 0;
        for row in markdown_rows(&text, width, Emoji::Wide, &highlighter) {
            assert!(row.width() <= width.max(2), "{text:?} at {width}: {row:?}");
            assert!(
                !row.text()
                    .chars()
                    .any(|it| it == '\n' || crate::clean::is_unsafe(it)),
                "{text:?}"
            );
            assert!(
                row.from >= last && text.is_char_boundary(row.from),
                "{text:?} at {width}"
            );
            last = row.from;
        }
        drop(code_blocks(&text));
    }
}

#[test]
fn deep_nests_leave_room_for_words() {
    let text = format!("{}word\n{}item", "> ".repeat(300), "- ".repeat(300));
    for width in [1, 2, 9, 40, 100] {
        let rows = rows(&text, width);
        assert!(rows.iter().all(|row| row.width() <= width.max(2)));
    }
}
