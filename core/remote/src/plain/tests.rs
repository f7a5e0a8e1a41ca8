use unmask_core::fold::{Fold, Mark};

use super::*;
use crate::sse::SseReader;

/// The answer after each chunk that changes it, masks as `▒`; marks must be those of the canvas.
fn told(chunks: &[Value]) -> (Vec<String>, TextTurn) {
    let begun = Canvas::new(&text::tokens("p"), 1, MASK);
    let mut turn = TextTurn::new(begun.clone());
    let mut fold = Fold::new(begun);
    let mut shown = Vec::new();
    for chunk in chunks {
        let Some(step) = turn.news(chunk) else {
            continue;
        };
        fold.apply(step.step, &step.commits).expect("it fits");
        // Nobody has told how sure it was: it is nothing that a model was unsure of.
        let given = { step.commits.iter() }.filter(|it| it.kind == CommitKind::Pinned);
        assert!(
            { given }.all(|it| it.confidence == 1.0),
            "{:?}",
            step.commits
        );
        assert_eq!(fold.canvas(), &turn.canvas);
        let answer = turn.canvas.answer();
        shown.push(
            text::text(answer)
                + if answer.last() == Some(&MASK) {
                    "▒"
                } else {
                    ""
                },
        );
    }
    (shown, turn)
}

fn delta(text: &str) -> Value {
    json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

fn frame(text: &str) -> Value {
    json!({"type": "diffusion_frame", "block": 0, "step": 1, "total": 2, "text": text, "choices": [{"delta": {}}]})
}

#[test]
fn text_comes_as_it_is_told_and_counts_as_given() {
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"completion_tokens": 3}});
    let role = json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]});
    let (shown, mut turn) = told(&[role, delta("Grüß"), delta(" dich"), end, usage]);
    assert_eq!(shown, ["Grüß▒", "Grüß dich▒"]);
    assert!((1..turn.canvas.len() - 1).all(|at| turn.canvas.is_given(Position(at as u32))));
    let step = turn.end();
    assert_eq!((step.step, step.masked), (3, 0));
    let reason = turn.reason.expect("it was told");
    let outcome = turn.outcome(reason);
    assert_eq!(
        (&*outcome.text, outcome.reason, outcome.stats.text_tokens),
        ("Grüß dich", FinishReason::EndToken, 3)
    );
}

#[test]
fn frames_change_until_their_text_settles() {
    let (shown, mut turn) = told(&[
        frame("xx yy"),
        frame("It yy zz"),
        frame("It is"),
        delta("It is"),
        frame(" a"),
        frame(" an end, or"),
    ]);
    assert_eq!(
        shown,
        [
            "xx yy▒",
            "It yy zz▒",
            "It is▒",
            "It is a▒",
            "It is an end, or▒"
        ]
    );
    turn.end();
    assert_eq!(
        text::text(turn.canvas.answer()),
        "It is",
        "what did not settle is no answer"
    );
    assert_eq!(turn.canvas.answer().last(), Some(&END));
}

#[test]
fn logarithms_of_probabilities_become_confidences() {
    let mut chunk = delta("a€");
    chunk["choices"][0]["logprobs"] = json!({"content": [{"token": "a", "logprob": -std::f64::consts::LN_2}, {"token": "€", "logprob": 0.0}]});
    let begun = Canvas::new(&[], 1, MASK);
    let mut turn = TextTurn::new(begun.clone());
    let mut fold = Fold::new(begun);
    let step = turn.news(&chunk).expect("there is text");
    fold.apply(1, &step.commits).expect("it fits");
    let sure: Vec<f32> = { fold.marks().iter() }
        .filter_map(|mark| match mark {
            Mark::Committed { confidence, .. } => Some(*confidence),
            Mark::Masked | Mark::Given | Mark::Changed { .. } => None,
        })
        .collect();
    assert_eq!(sure, [0.5, 1.0, 1.0, 1.0]);
    chunk["choices"][0]["logprobs"]["content"][0]["token"] = json!("other");
    assert!(confidences(&chunk["choices"][0]["logprobs"], "a€").is_empty());
}

#[test]
fn what_other_servers_add_is_no_text() {
    for chunk in [
        json!({"choices": []}),
        json!({"choices": [{"delta": {"reasoning_content": "hm"}}], "timings": {"predicted_ms": 1}}),
        json!({"choices": [{"delta": {"content": null}}]}),
        json!({"type": "diffusion_frame"}),
        json!(1),
    ] {
        assert!(
            TextTurn::new(Canvas::new(&[], 1, MASK))
                .news(&chunk)
                .is_none(),
            "{chunk}"
        );
    }
}

#[test]
fn what_other_servers_stream_is_one_text_wherever_it_is_cut() {
    use super::transcripts::{LLAMA, SGLANG, UNSLOTH, VLLM};
    for (name, transcript) in [
        ("vLLM", VLLM),
        ("SGLang", SGLANG),
        ("llama-server", LLAMA),
        ("unsloth", UNSLOTH),
    ] {
        let bytes = transcript.as_bytes();
        for cut in 0..=bytes.len() {
            let mut reader = SseReader::default();
            let mut turn = TextTurn::new(Canvas::new(&[], 1, MASK));
            let parts = [&bytes[..cut], &bytes[cut..]];
            let events = parts
                .map(|part| reader.push(part).expect("it is short"))
                .concat();
            assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
            for event in &events[..events.len() - 1] {
                turn.news(&serde_json::from_str(event).expect("it is JSON"));
            }
            turn.end();
            let shown = text::text(turn.canvas.answer());
            let told = (&*shown, &*turn.settled, turn.reason, turn.stats.text_tokens);
            let text = "Grüße aus Zürich 🏔";
            assert_eq!(
                told,
                (text, text, Some(FinishReason::EndToken), 7),
                "{name} cut at {cut}"
            );
        }
    }
}
