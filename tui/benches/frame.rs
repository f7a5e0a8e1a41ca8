//! The time of a frame while a canvas of 1,024 tokens is denoised, replayed and compared at 200×60, all frames with their
//! percentiles:
//! `cargo bench -p unmask --bench frame`.
#![expect(
    clippy::print_stdout,
    reason = "what a benchmark measures is its output"
)]

#[path = "../src/fixture/model.rs"]
mod model;

use std::io::Sink;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use unmask::action::{Action, Command, CompareAct, ReplayAct, Scroll, Size};
use unmask::screen_layout::ScreenLayout;
use unmask::state::{State, Turn};
use unmask::update::{show_both, update};
use unmask::view;
use unmask_core::engine::{EngineEvent, Loaded, Outcome, TurnEvent, TurnId};
use unmask_core::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use unmask_core::text::Vocabulary;
use unmask_core::{Canvas, Params, Position, TokenId};

use model::{MASK, RESERVED, model};

const TOKENS: usize = 1024;
/// For a frame, at the 99th percentile.
const BUDGET: Duration = Duration::from_millis(4);
/// For one of a replay, which plays many a second.
const REPLAY_BUDGET: Duration = Duration::from_millis(2);
/// For the frame that shows two answers side by side, compared.
const COMPARE_BUDGET: Duration = Duration::from_millis(16);
const WORDS: &[&str] = &[" number", " 漢字", " is", ",", " prime", "\n", " é", " 👩‍🔬"];

fn main() {
    println!("200×60, {TOKENS} tokens denoised, 10,000 above; the budget is for p99");
    tell_times("step to frame", BUDGET, step_to_frame(|_| ()));
    tell_times(
        "step to frame, scrolled to the beginning",
        BUDGET,
        step_to_frame(scroll_up),
    );
    tell_times("resize to frame", BUDGET, resize_to_frame());
    let back = |state: &mut State, _| replay(state, ReplayAct::Back);
    tell_times(
        "replay, a step back to frame",
        REPLAY_BUDGET,
        replay_to_frame(|_| (), back),
    );
    // All steps, each far from the one before.
    let jump = |state: &mut State, at: usize| {
        state.replay.as_mut().expect("it is open").at = Some(at * 397 % TOKENS);
        update(state, Action::Redraw);
    };
    tell_times(
        "replay, any step to frame",
        REPLAY_BUDGET,
        replay_to_frame(|_| (), jump),
    );
    let grid = |state: &mut State| {
        replay(state, ReplayAct::Grid);
        replay(state, ReplayAct::Layer);
    };
    tell_times(
        "replay, any step as a grid by order",
        REPLAY_BUDGET,
        replay_to_frame(grid, jump),
    );
    tell_comparisons();
}

/// Two answers that share no word, and two that have few words in any order.
fn tell_comparisons() {
    let unlike = [
        turn(|at| WORDS.len() + at),
        turn(|at| WORDS.len() + TOKENS + at),
    ];
    let mixed = |seed: usize| turn(move |at| scattered(at + seed) % 64 + WORDS.len());
    for (what, both) in [("unlike", unlike), ("mixed", [mixed(0), mixed(TOKENS)])] {
        tell_times(
            &format!("compare, {what}, first frame"),
            COMPARE_BUDGET,
            first_of_comparison(&both),
        );
        let differences = |state: &mut State| {
            update(state, Action::Do(Command::Compare(CompareAct::Differences)));
        };
        let scroll = |state: &mut State, at| {
            let to = match at % 20 {
                ..10 => Scroll::PageDown,
                _ => Scroll::PageUp,
            };
            update(state, Action::Do(Command::Scroll(to)));
        };
        tell_times(
            &format!("compare, {what}, scrolled to frame"),
            REPLAY_BUDGET,
            compare_to_frame(&both, |_| (), scroll),
        );
        tell_times(
            &format!("compare, {what}, list scrolled to frame"),
            REPLAY_BUDGET,
            compare_to_frame(&both, differences, scroll),
        );
        tell_times(
            &format!("compare, {what}, a step back to frame"),
            BUDGET,
            compare_to_frame(&both, |_| (), |state, _| replay(state, ReplayAct::Back)),
        );
    }
}

