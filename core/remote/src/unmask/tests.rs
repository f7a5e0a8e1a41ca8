//! What becomes of turns whose server does not hear, and of what has come of those that are left.

use std::io::Write as _;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use unmask_core::engine::{Fill, FillBefore, FillBlocks, FillEnds, FillPart, Overflow, TurnInput};
use unmask_core::event::{Commit, CommitKind, StepEvent};
use unmask_core::wire::{Event, RunLabel};
use unmask_core::{Position, TokenId};

use super::*;
use crate::tests::{OURS, connect, request, turn};

const MASK: TokenId = TokenId(0);
const WORD: TokenId = TokenId(2);

/// A server that says of its turn what a test sends, and does with what it is told as `heard` says.
struct TalkingServer {
    root: String,
    events: Sender<String>,
    /// It was told something of its turn.
    is_told: Arc<AtomicBool>,
}

/// What becomes of what a server is told of its turn.
#[derive(Clone, Copy)]
enum Heard {
    /// It is refused.
    Refused,
    /// It has no answer.
    Never,
}

fn talking(heard: Heard) -> TalkingServer {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let root = format!("http://{}", listener.local_addr().expect("it has one"));
    let (events, said) = channel();
    let (said, is_told) = (
        Arc::new(Mutex::new(Some(said))),
        Arc::new(AtomicBool::new(false)),
    );
    let told = Arc::clone(&is_told);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (said, told) = (Arc::clone(&said), Arc::clone(&told));
            thread::spawn(move || {
                let mut stream = stream.expect("it is one");
                let (head, _) = request(&mut stream);
                let known = OURS.iter().find(|(it, _)| head.starts_with(it));
                let answer = match known {
                    Some((_, body)) => format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    ),
                    None if head.starts_with("POST /v1/chat/completions") => {
                        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned()
                    }
                    None => match heard {
                        Heard::Refused => {
                            "HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                                .to_owned()
                        }
                        Heard::Never => String::new(),
                    },
                };
                // Whoever asked may have left.
                stream.write_all(answer.as_bytes()).ok();
                if head.starts_with("POST /unmask/v1/turns/") {
                    told.store(true, Ordering::Relaxed);
                }
                if head.starts_with("POST /v1/chat/completions") {
                    let said: Receiver<String> = said
                        .lock()
                        .expect("nobody panics")
                        .take()
                        .expect("one turn is asked for");
                    while let Ok(event) = said.recv() {
                        stream.write_all(event.as_bytes()).ok();
                    }
                }
                if matches!((known, heard), (None, Heard::Never)) {
                    // Until whoever asked hangs up.
                    std::io::Read::read(&mut stream, &mut [0]).ok();
                }
            });
        }
    });
    TalkingServer {
        root,
        events,
        is_told,
    }
}

impl TalkingServer {
    fn model(&self) -> Box<dyn Answering> {
        connect(&self.root, &|_| ControlFlow::Continue(())).expect("it is reached")
    }

    fn says(&self, loaded: &Loaded, event: &TurnEvent) {
        let label = RunLabel {
            id: "t-1".to_owned(),
            at: String::new(),
            program: String::new(),
            messages: Vec::new(),
        };
        let line = Event::of(event, loaded, &label).line();
        let line = line.replacen('{', "{\"turn\":\"t-1\",", 1);
        let chunk =
            format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{}}}}],\"unmask\":{line}}}\n\n");
        self.events.send(chunk).expect("it is there");
    }
}

/// A word, a hole of two, a word, a hole of one.
fn holes() -> TurnRequest {
    let hole = |length| FillPart::Hole(NonZeroUsize::new(length).expect("it has positions"));
    let word = || FillPart::Tokens(vec![WORD]);
    turn(TurnInput::Fill(Fill {
        before: FillBefore::Tokens(vec![WORD]),
        parts: vec![word(), hole(2), word(), hole(1)],
        overflow: Overflow::Refuse,
        blocks: FillBlocks::One,
        ends: FillEnds::Never,
    }))
}

/// How that turn begins.
fn started(request: &TurnRequest, loaded: &Loaded) -> (Canvas, TurnEvent) {
    let laid_out = request.clone().laid_out(loaded).expect("it fits").input;
    let started = TurnEvent::Started {
        canvas: laid_out.canvas.clone(),
        params: Box::new(request.params.clone()),
        left_out: 0,
    };
    (laid_out.canvas, started)
}

/// A step that writes a word there.
fn step(at: usize, step: usize, canvas: &mut Canvas) -> TurnEvent {
    let commit = Commit {
        at: Position(at as u32),
        token: WORD,
        was: None,
        confidence: 0.5,
        entropy: 0.0,
        kind: CommitKind::New,
        top: Vec::new(),
    };
    canvas.apply(&commit);
    TurnEvent::Step(StepEvent {
        step,
        steps: 3,
        call: step - 1,
        block: 0,
        blocks: 1,
        fed: 0..canvas.len(),
        length: canvas.len(),
        masked: canvas.masked_in(0..canvas.len()).count(),
        commits: vec![commit],
        guesses: Vec::new(),
        elapsed: Duration::from_millis(7),
        forward: Duration::ZERO,
        nfe: step,
        nfe_saved: 0.25,
    })
}

