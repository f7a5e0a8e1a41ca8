//! Frames as text.

mod compare;
mod foreign;
mod frame;
mod models;
mod panels;
mod reading;
mod remapped;
mod replay;
mod sessions;
mod settings;
mod text_alone;

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use unmask_core::Canvas;
use unmask_core::engine::{EngineEvent, Failure, FailureKind, Outcome, TurnEvent};
use unmask_core::event::{FinishReason, Stats, StepEvent};

use crate::action::{Action, Command, Rendered, ScreenTime, Size, TimeOfDay};
use crate::fixture::{self, FixtureCell, MASK};
use crate::layout::{Highlighter, markdown_rows};
use crate::screen_layout::ScreenLayout;
use crate::state::{Glyphs, State};
use crate::theme::{Depth, Ground, Role, Theme};
use crate::update::update;

const QUESTION: &str = "Explain what a prime number is and list the first five.";
const FIRST: &str = "A prime number is a whole number greater than 1 that has exactly two divisors: 1 and itself. It \
cannot be made by multiplying two smaller whole numbers.\n\nThe first five prime numbers are 2, 3, 5, 7 and 11. 2 is the \
only even prime, because every larger even number is divisible by 2.";
const SECOND: &str =
    "```python\nis_prime = lambda n: n > 1 and all(n % d for d in range(2, int(n**.5) + 1))\n```";

/// The first two blocks of the mock-up's answer; tokens are between bars, `_` is a mask. The first
/// block has 32 tokens.
const BLOCK: &str = "A| prime| number| is| a| whole| number| greater| than| 1| that| has| exactly| two\
| divisors|:| 1| and| itself|.| It| cannot| be| made| by| multiplying| two| smaller| whole| numbers|.|\n\n";
const NEXT: &str = "The| first|_| prime|_|_| 2|,|_|_| 5,|_|_|_|.|_|_|_| only| even|_|_|_|_|_|_|_| divisible\
|_| 2|.|_";

fn size(columns: u16, rows: u16) -> Size {
    Size { columns, rows }
}

fn cells() -> Vec<FixtureCell> {
    let cell = |word: &'static str| match word {
        "_" => FixtureCell::Mask,
        text => FixtureCell::Text(text.as_bytes()),
    };
    BLOCK.split('|').chain(NEXT.split('|')).map(cell).collect()
}

fn apply_turn_event(state: &mut State, event: TurnEvent) {
    let turn = state.turn;
    update(state, Action::Engine(EngineEvent::Turn(turn, event)));
}

fn ask(state: &mut State, minute: u8, text: &str) {
    let time = ScreenTime {
        since_start: Duration::from_secs(60 * u64::from(minute)),
        clock: TimeOfDay { hour: 12, minute },
    };
    update(state, Action::Time(time));
    update(state, Action::Paste(text.to_owned()));
    update(state, Action::Do(Command::Send));
}

fn answer(state: &mut State, text: &str, tokens: usize, steps: usize, ms: u64) {
    let reason = FinishReason::Complete;
    ended(state, reason, text, tokens, steps, ms);
}

fn ended(
    state: &mut State,
    reason: FinishReason,
    text: &str,
    tokens: usize,
    steps: usize,
    ms: u64,
) {
    let outcome = Outcome {
        canvas: Canvas::new(&[], 4, MASK),
        text: text.to_owned(),
        holes: Vec::new(),
        reason,
        stats: Stats {
            steps,
            nfe: steps,
            committed: 2 * steps,
            text_tokens: tokens,
            elapsed: Duration::from_millis(ms),
            ..Stats::default()
        },
    };
    apply_turn_event(state, TurnEvent::Finished(outcome));
}

fn ready(size: Size) -> State {
    let mut state = State::new(size);
    update(
        &mut state,
        Action::Engine(EngineEvent::Loaded(fixture::loaded(&cells()))),
    );
    state.title = "Prime numbers".to_owned();
    state
}

/// The state of the mock-up `main`.
fn main_screen(size: Size) -> State {
    let mut state = ready(size);
    ask(&mut state, 4, QUESTION);
    answer(&mut state, FIRST, 61, 64, 8_960);
    ask(&mut state, 5, "Write a one-line Python test for it.");
    answer(&mut state, SECOND, 27, 32, 4_480);
    state
}

