//! What a turn is laid out from, and what is refused.

use unmask_api::{Position, TokenId};

use super::*;
use crate::Canvas;

#[test]
fn a_canvas_beyond_the_context_is_refused_with_the_numbers() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(prompt(40), 40);
    let failure = bench.failure();
    let kind = FailureKind::Context {
        tokens: 42,
        limit: 32,
        room: 30,
    };
    assert_eq!(failure.kind, kind);
    assert_eq!(
        failure.text,
        "prompt and answer have 42 tokens, the limit is 32: 10 too many"
    );
    assert!(
        failure.hint.ends_with("set the length to 30 or less"),
        "{}",
        failure.hint
    );
}

#[test]
fn an_answer_too_long_for_any_machine_is_refused_before_it_is_made() {
    let mut bench = Bench::loaded(Fake::default());
    for length in [usize::MAX, 1 << 44] {
        bench.begin(prompt(length), 4);
        let kind = bench.failure().kind;
        assert!(matches!(kind, FailureKind::Context { room: 30, .. }));
    }
    // One position to spare, and none.
    bench.begin(prompt(30), 30);
    assert_eq!(bench.outcome().canvas.len(), 32);
    bench.begin(prompt(31), 31);
    assert!(
        bench
            .failure()
            .text
            .ends_with("the limit is 32: 1 too many")
    );
}

#[test]
fn tokens_that_the_network_has_no_rows_for_are_named() {
    let mut bench = Bench::loaded(Fake::default());
    let prompt = vec![TokenId(1), TokenId(99)];
    bench.begin(TurnInput::Tokens { prompt, length: 2 }, 2);
    let failure = bench.failure();
    assert_eq!(
        (failure.kind, failure.text.as_str()),
        (
            FailureKind::Model,
            "the text holds token 99, but the network of a has 16 tokens"
        )
    );
}

#[test]
fn an_unfinished_answer_of_another_model_is_refused() {
    let mut bench = Bench::loaded(Fake::default());
    let canvas = Canvas::new(&[TokenId(1)], 2, TokenId(3));
    bench.begin(TurnInput::Canvas(canvas), 2);
    let failure = bench.failure();
    assert_eq!(failure.kind, FailureKind::Usage);
    assert!(failure.text.contains("its mask is token 3"), "{failure}");
}

#[test]
fn pins_stand_where_they_were_asked_for() {
    let mut bench = Bench::loaded(Fake::default());
    let chat = |at| TurnInput::Chat {
        messages: vec![Message {
            role: Role::User,
            content: "hi".to_owned(),
        }],
        pins: vec![Pin {
            at: Position(at),
            word: "xy".to_owned(),
        }],
        length: 4,
        overflow: Overflow::Refuse,
    };
    bench.begin(chat(1), 4);
    assert_eq!(bench.outcome().text, "1934");
    bench.begin(chat(4), 4);
    assert_eq!(
        bench.failure().text,
        "`xy` needs positions 4 to 4, but the answer has 4; pin it earlier or make the answer longer"
    );
}

#[test]
fn what_a_request_is_refused_for_is_known_without_the_engine() {
    let loaded = ready("a", Fake::default()).loaded;
    let request = |length| TurnRequest {
        turn: TurnId(7),
        input: conversation(true, 3, length, Overflow::DropOldest),
        params: Params {
            steps: 4,
            block_length: 4,
            ..Params::default()
        },
    };
    let failure = request(31).laid_out(&loaded).expect_err("one too many");
    let kind = FailureKind::Context {
        tokens: 33,
        limit: 32,
        room: 30,
    };
    assert_eq!(failure.kind, kind);
    // What is laid out runs as what is not, and is laid out once.
    let laid_out = request(4).laid_out(&loaded).expect("it fits");
    let again = TurnRequest::from(laid_out.clone());
    assert_eq!(again.clone().laid_out(&loaded), Ok(laid_out));
    let mut bench = Bench::loaded(Fake::default());
    bench.begin_with(request(4).input, request(4).params);
    let here = bench.outcome();
    bench.begin_with(again.input, again.params);
    let there = bench.outcome();
    assert_eq!((here.text, here.canvas), (there.text, there.canvas));
}