/// Wants one thing, and another one from some moment on.
struct Wants<'a>(Wanted, &'a AtomicBool, Wanted);

impl Wish for Wants<'_> {
    fn wanted(&self) -> Wanted {
        match self.1.load(Ordering::Relaxed) {
            false => self.0,
            true => self.2,
        }
    }
}

#[test]
fn what_is_left_keeps_its_holes_and_its_counts() {
    let server = talking(Heard::Never);
    let mut model = server.model();
    let (request, loaded) = (holes(), model.loaded());
    let (mut canvas, start) = started(&request, &loaded);
    server.says(&loaded, &start);
    server.says(&loaded, &step(2, 1, &mut canvas));
    server.says(&loaded, &step(5, 2, &mut canvas));
    let is_there = AtomicBool::new(false);
    let outcome = model.turn(
        request,
        &Wants(Wanted::GoOn, &is_there, Wanted::Abandon),
        &|event| {
            if matches!(event, TurnEvent::Step(ref step) if step.step == 2) {
                is_there.store(true, Ordering::Relaxed);
            }
        },
    );
    let outcome = outcome.expect("it is left in peace");
    assert_eq!(
        (&*outcome.text, &outcome.holes[..]),
        ("aa", &["a".to_owned(), "a".to_owned()][..])
    );
    let expected = Stats {
        steps: 2,
        nfe: 2,
        nfe_saved: 0.25,
        committed: 2,
        text_tokens: 2,
        elapsed: Duration::from_millis(14),
        text_alone: false,
    };
    assert_eq!(outcome.stats, expected);
}

#[test]
fn a_server_that_does_not_hear_of_a_pause_goes_on_with_its_turn() {
    for heard in [Heard::Refused, Heard::Never] {
        let server = talking(heard);
        let mut model = server.model();
        let (request, loaded) = (holes(), model.loaded());
        let (mut canvas, start) = started(&request, &loaded);
        server.says(&loaded, &start);
        let told = Arc::clone(&server.is_told);
        thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            for (at, number) in [(2, 1), (3, 2), (5, 3)] {
                server.says(&loaded, &step(at, number, &mut canvas));
            }
            let done = TurnEvent::Finished(Outcome {
                text: "aaaaa".to_owned(),
                holes: Vec::new(),
                canvas,
                reason: FinishReason::Complete,
                stats: Stats::default(),
            });
            server.says(&loaded, &done);
            // Its connections stay open until the turn has ended.
            server
        });
        let told = AtomicBool::new(false);
        let steps = AtomicBool::new(false);
        let outcome = model.turn(
            request,
            &Wants(Wanted::Rest, &steps, Wanted::GoOn),
            &|event| {
                assert!(
                    !matches!(event, TurnEvent::Paused(_)),
                    "nobody has paused it"
                );
                if matches!(event, TurnEvent::Step(_)) {
                    steps.store(true, Ordering::Relaxed);
                }
                told.store(true, Ordering::Relaxed);
            },
        );
        let outcome = outcome.expect("it goes on");
        assert_eq!(outcome.reason, FinishReason::Complete);
        assert_eq!(outcome.holes, ["aa", "a"]);
    }
}

#[test]
fn a_turn_is_left_while_its_server_does_not_hear() {
    for (heard, wanted) in [
        (Heard::Never, Wanted::Abandon),
        (Heard::Refused, Wanted::Stop),
    ] {
        let server = talking(heard);
        let mut model = server.model();
        let (request, loaded) = (holes(), model.loaded());
        let (_, start) = started(&request, &loaded);
        server.says(&loaded, &start);
        let wish = Wants(Wanted::Rest, &server.is_told, wanted);
        let outcome = model
            .turn(request, &wish, &|_| ())
            .expect("it is left in peace");
        assert_eq!(
            (outcome.reason, &*outcome.text),
            (FinishReason::Stopped, "a")
        );
    }
}

#[test]
fn the_end_of_a_hole_is_that_of_its_text() {
    let server = talking(Heard::Never);
    let loaded = server.model().loaded();
    let (end, half) = (TokenId(1), TokenId(2));
    let mut canvas = Canvas::new(&[WORD], 4, MASK);
    canvas.pin(Position(4), half);
    let commit = |at: u32, token| Commit {
        at: Position(at),
        token,
        was: None,
        confidence: 1.0,
        entropy: 0.0,
        kind: CommitKind::New,
        top: Vec::new(),
    };
    canvas.apply(&commit(1, WORD));
    canvas.apply(&commit(2, end));
    let text = |part: std::ops::Range<usize>, reason| shown::text(&loaded, &canvas, &part, reason);
    // An end token before a word that is given ends nothing.
    assert_eq!(text(0..4, FinishReason::Complete), "aa");
    assert_eq!(text(0..4, FinishReason::Stopped), "a");
    assert_eq!(text(0..2, FinishReason::Complete), "a");
    assert_eq!(text(2..3, FinishReason::MasksLeft), "");
}
