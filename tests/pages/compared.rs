//! Pages of two recorded runs.

use std::fs;

use serde_json::{Value, json};
use unmask_tests::program::{Home, refused};
use unmask_tests::tool;

use super::{END, MASK, seen, text_of};

#[test]
fn two_runs_become_a_page_that_plays_both_and_marks_where_they_differ() {
    let home = Home::default();
    for (trace, seed) in [("a.jsonl", "1"), ("b.jsonl", "2")] {
        let question = "Write a poem about the sea.";
        let hot = ["--temp", "2", "--seed", seed, "--len", "32"];
        let how = [&["generate", "-q", "--trace", trace], &hot[..], &[question]].concat();
        assert_eq!(home.run(&how, "").code, Some(0));
    }
    let said = home.run(&["compare", "a.jsonl", "b.jsonl", "--html", "c.html"], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let again = home.run(&["compare", "a.jsonl", "b.jsonl", "--html", "c.html"], "");
    refused(&again, 2, &["c.html", "--force"]);
    let onto = home.run(
        &[
            "compare", "a.jsonl", "b.jsonl", "--html", "b.jsonl", "--force",
        ],
        "",
    );
    refused(&onto, 2, &["recorded run"]);
    let page = fs::read_to_string(home.path().join("c.html")).expect("it is written");
    assert!(page.contains("default-src 'none'"), "{page}");
    // Without scripts the final texts and what differs are there.
    for word in ["A · demo", "B · demo", "the texts differ", "seed"] {
        assert!(page.contains(word), "{word}");
    }
    let Some(chromium) = tool(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    let path = home.path().join("c.html");
    let dom = seen(&chromium, &path, "");
    // Whole answers go by words, here as in what is printed.
    let printed = home.run(&["compare", "a.jsonl", "b.jsonl", "--format", "json"], "");
    let printed: Value = serde_json::from_str(&printed.stdout).expect("it is JSON");
    let (first, words) = (&printed["first_difference"], &printed["words"]);
    let named = format!(
        "first difference: step {}, token {} ",
        first["step"], first["offset"]
    );
    let lines = home.run(&["compare", "a.jsonl", "b.jsonl"], "").stdout;
    let line = lines.lines().find(|line| line.starts_with(&named));
    let same = format!("{} of {} words the same", words["same"], words["longer"]);
    let said = format!("{}  ·  {same}", line.expect("it is printed"));
    assert_eq!(text_of(&dom, "difference"), said);
    assert!(
        dom.contains("class=\"token other\"") || dom.contains(" other"),
        "{dom}"
    );
    let begun = seen(&chromium, &path, "at=0");
    assert_eq!(
        text_of(&begun, "difference"),
        "no difference · same so far: 0 of 0"
    );
    assert!(
        text_of(&begun, "answer-a").chars().all(|it| it == '▒'),
        "{begun}"
    );
}

/// A run of four masks, or of three behind a token that is given, with these events.
fn unfinished(first: Option<u32>, events: &[Value]) -> String {
    let behind = if first.is_some() { 4 } else { 3 };
    let start = json!({
        "event": "start", "v": 1, "id": "x", "at": "2026-01-01T00:00:00Z", "program": "test", "family": null,
        "model": {"key": "k", "name": "n", "hub": null, "identity": null, "files": []}, "tokenizer": null,
        "backend": {"name": "b", "version": "1", "device": "cpu", "precision": "f32", "threads": null},
        "params": {"length": 4, "steps": 4, "seed": 1, "confidence_type": "f32", "noise": 1},
        "exact": true, "approximation": null, "continues": null,
        "canvas": {"mask": MASK, "ends": [END], "tokens": [40, 40, 40, first.unwrap_or(MASK), MASK, MASK, MASK],
            "answer_start": 3, "given": [[0, behind]], "padding": 0},
        "pieces": {"40": {"text": "p"}, "2": {"special": "<mask>"}, "54": {"text": " word"}},
        "messages": [{"role": "user", "content": "a"}],
    });
    let lines = [&start].into_iter().chain(events);
    lines.map(|line| format!("{line}\n")).collect()
}

fn step(step: usize, commits: &[Value]) -> Value {
    json!({"event": "step", "step": step, "steps": 4, "call": step - 1, "block": 0, "blocks": 1, "fed": [0, 7], "length": 7,
        "masked": 2, "ms": 1.0, "nfe": step, "nfe_saved": 0.0, "commits": commits})
}

fn commit(position: usize, text: &str, kind: &str) -> Value {
    let token = if text == " word" { 54 } else { 55 };
    json!({"position": position, "token": token, "text": text, "confidence": 0.5, "entropy": 0.1, "kind": kind, "top": []})
}

#[test]
fn what_was_given_or_edited_is_the_first_difference_and_of_no_step() {
    let home = Home::default();
    let write = |name: &str, text: &str| {
        fs::write(home.path().join(name), text).expect("it can be written")
    };
    let chromium = tool(&["chromium", "chromium-browser", "google-chrome"]);
    let [word, other] = [" word", " other"].map(|text| move |at| commit(at, text, "new"));
    let edit = json!({"event": "edit", "commits": [commit(5, " word", "pinned")]});
    let given = [
        unfinished(Some(54), &[step(1, &[word(4)])]),
        unfinished(None, &[step(1, &[other(4)]), step(2, &[other(3)])]),
    ];
    let edited = [
        unfinished(None, &[step(1, &[word(4)]), edit]),
        unfinished(None, &[step(1, &[other(4), other(5)])]),
    ];
    for (both, offset) in [(given, 0), (edited, 2)] {
        write("a.jsonl", &both[0]);
        write("b.jsonl", &both[1]);
        let html = [
            "compare", "a.jsonl", "b.jsonl", "--html", "c.html", "--force",
        ];
        let said = home.run(&html, "");
        let named = format!("first difference: token {offset} “word” / “other”");
        assert!(said.stdout.lines().any(|line| line == named), "{said:?}");
        if let Some(chromium) = &chromium {
            let dom = seen(chromium, &home.path().join("c.html"), "");
            let shown = text_of(&dom, "difference");
            assert_eq!(shown, format!("{named} · same so far: 0 of 2"));
        }
    }
    let Some(chromium) = &chromium else { return };
    // From the first of the two tokens that differ, where it was clicked, it goes on to the second.
    let script = "document.querySelector('#answer-a [data-at=\"1\"]').click();
        document.getElementById('next').click();
        document.getElementById('whole').textContent = document.querySelector('#answer-a .chosen').dataset.at;";
    // The page's own policy lets no other script run.
    let page = fs::read_to_string(home.path().join("c.html")).expect("it is written");
    let page = page.replace("http-equiv=\"Content-Security-Policy\"", "name=\"open\"");
    let page = page.replace("</body>", &format!("<script>{script}</script></body>"));
    write("open.html", &page);
    let dom = seen(chromium, &home.path().join("open.html"), "");
    assert_eq!(text_of(&dom, "whole"), "2");
}