/// A number that looks like none before it.
fn scattered(at: usize) -> usize {
    at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}

fn scroll_up(state: &mut State) {
    update(state, Action::Do(Command::Scroll(Scroll::First)));
}

fn loaded() -> Arc<Loaded> {
    // Behind the words those of two answers that share none.
    let others: Vec<String> = (0..2 * TOKENS).map(|at| format!(" w{at}")).collect();
    let all = WORDS
        .iter()
        .copied()
        .chain(others.iter().map(String::as_str));
    let words = all.map(|word| (word.as_bytes(), false));
    let vocabulary = Vocabulary::new(RESERVED.into_iter().chain(words));
    Arc::new(Loaded {
        defaults: Params {
            steps: TOKENS,
            block_length: TOKENS,
            ..Params::default()
        },
        rules: unmask_core::family::FamilyRules::default(),
        default_length: TOKENS,
        ..model(Arc::new(vocabulary))
    })
}

fn apply_turn_event(state: &mut State, event: TurnEvent) {
    let turn = state.turn;
    update(state, Action::Engine(EngineEvent::Turn(turn, event)));
}

fn step(at: usize) -> TurnEvent {
    TurnEvent::Step(step_of(at, at % WORDS.len()))
}

/// The step at which this word is written.
fn step_of(at: usize, word: usize) -> StepEvent {
    let token = TokenId(2 + word as u32);
    StepEvent {
        guesses: Vec::new(),
        step: at + 1,
        steps: TOKENS,
        call: at,
        block: 0,
        blocks: 1,
        fed: 0..TOKENS,
        length: TOKENS,
        commits: vec![Commit {
            at: Position((at * 7 % TOKENS) as u32),
            token,
            was: None,
            confidence: 0.5,
            entropy: 1.0,
            kind: CommitKind::New,
            top: vec![(token, 0.5)],
        }],
        masked: TOKENS - at - 1,
        elapsed: Duration::from_millis(10),
        forward: Duration::from_millis(9),
        nfe: at + 1,
        nfe_saved: 0.0,
    }
}

/// An answer with the word at each of its steps.
fn turn(word: impl Fn(usize) -> usize) -> Arc<Turn> {
    let loaded = loaded();
    let params = loaded.defaults.clone();
    let mut turn = Turn::new(TurnId(1), loaded, "What is a prime number?".to_owned());
    turn.lay_out(Canvas::new(&[], TOKENS, MASK), &params);
    for at in 0..TOKENS {
        turn.replay_step(step_of(at, word(at)));
    }
    Arc::new(turn)
}

/// A conversation with `answers` long answers and a turn that has begun.
fn conversation(answers: usize) -> State {
    let mut state = State::new(Size {
        columns: 200,
        rows: 60,
    });
    update(&mut state, Action::Engine(EngineEvent::Loaded(loaded())));
    for _ in 0..answers {
        ask(&mut state);
        apply_turn_event(&mut state, finished());
    }
    ask(&mut state);
    let params = state.settings.params.clone();
    let canvas = Canvas::new(&[], TOKENS, MASK);
    apply_turn_event(
        &mut state,
        TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 0,
        },
    );
    state
}

fn finished() -> TurnEvent {
    TurnEvent::Finished(Outcome {
        canvas: Canvas::new(&[], 1, MASK),
        text: WORDS.concat().repeat(TOKENS / WORDS.len()),
        holes: Vec::new(),
        reason: FinishReason::Complete,
        stats: Stats::default(),
    })
}

fn ask(state: &mut State) {
    update(state, Action::Paste("What is a prime number?".to_owned()));
    update(state, Action::Do(Command::Send));
}

