//! Text of models, plugins, files and pastes never steers the terminal, wherever it is drawn.

use std::sync::Arc;

use unmask_core::engine::{LoadRequest, Loaded};

use super::*;
use crate::action::Command;
use crate::cells::Emoji;
use crate::fixture::machine;

/// What steers terminals or reorders text, among what must come through.
const PARTS: [&[u8]; 12] = [
    b"\x1b]52;c;aGk=\x07",
    b"\x1b[2J\x1b[H",
    b"\x1b]0;title\x1b\\",
    b"\x1bP$q\"p\x1b\\",
    b"\xc2\x9b31m",
    b"\0\x08\x7f\r\x0b\x0c",
    b"\xe2\x80\xae\xe2\x81\xa6",
    b"\xff\xfe\xc3",
    b"\n```sh\n",
    b"**a** [b](c) `d`\n# e\n- f\n> g\n",
    "漢字 👩\u{200d}🚀 e\u{301}".as_bytes(),
    b"plain",
];
const SEEDS: u64 = 30;

/// Parts in an order that is the same for the same number.
fn evil(mut seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..6 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(PARTS[(seed >> 33) as usize % PARTS.len()]);
    }
    bytes
}

/// A model of which every word is foreign, its tokens too.
fn loaded(seed: u64) -> Arc<Loaded> {
    let text = |nth| String::from_utf8_lossy(&evil(seed + nth)).into_owned();
    let tokens: Vec<Vec<u8>> = (0..8).map(|nth| evil(seed + nth)).collect();
    let reserved: [(&[u8], bool); 2] = [(b"<mask>", true), (b"<end>", true)];
    let pieces = tokens
        .iter()
        .enumerate()
        .map(|(at, it)| (it.as_slice(), at == 7));
    let mut loaded = Arc::unwrap_or_clone(fixture::loaded(&[]));
    loaded.vocabulary = Arc::new(unmask_core::text::Vocabulary::new(
        reserved.into_iter().chain(pieces),
    ));
    loaded.facts.vocab = 10;
    loaded.facts.precision = text(1);
    for name in [
        &mut loaded.name,
        &mut loaded.key,
        &mut loaded.backend,
        &mut loaded.device,
        &mut loaded.device_name,
    ] {
        *name = text(2);
    }
    Arc::new(loaded)
}

/// A conversation, a running canvas, and everything that is drawn over them, one after another.
fn screens(seed: u64) -> Vec<State> {
    let text = |nth| String::from_utf8_lossy(&evil(seed + nth)).into_owned();
    let mut state = State::new(size(80, 24));
    update(
        &mut state,
        Action::Engine(EngineEvent::Loaded(loaded(seed))),
    );
    state.title = text(3);
    ask(&mut state, 4, &text(4));
    answer(&mut state, &text(5), 61, 64, 8_960);
    ask(&mut state, 5, "more");
    let (canvas, params) = (Canvas::new(&[], 8, MASK), state.settings.params.clone());
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 0,
        },
    );
    let commits = (0..8)
        .map(|at| fixture::new(at, unmask_core::TokenId(2 + at as u32), 0.5))
        .collect();
    apply_turn_event(&mut state, TurnEvent::Step(fixture::step(1, 4, commits)));
    let running = state.clone();
    let failure = Failure {
        kind: FailureKind::Usage,
        text: text(6),
        hint: text(7),
    };
    apply_turn_event(&mut state, TurnEvent::Failed(failure.clone()));
    let failed = state.clone();
    state.queue.push_back(text(8));
    update(&mut state, Action::Paste(text(9)));
    let key = text(10);
    update(
        &mut state,
        Action::Do(Command::Load(LoadRequest {
            key: key.clone(),
            ..LoadRequest::default()
        })),
    );
    update(
        &mut state,
        Action::Engine(EngineEvent::LoadFailed { key, failure }),
    );
    let toast = state.clone();
    let mut catalogue = machine();
    for choice in &mut catalogue.choices {
        (choice.name, choice.framework, choice.device_name) = (text(11), text(12), text(13));
    }
    for row in &mut catalogue.backends {
        (row.name, row.version) = (text(14), text(15));
    }
    let mut screens = vec![running, failed, toast];
    for command in [
        Command::Models,
        Command::Doctor,
        Command::Stats,
        Command::SearchPrompts,
        Command::Palette,
    ] {
        let mut state = state.clone();
        state.toast = None;
        update(&mut state, Action::Do(command));
        update(&mut state, Action::Scanned(Ok(catalogue.clone().into())));
        screens.push(state);
    }
    screens
}

#[test]
fn nothing_foreign_that_is_drawn_steers_the_terminal() {
    for seed in 0..SEEDS {
        for (nth, mut state) in screens(seed).into_iter().enumerate() {
            let terminal = terminal(&mut state);
            for cell in &terminal.backend().buffer().content {
                let symbol = cell.symbol();
                assert!(
                    !symbol.chars().any(crate::clean::is_unsafe) && !symbol.contains(['\n', '\t']),
                    "seed {seed}, screen {nth}: {symbol:?} is drawn"
                );
            }
            let title = state.window_title();
            assert!(
                !title.chars().any(crate::clean::is_unsafe),
                "seed {seed}: {title:?}"
            );
        }
    }
}

/// What stands in some cells of a row, and where the caret is.
fn draft_with(emoji: Emoji) -> (String, u16, String) {
    let mut state = ready(size(80, 24));
    state.look.emoji = emoji;
    state.composer.emoji = emoji;
    update(
        &mut state,
        Action::Paste("❤\u{fe0f}1\u{fe0f}\u{20e3}!".to_owned()),
    );
    update(&mut state, Action::Do(Command::Send));
    update(&mut state, Action::Paste("❤\u{fe0f}x".to_owned()));
    let mut terminal = terminal(&mut state);
    let caret = terminal
        .get_cursor_position()
        .expect("the test backend has one");
    let buffer = terminal.backend().buffer();
    let of_row = |x: u16, y: u16| {
        let cells = (x..x + 6).map(|x| buffer[(x, y)].symbol());
        cells.collect::<Vec<_>>().join("|")
    };
    (of_row(2, 2), caret.x, of_row(4, 22))
}

#[test]
fn emoji_by_variation_take_two_cells_or_one_for_layout_caret_and_drawing_alike() {
    let wide = draft_with(Emoji::Wide);
    let said = "❤\u{fe0f}| |1\u{fe0f}\u{20e3}| |!| ".to_owned();
    assert_eq!(wide, (said, 7, "❤\u{fe0f}| |x| | | ".to_owned()));
    let narrow = draft_with(Emoji::Narrow);
    let said = "❤|1\u{20e3}|!| | | ".to_owned();
    assert_eq!(narrow, (said, 6, "❤|x| | | | ".to_owned()));
}
