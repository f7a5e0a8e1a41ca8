//! Answers that are read: Markdown, tokens, a message that is selected.

use unmask_core::Position;

use super::*;

/// An answer with all that Markdown has.
const MARKED: &str = "## Primes\n\nA *prime* has **exactly two** divisors; see `is_prime` and [the list](https://oeis.org/A000040).\n\n\
1. Take `n > 1`.\n2. Try every divisor:\n   - [x] up to √n\n   - [ ] 漢字 too\n\n> Euclid: there is no ~~last~~ largest prime, \
however far you look.\n\n| n | prime | divisors |\n|--:|:-----:|---|\n| 7 | yes | 1, 7 |\n| 12 | no | 1, 2, 3, 4, 6, 12 |\n\n\
```python\ndef is_prime(n):  # slow\n    return n > 1 and all(n % d for d in range(2, n))\n```\n";

fn marked(size: Size) -> State {
    let mut state = ready(size);
    ask(&mut state, 4, "Tell me all about primes.");
    answer(&mut state, MARKED, 61, 64, 8_960);
    state
}

#[test]
fn markdown_at_80_by_24() {
    insta::assert_snapshot!(screen(marked(size(80, 24))));
}

#[test]
fn markdown_at_120_by_40() {
    insta::assert_snapshot!(screen(marked(size(120, 40))));
}

#[test]
fn markdown_in_ascii() {
    let mut state = marked(size(80, 40));
    state.look.glyphs = Glyphs::Ascii;
    insta::assert_snapshot!(screen(state));
}

/// The words of a row that are more than plain text, with what they look like.
fn styled(state: &mut State, row: &str) -> String {
    let terminal = terminal(state);
    let width = usize::from(state.size.columns);
    let mut rows = terminal.backend().buffer().content.chunks(width);
    let text = |row: &[ratatui::buffer::Cell]| -> String {
        row.iter().map(ratatui::buffer::Cell::symbol).collect()
    };
    let row = rows
        .find(|cells| text(cells).contains(row))
        .expect("the row is on the screen");
    let look = |cell: &ratatui::buffer::Cell| (cell.fg, cell.modifier);
    let pieces = row.chunk_by(|a, b| look(a) == look(b));
    let seen = pieces.filter(|piece| !text(piece).trim().is_empty());
    let named = seen.map(|piece| {
        format!(
            "{} [{} {:?}]",
            text(piece).trim(),
            piece[0].fg,
            piece[0].modifier
        )
    });
    named.collect::<Vec<_>>().join("  ")
}

#[test]
fn markdown_without_colour_and_in_colours() {
    let mut all = String::new();
    for depth in [Depth::Mono, Depth::Sixteen, Depth::Indexed, Depth::True] {
        let mut state = marked(size(80, 40));
        state.look.theme = Theme::new(Ground::Light, depth);
        for row in ["Primes", "A prime has", "Euclid", "def is_prime", "return"] {
            all += &format!("{depth:?}: {}\n", styled(&mut state, row));
        }
    }
    insta::assert_snapshot!(all);
}

/// A turn that was stopped: pins, masks, newlines, a special token, ends and text behind them.
fn raw(size: Size) -> State {
    const CELLS: &[FixtureCell] = &[
        FixtureCell::Text(b"Once"),
        FixtureCell::Text(b" upon"),
        FixtureCell::Text(b"\n\n"),
        FixtureCell::Text(b"a"),
        FixtureCell::Mask,
        FixtureCell::Special("<|eot_id|>"),
        FixtureCell::Text(b" time"),
        FixtureCell::End,
        FixtureCell::End,
        FixtureCell::End,
        FixtureCell::Text(b" lost"),
    ];
    let mut state = State::new(size);
    update(
        &mut state,
        Action::Engine(EngineEvent::Loaded(fixture::loaded(CELLS))),
    );
    ask(&mut state, 4, "Tell me a story.");
    let mut canvas = Canvas::new(&[], CELLS.len(), MASK);
    canvas.pin(Position(0), fixture::token(CELLS, 0));
    let params = state.settings.params.clone();
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 0,
        },
    );
    let commits = (1..CELLS.len())
        .filter(|&at| !matches!(CELLS[at], FixtureCell::Mask))
        .map(|at| fixture::new(at, fixture::token(CELLS, at), 0.5))
        .collect();
    apply_turn_event(&mut state, TurnEvent::Step(fixture::step(1, 4, commits)));
    answer(&mut state, "Once upon\n\na", 4, 1, 140);
    state
}

