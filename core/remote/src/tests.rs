//! Servers that fall silent: whoever leaves them does so at once, and hangs up.

use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use unmask_core::config::{Config, ConfigSource, Environment, Overrides};
use unmask_core::engine::{
    MeasureEvent, MeasureRequest, Message, Overflow, Role, TurnEvent, TurnId, TurnInput,
    TurnRequest, Wanted, Wish,
};
use unmask_core::event::FinishReason;
use unmask_core::likelihood::Pair;
use unmask_core::wire::MeasureSettings;
use unmask_core::{Canvas, Params, TokenId};

use super::*;

/// A server that falls silent once it has been asked for `silent`.
struct MuteServer {
    root: String,
    /// What was asked of it in vain has come.
    is_asked: Arc<AtomicBool>,
    /// Ends as soon as whoever asked hangs up.
    left: JoinHandle<()>,
}

/// The `unmask serve` of these tests: what it answers before it falls silent.
pub(crate) const OURS: [(&str, &str); 4] = [
    (
        "GET /v1/models ",
        r#"{"data":[{"id":"m","unmask":{"name":"m"}}]}"#,
    ),
    ("POST /unmask/v1/tokenize", r#"{"tokens":[1]}"#),
    (
        "GET /unmask/v1/vocabulary",
        r#"{"model":"m","pieces":[{"special":"<mask>"},{"special":"<end>"},{"text":"a"}],"special":{"mask":0,"eos":1,"eot":null,"bos":null,"ends":[1]}}"#,
    ),
    (
        "GET /unmask/v1/state",
        r#"{"loaded":{"model":{"key":"m"},"context":64,"settings":{}}}"#,
    ),
];
const THEIRS: [(&str, &str); 1] = [("GET /v1/models ", r#"{"data":[{"id":"m"}]}"#)];

/// Answers each of `known` once and falls silent at anything else, after having said `first`.
fn mute(known: &'static [(&'static str, &'static str)], first: &'static str) -> MuteServer {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let root = format!("http://{}", listener.local_addr().expect("it has one"));
    let is_asked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_asked);
    let left = thread::spawn(move || {
        let mut known = known.to_vec();
        for stream in listener.incoming() {
            let mut stream = stream.expect("it is one");
            let (request, _) = request(&mut stream);
            let answer = known.iter().position(|(head, _)| request.starts_with(head));
            if let Some(answer) = answer {
                let (_, body) = known.remove(answer);
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
                let answer = format!("{head} {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).expect("it is read");
                continue;
            }
            stream.write_all(first.as_bytes()).expect("it is read");
            asked.store(true, Ordering::Relaxed);
            assert!(
                matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)),
                "nothing more is said"
            );
            return;
        }
    });
    MuteServer {
        root,
        is_asked,
        left,
    }
}

/// A request's head and body.
pub(crate) fn request(stream: &mut TcpStream) -> (String, String) {
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !said.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("it has a head");
        said.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&said).into_owned();
    let lower = head.to_lowercase();
    let length = lower.split("content-length:").nth(1);
    let length = length.and_then(|it| it.split_whitespace().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).expect("it has a body");
    (head, String::from_utf8_lossy(&body).into_owned())
}

pub(crate) fn connect(
    root: &str,
    progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
) -> Result<Box<dyn Answering>, Failure> {
    let text = format!(
        "active_model_key = \"a\"\n[available_models.a]\nframework = \"openai\"\nmodel_id = \"some/m\"\n[available_models.a.options]\nmodel = \"m\"\nbase_url = \"{root}\"\n"
    );
    let source = ConfigSource::Named("test.toml".into());
    let (overrides, environment) = (Overrides::default(), Environment::default());
    let config = Config::from_text(&text, source, &overrides, &environment);
    let config = config.expect("the file is one");
    HttpRemote.connect(config.active_model(), progress)
}

fn reached(server: &MuteServer) -> Box<dyn Answering> {
    connect(&server.root, &|_| ControlFlow::Continue(())).expect("it is reached")
}

/// Goes on until it may end.
struct Until<'a>(&'a AtomicBool, Wanted);

impl Wish for Until<'_> {
    fn wanted(&self) -> Wanted {
        match self.0.load(Ordering::Relaxed) {
            true => self.1,
            false => Wanted::GoOn,
        }
    }
}

pub(crate) fn turn(input: TurnInput) -> TurnRequest {
    TurnRequest {
        turn: TurnId::default(),
        input,
        params: Params {
            steps: 4,
            block_length: 4,
            ..Params::default()
        },
    }
}