#[test]
fn a_stopped_canvas_goes_on_from_where_it_was() {
    let mut bench = Bench::loaded(Fake::default());
    let mut canvas = Canvas::new(&[TokenId(1); 2], 4, MASK);
    canvas.commit(Position(3), TokenId(7));
    bench.begin(TurnInput::Canvas(canvas), 4);
    assert_eq!(bench.outcome().text, "2745");
}

#[test]
fn a_follow_up_keeps_the_turn_before_without_its_end_and_its_masks() {
    let mut bench = Bench::loaded(Fake::default());
    let follow_up = TurnInput::FollowUp {
        previous: vec![TokenId(5), TokenId(6), END, MASK],
        message: "hi".to_owned(),
        length: 2,
    };
    bench.begin(follow_up, 2);
    let outcome = bench.outcome();
    // The fake template gives one token a message, which as the first of a follow-up is dropped.
    let prompt = &outcome.canvas.tokens()[..outcome.canvas.answer_start()];
    assert_eq!(prompt, [TokenId(5), TokenId(6)]);
}

#[test]
fn a_pin_behind_the_end_token_is_part_of_the_text() {
    let mut bench = Bench::loaded(Fake::default());
    // Position 11 wants the end token.
    let mut canvas = Canvas::new(&[TokenId(1); 9], 6, MASK);
    canvas.pin(Position(13), TokenId(2));
    bench.begin(TurnInput::Canvas(canvas), 6);
    let outcome = bench.outcome();
    assert_eq!(
        (outcome.text.as_str(), outcome.stats.text_tokens),
        ("9ac2e", 6)
    );
}

/// Questions of one letter and answers of two, then a last question; the fake template gives a token a message.
fn conversation(system: bool, answered: usize, length: usize, overflow: Overflow) -> TurnInput {
    let say = |role, content: &str| Message {
        role,
        content: content.to_owned(),
    };
    let mut messages = Vec::new();
    if system {
        messages.push(say(Role::System, "12345"));
    }
    for _ in 0..answered {
        messages.push(say(Role::User, "q"));
        messages.push(say(Role::Assistant, "an"));
    }
    messages.push(say(Role::User, "end"));
    TurnInput::Chat {
        messages,
        pins: Vec::new(),
        length,
        overflow,
    }
}

/// How many messages are left out, and the prompt.
fn started(bench: &Bench) -> (usize, Vec<u32>) {
    let (left_out, prompt) = match bench.next_turn() {
        TurnEvent::Started {
            canvas, left_out, ..
        } => {
            let prompt = &canvas.tokens()[..canvas.answer_start()];
            (left_out, prompt.iter().map(|token| token.0).collect())
        }
        other => panic!("not started: {other:?}"),
    };
    bench.outcome();
    (left_out, prompt)
}

#[test]
fn the_oldest_questions_go_with_their_answers_and_no_more_of_them_than_must() {
    let mut bench = Bench::loaded(Fake::default());
    let mut check = |system, answered, left_out, begins: &[u32]| {
        bench.begin(conversation(system, answered, 4, Overflow::DropOldest), 4);
        let (dropped, prompt) = started(&bench);
        assert_eq!((dropped, &prompt[..2]), (left_out, begins), "{answered}");
        let kept = usize::from(system) + 2 * answered + 1 - left_out;
        assert_eq!((prompt.len(), prompt.last()), (kept, Some(&3)));
    };
    // 28 positions are for the prompt.
    check(false, 13, 0, &[1, 2]);
    check(false, 14, 2, &[1, 2]);
    check(false, 20, 14, &[1, 2]);
    check(true, 13, 0, &[5, 1]);
    check(true, 20, 14, &[5, 1]);
    check(false, 500, 974, &[1, 2]);
}

#[test]
fn a_conversation_that_may_not_be_shortened_is_refused() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(conversation(false, 20, 4, Overflow::Refuse), 4);
    let kind = FailureKind::Context {
        tokens: 45,
        limit: 32,
        room: 0,
    };
    assert_eq!(bench.failure().kind, kind);
}

#[test]
fn a_question_that_does_not_fit_alone_is_refused_with_the_room_there_is() {
    let mut bench = Bench::loaded(Fake::default());
    for answered in [0, 3] {
        bench.begin(conversation(true, answered, 31, Overflow::DropOldest), 31);
        let kind = FailureKind::Context {
            tokens: 33,
            limit: 32,
            room: 30,
        };
        assert_eq!(bench.failure().kind, kind);
    }
}