#[test]
fn raw_tokens_on_the_canvas() {
    let mut state = raw(size(80, 24));
    update(&mut state, Action::Do(Command::Focus));
    update(&mut state, Action::Do(Command::ToggleRaw));
    insta::assert_snapshot!(screen(state));
}

#[test]
fn raw_tokens_look_like_the_canvas_but_for_the_colours_of_steps() {
    let mut state = raw(size(80, 24));
    state.look.theme = Theme::new(Ground::Dark, Depth::True);
    update(&mut state, Action::Do(Command::ToggleRaw));
    let first = "Once [#E39AC8 BOLD]  upon [Reset NONE]  ↵↵ [#A3A8B0 ITALIC]";
    assert_eq!(styled(&mut state, "Once upon↵↵"), first);
    let last = "a [Reset NONE]  ▒▒▒ [#8E949E NONE]  ⟨eot_id⟩ [#A3A8B0 ITALIC]  time [Reset NONE]  ␃×3 [#A3A8B0 ITALIC]  \
lost [#A3A8B0 ITALIC | CROSSED_OUT]";
    assert_eq!(styled(&mut state, "eot_id"), last);
}

#[test]
fn the_canvas_with_the_keys_at_80_by_24() {
    let mut state = main_screen(size(80, 24));
    update(&mut state, Action::Do(Command::Focus));
    update(&mut state, Action::Do(Command::PreviousMessage));
    insta::assert_snapshot!(screen(state));
}

#[test]
fn the_canvas_with_the_keys_while_denoising_unfolded() {
    let mut state = generating(size(120, 40));
    update(&mut state, Action::Do(Command::Focus));
    update(&mut state, Action::Do(Command::Unfold));
    insta::assert_snapshot!(screen(state));
}

/// The screen with what is in reverse between brackets.
pub(super) fn with_reverse(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let is_reverse =
        |cell: &ratatui::buffer::Cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED);
    let rows = rows.map(|row| {
        let pieces = row.chunk_by(|a, b| is_reverse(a) == is_reverse(b));
        let pieces = pieces.map(|piece| {
            let text: String = piece.iter().map(ratatui::buffer::Cell::symbol).collect();
            match is_reverse(&piece[0]) {
                true => format!("[{text}]"),
                false => text,
            }
        });
        pieces.collect::<String>().trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_mouse_has_selected_is_in_reverse_without_any_colour() {
    let mut state = main_screen(size(80, 24));
    let mut layout = laid_out(&mut state);
    for (at, button) in [
        ((10, 3), Action::Click as fn(_) -> _),
        ((12, 7), Action::Drag),
    ] {
        let told = layout.told(&state, button(ratatui::layout::Position::from(at).into()));
        update(&mut state, told);
    }
    insta::assert_snapshot!(with_reverse(&super::drawn(&state, &layout)));
}

#[test]
fn a_draft_that_is_an_earlier_message_says_so() {
    let mut state = main_screen(size(80, 24));
    update(&mut state, Action::Do(Command::EditTurn(1)));
    let shown = screen(state.clone());
    assert!(
        shown.contains("message 1, edited · Enter begins a branch · Esc gives up"),
        "{shown}"
    );
    let narrow = screen(State {
        size: size(40, 10),
        ..state.clone()
    });
    assert!(narrow.contains("message 1, edited"), "{narrow}");
    update(
        &mut state,
        Action::Do(Command::Edit(crate::action::LineEdit::KillToStart)),
    );
    assert!(!screen(state).contains("edited"));
}

#[test]
fn an_answer_in_which_masks_stand_says_so() {
    let mut state = ready(size(80, 24));
    ask(&mut state, 4, QUESTION);
    ended(&mut state, FinishReason::MasksLeft, FIRST, 61, 64, 8_960);
    let drawn = screen(state);
    assert!(drawn.contains("masks left · 61 tok · 9.0 s"), "{drawn}");
}