/// The state of the mock-up `generating`: 22 of 64 steps, two tokens each.
fn generating(size: Size) -> State {
    let mut state = ready(size);
    ask(&mut state, 4, QUESTION);
    let canvas = Canvas::new(&[], 128, MASK);
    let params = state.settings.params.clone();
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 0,
        },
    );
    let cells = cells();
    let text: Vec<usize> = (0..cells.len())
        .filter(|&index| fixture::token(&cells, index) != MASK)
        .collect();
    for (step, pair) in (1..).zip(text.chunks(2)) {
        let commits = (0..)
            .zip(pair)
            .map(|(i, &at)| fixture::new(at, fixture::token(&cells, at), 0.2 + 0.6 * i as f32))
            .collect();
        let event = StepEvent {
            guesses: Vec::new(),
            block: usize::from(step > 16),
            blocks: 4,
            ..fixture::step(step, 64, commits)
        };
        apply_turn_event(&mut state, TurnEvent::Step(event));
    }
    state
}

/// Lays out what is seen, its Markdown as the worker does.
fn laid_out(state: &mut State) -> ScreenLayout {
    let mut layout = ScreenLayout::default();
    frame(state, &mut layout);
    let highlighter = Highlighter::default();
    for job in layout.wanted(state) {
        let rendered = Rendered {
            rows: markdown_rows(&job.text, usize::from(job.width), job.emoji, &highlighter),
            text: job.text,
            width: job.width,
            changed: Vec::new(),
        };
        let rendered = layout.told(state, Action::Rendered(rendered));
        update(state, rendered);
    }
    frame(state, &mut layout);
    layout
}

fn frame(state: &mut State, layout: &mut ScreenLayout) {
    let laid = layout.lay_out(state);
    update(state, Action::Frame(laid));
}

fn terminal(state: &mut State) -> Terminal<TestBackend> {
    let layout = laid_out(state);
    drawn(state, &layout)
}

fn drawn(state: &State, layout: &ScreenLayout) -> Terminal<TestBackend> {
    let backend = TestBackend::new(state.size.columns, state.size.rows);
    let mut terminal = Terminal::new(backend).expect("the test backend cannot fail");
    terminal
        .draw(|frame| super::draw(state, layout, frame))
        .expect("the test backend cannot fail");
    terminal
}