fn chat() -> TurnRequest {
    turn(TurnInput::Chat {
        messages: vec![Message {
            role: Role::User,
            content: "a".to_owned(),
        }],
        pins: Vec::new(),
        length: 4,
        overflow: Overflow::Refuse,
    })
}

fn canvas() -> TurnRequest {
    turn(TurnInput::Canvas(Canvas::new(&[TokenId(2)], 4, TokenId(0))))
}

#[track_caller]
fn left(known: &'static [(&'static str, &'static str)], first: &'static str, request: TurnRequest) {
    for wanted in [Wanted::Stop, Wanted::Abandon] {
        let server = mute(known, first);
        let mut model = reached(&server);
        let (started, steps) = (Cell::new(0), RefCell::new(Vec::new()));
        let told = AtomicBool::new(false);
        // Whoever waits for its first step leaves when that has come.
        let may_end = match first.contains("content") {
            true => &told,
            false => &*server.is_asked,
        };
        let outcome = model.turn(
            request.clone(),
            &Until(may_end, wanted),
            &|event| match event {
                TurnEvent::Started { .. } => started.set(started.get() + 1),
                TurnEvent::Step(step) => {
                    told.store(true, Ordering::Relaxed);
                    steps.borrow_mut().push(step);
                }
                other => panic!("{other:?}"),
            },
        );
        let outcome = outcome.expect("it is left in peace");
        assert_eq!((started.get(), outcome.reason), (1, FinishReason::Stopped));
        assert_eq!(
            outcome.text,
            if first.contains("content") { "a" } else { "" }
        );
        drop(model);
        server.left.join().expect("it is hung up on");
    }
}

#[test]
fn a_turn_without_an_answer_is_left_at_once() {
    left(&THEIRS, "", chat());
    left(&OURS, "", canvas());
}

#[test]
fn a_turn_whose_prompt_is_not_answered_is_left_at_once() {
    left(&OURS, "", chat());
}

#[test]
fn a_turn_whose_server_falls_silent_is_left_at_once() {
    left(
        &THEIRS,
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        chat(),
    );
}

#[test]
fn a_measurement_without_an_answer_is_left_at_once() {
    let server = mute(&OURS, "");
    let mut model = reached(&server);
    let pair = Pair {
        context: vec![TokenId(2)],
        continuation: vec![TokenId(2)],
    };
    let settings = MeasureSettings::default();
    let request: MeasureRequest = settings.request(Default::default(), vec![pair], None);
    let wish = Until(&server.is_asked, Wanted::Abandon);
    let end = model.measure(&request, &wish, &|event| panic!("{event:?}"));
    assert_eq!(end, Ok(MeasureEvent::Stopped));
    server.left.join().expect("it is hung up on");
}

#[test]
fn a_server_without_an_answer_is_left_while_it_is_connected_to() {
    for known in [&[][..], &OURS[..1], &OURS[..2], &OURS[..3]] {
        let server = mute(known, "");
        let is_asked = Arc::clone(&server.is_asked);
        let failure = connect(
            &server.root,
            &move |_| match is_asked.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            },
        );
        let failure = failure.err().expect("it is left");
        assert!(failure.text.contains("stopped on request"), "{failure}");
        server.left.join().expect("it is hung up on");
    }
}

#[test]
fn an_alias_is_asked_for_by_the_key_that_it_stands_for() {
    let listener = mute(&ALIASED, "");
    let model = connect(&listener.root, &|_| ControlFlow::Continue(()));
    let model = model.expect("the alias is known there");
    assert_eq!(model.loaded().facts.vocab, 3);
}

/// A server that knows `m` as an alias of `n`.
const ALIASED: [(&str, &str); 5] = [
    (
        "GET /v1/models ",
        r#"{"data":[{"id":"n","unmask":{"name":"n"}}]}"#,
    ),
    ("GET /v1/models/m ", r#"{"id":"n"}"#),
    OURS[1],
    (
        "GET /unmask/v1/vocabulary",
        r#"{"model":"n","pieces":[{"special":"<mask>"},{"special":"<end>"},{"text":"a"}],"special":{"mask":0,"eos":1,"eot":null,"bos":null,"ends":[1]}}"#,
    ),
    (
        "GET /unmask/v1/state",
        r#"{"loaded":{"model":{"key":"n"},"context":64,"settings":{}}}"#,
    ),
];