/// The time of every frame of a turn: a step is applied, the canvas laid out anew, drawn and encoded for the terminal.
/// Ten finished answers stand above it, so that there are about 10,000 tokens in all.
fn step_to_frame(view: impl Fn(&mut State)) -> Vec<Duration> {
    let mut state = conversation(10);
    view(&mut state);
    let mut screen = Screen::new();
    screen.frame(&mut state);
    (0..TOKENS)
        .map(|at| {
            let began = Instant::now();
            apply_turn_event(&mut state, step(at));
            screen.frame(&mut state);
            began.elapsed()
        })
        .collect()
}

/// The same where everything is laid out anew, since the width has changed.
fn resize_to_frame() -> Vec<Duration> {
    let mut state = conversation(10);
    for at in 0..TOKENS / 2 {
        apply_turn_event(&mut state, step(at));
    }
    let mut screen = Screen::new();
    (0..200)
        .map(|turn| {
            let size = Size {
                columns: 99 + turn % 2,
                rows: 60,
            };
            let began = Instant::now();
            update(&mut state, Action::Resize(size));
            screen.frame(&mut state);
            began.elapsed()
        })
        .collect()
}

fn replay(state: &mut State, act: ReplayAct) {
    update(state, Action::Do(Command::Replay(act)));
}

/// The time of every frame of a replay that `go`es through all steps.
fn replay_to_frame(set_up: impl Fn(&mut State), go: impl Fn(&mut State, usize)) -> Vec<Duration> {
    let mut state = conversation(10);
    for at in 0..TOKENS {
        apply_turn_event(&mut state, step(at));
    }
    apply_turn_event(&mut state, finished());
    replay(&mut state, ReplayAct::Open);
    set_up(&mut state);
    each_frame(state, go)
}

/// The time of every frame of a state that is shown and `go`es on.
fn each_frame(mut state: State, go: impl Fn(&mut State, usize)) -> Vec<Duration> {
    let mut screen = Screen::new();
    screen.frame(&mut state);
    (0..TOKENS)
        .map(|at| {
            let began = Instant::now();
            go(&mut state, at);
            screen.frame(&mut state);
            began.elapsed()
        })
        .collect()
}

fn side_by_side([first, second]: &[Arc<Turn>; 2]) -> State {
    let mut state = State::new(Size {
        columns: 200,
        rows: 60,
    });
    show_both(&mut state, Arc::clone(first), Arc::clone(second));
    state
}

/// The time of the frame at which two answers are compared and laid out, each time anew.
fn first_of_comparison(both: &[Arc<Turn>; 2]) -> Vec<Duration> {
    (0..100)
        .map(|_| {
            let mut state = side_by_side(both);
            let mut screen = Screen::new();
            let began = Instant::now();
            screen.frame(&mut state);
            began.elapsed()
        })
        .collect()
}

/// The time of every frame of a comparison that `go`es on.
fn compare_to_frame(
    both: &[Arc<Turn>; 2],
    set_up: impl Fn(&mut State),
    go: impl Fn(&mut State, usize),
) -> Vec<Duration> {
    let mut state = side_by_side(both);
    set_up(&mut state);
    each_frame(state, go)
}

/// What draws.
struct Screen {
    terminal: Terminal<CrosstermBackend<Sink>>,
    layout: ScreenLayout,
}

impl Screen {
    fn new() -> Self {
        let options = TerminalOptions {
            viewport: Viewport::Fixed(Rect::new(0, 0, 200, 60)),
        };
        let terminal = Terminal::with_options(CrosstermBackend::new(std::io::sink()), options);
        Self {
            terminal: terminal.expect("a sink takes all"),
            layout: ScreenLayout::default(),
        }
    }

    fn frame(&mut self, state: &mut State) {
        let laid = self.layout.lay_out(state);
        update(state, Action::Frame(laid));
        self.terminal
            .draw(|frame| view::draw(state, &self.layout, frame))
            .expect("a sink takes all");
    }
}

fn tell_times(what: &str, budget: Duration, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let verdict = match at(0.99) < budget {
        true => "within",
        false => "OVER",
    };
    println!(
        "{what:<44} {:>5} frames  median {:>9.2?}  p99 {:>9.2?}  slowest {:>9.2?}  {verdict} {budget:?}",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
}