/// The screen as text, without the spaces at the ends of rows.
fn screen(mut state: State) -> String {
    let terminal = terminal(&mut state);
    let buffer = terminal.backend().buffer();
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width.max(1)).map(|row| {
        let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn main_at_80_by_24() {
    insta::assert_snapshot!(screen(main_screen(size(80, 24))));
}

#[test]
fn main_at_120_by_40() {
    insta::assert_snapshot!(screen(main_screen(size(120, 40))));
}

#[test]
fn main_at_60_by_15() {
    insta::assert_snapshot!(screen(main_screen(size(60, 15))));
}

#[test]
fn main_at_the_smallest_size() {
    insta::assert_snapshot!(screen(main_screen(size(40, 10))));
}

#[test]
fn generating_at_80_by_24() {
    insta::assert_snapshot!(screen(generating(size(80, 24))));
}

#[test]
fn generating_at_120_by_40() {
    insta::assert_snapshot!(screen(generating(size(120, 40))));
}

#[test]
fn generating_at_60_by_15() {
    insta::assert_snapshot!(screen(generating(size(60, 15))));
}

#[test]
fn too_small_a_terminal_says_so() {
    insta::assert_snapshot!(screen(generating(size(28, 6))), @r"
     unmask needs 40 × 10
     now 28 × 6

     ◐ 22/64 still running
     Esc pause  ^C stop
    ");
}

#[test]
fn a_terminal_of_one_cell_is_drawn() {
    for (columns, rows) in [(1, 1), (0, 0), (200, 1), (1, 60)] {
        screen(generating(size(columns, rows)));
    }
}

#[test]
fn a_failure_and_a_queue_are_shown() {
    let mut state = main_screen(size(80, 24));
    ask(&mut state, 6, "And a proof?");
    apply_turn_event(
        &mut state,
        TurnEvent::Failed(Failure {
            kind: FailureKind::Usage,
            text: "5210 tokens, limit 4096: shorten by 1114".to_owned(),
            hint: "/new begins a shorter conversation\u{1b}[2J".to_owned(),
        }),
    );
    update(&mut state, Action::Do(Command::Interrupt));
    ask(&mut state, 7, "Once more");
    ask(&mut state, 8, "queued\nmessage");
    insta::assert_snapshot!(screen(state));
}

#[test]
fn a_load_shows_its_stage_and_share() {
    let mut state = State::new(size(80, 24));
    let loading = EngineEvent::Loading {
        key: "llada".to_owned(),
        stage: "reading weights".to_owned(),
        done: 2_107_000_000,
        total: 4_900_000_000,
    };
    update(&mut state, Action::Engine(loading));
    let screen = screen(state);
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(
        (rows[0], rows[23]),
        (
            " unmask                                            llada  ◐ reading weights 43%",
            "  Esc cancel loading  ^X menu                                     2.1 of 4.9 GB"
        )
    );
}

#[test]
fn no_model_is_said() {
    let screen = screen(State::new(size(80, 24)));
    assert!(
        screen
            .lines()
            .next()
            .is_some_and(|row| row.ends_with("○ no model"))
    );
}

#[test]
fn a_poor_terminal_gets_ascii() {
    let mut state = generating(size(80, 24));
    state.look.glyphs = Glyphs::Ascii;
    let screen = screen(state);
    assert!(screen.is_ascii(), "{screen}");
    assert!(
        screen.contains("The first ### prime ### ### 2,"),
        "{screen}"
    );
}

#[test]
fn the_caret_stands_behind_what_is_written() {
    let mut state = main_screen(size(80, 24));
    update(&mut state, Action::Paste("漢字\nab".to_owned()));
    let mut terminal = terminal(&mut state);
    terminal.backend_mut().assert_cursor_position((6, 22));
}

#[test]
fn a_long_draft_keeps_its_caret_on_the_screen() {
    let mut state = main_screen(size(80, 24));
    for _ in 0..6 {
        update(&mut state, Action::Paste("line\n".repeat(5)));
    }
    let mut terminal = terminal(&mut state);
    terminal.backend_mut().assert_cursor_position((4, 22));
}

/// Looks of settled text, a mask, and the last step's two tokens: one of low and one of high confidence.
fn looks(theme: Theme) -> String {
    let mut state = generating(size(80, 24));
    state.look.theme = theme;
    let terminal = terminal(&mut state);
    let look = |text: &str, offset: usize| {
        let mut rows = terminal.backend().buffer().content.chunks(80);
        let found = rows.find_map(|row| {
            let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            let at = line.find(text)?;
            Some(&row[line[..at].chars().count() + offset])
        });
        let cell = found.expect("the text is on the screen");
        format!("{} {:?}", cell.fg, cell.modifier)
    };
    let (settled, mask) = (look("whole", 0), look("▒▒▒", 0));
    let (low, high) = (look("2. ▒▒▒", 0), look("2. ▒▒▒", 1));
    format!("settled {settled} · mask {mask} · low {low} · high {high}")
}

#[test]
fn four_colour_depths_on_two_grounds() {
    let mut all = String::new();
    for depth in [Depth::True, Depth::Indexed, Depth::Sixteen, Depth::Mono] {
        for ground in [Ground::Dark, Ground::Light] {
            let looks = looks(Theme::new(ground, depth));
            all += &format!("{depth:?} {ground:?}: {looks}\n");
        }
    }
    insta::assert_snapshot!(all, @r"
    True Dark: settled Reset NONE · mask #8E949E NONE · low #FF8A5B UNDERLINED · high #56B4E9 NONE
    True Light: settled Reset NONE · mask #63676E NONE · low #C2185B UNDERLINED · high #005F9E NONE
    Indexed Dark: settled Reset NONE · mask 246 NONE · low 209 UNDERLINED · high 74 NONE
    Indexed Light: settled Reset NONE · mask 242 NONE · low 125 UNDERLINED · high 25 NONE
    Sixteen Dark: settled Reset NONE · mask Reset DIM · low Red UNDERLINED · high Cyan NONE
    Sixteen Light: settled Reset NONE · mask Reset DIM · low Red UNDERLINED · high Cyan NONE
    Mono Dark: settled Reset NONE · mask Reset DIM · low Reset UNDERLINED · high Reset BOLD
    Mono Light: settled Reset NONE · mask Reset DIM · low Reset UNDERLINED · high Reset BOLD
    ");
}

#[test]
fn every_role_is_readable_without_colour() {
    let theme = Theme::new(Ground::Dark, Depth::Mono);
    assert_ne!(theme.style(Role::FreshLow), theme.style(Role::FreshHigh));
    assert_ne!(theme.style(Role::Mask), theme.style(Role::Text));
}

#[test]
fn storms_of_resizes_leave_no_stale_row() {
    let mut state = generating(size(200, 60));
    for (columns, rows) in [(200, 60), (20, 5), (40, 10), (80, 24), (41, 60), (200, 10)] {
        update(&mut state, Action::Resize(size(columns, rows)));
        let resized = screen(state.clone());
        assert_eq!(resized, screen(generating(size(columns, rows))));
    }
}
