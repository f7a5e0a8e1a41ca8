use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use unmask_tests::program::{Home, program};
use unmask_tests::root;

use super::{lines, number};

const WORKER: [&str; 2] = ["worker", "--jsonl"];

/// What a worker answers to these requests, its first line apart.
fn ask(home: &Home, more: &[&str], requests: &[Value]) -> Vec<Value> {
    let text: String = requests.iter().map(|it| format!("{it}\n")).collect();
    let said = home.run(&[&WORKER[..], more].concat(), &text);
    let mut answers = lines(&said);
    let hello = answers.remove(0);
    assert_eq!((&hello["event"], &hello["v"]), (&json!("hello"), &json!(1)));
    answers
}

fn loglikelihood(id: usize, items: &Value) -> Value {
    json!({"id": id, "do": "loglikelihood", "items": items, "samples": 16, "strata": 4, "seed": 3})
}

#[test]
fn the_worker_measures_as_score_does() {
    let home = Home::default();
    let items = json!([
        {"context": "The capital of France is", "continuation": " Paris, of course"},
        {"context": "Hello ", "continuation": "there"},
    ]);
    let text = "Row, row, row your boat, gently down the stream.";
    let rolling = json!({"id": 2, "do": "rolling", "items": [{"text": text}], "samples": 16, "strata": 4, "seed": 3});
    let answers = ask(&home, &[], &[loglikelihood(1, &items), rolling]);
    let asked: String = items
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| format!("{it}\n"))
        .collect();
    let asked = asked + &json!({"text": text}).to_string();
    let flags = [
        "score",
        "-",
        "-q",
        "--format",
        "jsonl",
        "--samples",
        "16",
        "--strata",
        "4",
        "--seed",
        "3",
    ];
    let scores = lines(&home.run(&flags, &asked));
    assert_eq!(answers.len(), 3);
    for (answer, score) in answers.iter().zip(&scores) {
        assert_eq!(
            (&answer["ll"], &answer["se"], &answer["nfe"]),
            (&score["ll"], &score["se"], &score["nfe"])
        );
    }
    let names: Vec<_> = answers.iter().map(|it| (&it["id"], &it["index"])).collect();
    assert_eq!(
        names,
        [
            (&json!(1), &json!(0)),
            (&json!(1), &json!(1)),
            (&json!(2), &json!(0))
        ]
    );
}

#[test]
fn every_mask_gives_what_numpy_says() {
    let home = Home::default();
    let text =
        std::fs::read_to_string(root().join("tests/measure/exact.json")).expect("it is there");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("it is JSON");
    for model in ["tiny-llada-a", "tiny-llada-gqa"] {
        let folder = root().join("tests/golden/models").join(model);
        let folder = folder.to_str().expect("it has a plain name");
        let of: Vec<&Value> = cases.iter().filter(|it| it["model"] == model).collect();
        let items: Vec<Value> = of
            .iter()
            .map(|it| json!({"context": it["context"], "continuation": it["continuation"]}))
            .collect();
        let request = json!({"id": 1, "do": "loglikelihood", "items": items, "samples": "exact"});
        let answers = ask(
            &home,
            &["-m", folder, "-b", "candle", "--precision", "f32"],
            &[request],
        );
        assert_eq!(answers.len(), 4, "{answers:?}");
        for (answer, case) in answers.iter().zip(&of) {
            let (got, expected) = (number(&answer["ll"]), number(&case["ll"]));
            assert!(
                (got - expected).abs() < 1e-4,
                "{got}, but numpy says {expected}"
            );
            assert_eq!(answer["se"], json!(0.0));
        }
    }
}

#[test]
fn a_thousand_requests_in_flight_are_answered_once_each() {
    let home = Home::default();
    let request = |id: usize| {
        let items = json!([{"context": "a", "continuation": format!(" {id}")}]);
        json!({"id": id, "do": "loglikelihood", "items": items, "samples": 1, "strata": 1})
    };
    let requests: Vec<Value> = (0..1000).map(request).collect();
    let answers = ask(&home, &[], &requests);
    let ids: HashSet<u64> = answers.iter().filter_map(|it| it["id"].as_u64()).collect();
    assert_eq!((answers.len(), ids.len()), (1000, 1000));
    assert!(answers.iter().all(|it| it["ll"].is_number()));
}

#[test]
fn what_is_wrong_is_answered_and_the_rest_goes_on() {
    let home = Home::default();
    let good = json!({"context": "a", "continuation": " b"});
    let bad = json!({"context": "a", "continuation": ""});
    let mixed = loglikelihood(1, &json!([bad, good]));
    let long = json!({"id": 2, "do": "generate", "prompt": "a ".repeat(600)});
    let uneven = json!({"id": 3, "do": "loglikelihood", "items": [{"context": "a", "continuation": " b c"}], "samples": 5, "strata": 2});
    let text = format!(
        "{mixed}\n{{\"id\":9,\"do\":\n\n{long}\n{uneven}\n{}",
        loglikelihood(4, &json!([good]))
    );
    // The last line has no end: it is whole, and counts.
    let answers = lines(&home.run(&WORKER, &text));
    let of =
        |id: &Value| -> Vec<&Value> { answers[1..].iter().filter(|it| it["id"] == *id).collect() };
    let [refused, measured] = of(&json!(1))[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(
        (&refused["index"], &refused["error"]["kind"]),
        (&json!(0), &json!("usage"))
    );
    assert_eq!(
        (&measured["index"], measured["ll"].is_number()),
        (&json!(1), true)
    );
    assert!(
        of(&Value::Null)[0]["error"]["text"]
            .to_string()
            .contains("no object of JSON")
    );
    assert!(
        of(&json!(2))[0]["error"]["kind"]["context"].is_object(),
        "{answers:?}"
    );
    assert!(
        of(&json!(3))[0]["error"]["text"]
            .to_string()
            .contains("multiple of 2")
    );
    assert!(of(&json!(4))[0]["ll"].is_number());
}

#[test]
fn prompts_are_rendered_tokenized_and_answered() {
    let home = Home::default();
    let said = json!([{"role": "user", "content": "What is the capital of France?"}]);
    let rendered = ask(
        &home,
        &[],
        &[json!({"id": 1, "do": "render", "messages": said})],
    );
    let prompt = rendered[0]["text"].as_str().expect("a text").to_owned();
    assert!(
        prompt.ends_with("<|start_header_id|>assistant<|end_header_id|>\n\n"),
        "{prompt}"
    );
    let begun = json!([said[0], {"role": "assistant", "content": "The capital"}]);
    let answers = ask(
        &home,
        &[],
        &[
            json!({"id": "begun", "do": "render", "messages": begun, "add_generation_prompt": false}),
            json!({"id": "tokens", "do": "tokenize", "text": prompt}),
            json!({"id": "info", "do": "info"}),
            json!({"id": "answer", "do": "generate", "prompt": prompt, "until": ["."], "max_tokens": 20}),
            json!({"id": "steps", "do": "generate", "prompt": prompt, "settings": {"length": 16, "steps": 4, "early_stop": false}}),
        ],
    );
    let of = |id: &str| {
        answers
            .iter()
            .find(|it| it["id"] == id)
            .unwrap_or_else(|| panic!("{id}: {answers:?}"))
    };
    assert_eq!(of("begun")["text"], json!(format!("{prompt}The capital")));
    assert_eq!(of("info")["model"]["name"], json!("demo"));
    assert_eq!(
        of("answer")["text"],
        json!("The capital of France is Paris"),
        "up to the stop"
    );
    assert_eq!(of("steps")["nfe"], json!(4));
    let tokens = &of("tokens")["tokens"];
    let request = |skip: bool| json!({"id": u8::from(skip), "do": "detokenize", "tokens": tokens, "skip_special": skip});
    let texts = ask(&home, &[], &[request(false), request(true)]);
    assert_eq!(texts[0]["text"], json!(prompt));
    let plain = texts[1]["text"].as_str().expect("a text");
    assert!(
        plain.contains("France?") && !plain.contains("<|"),
        "{plain}"
    );
}

#[test]
fn a_request_is_given_up_and_a_killed_worker_leaves_whole_lines() {
    let home = Home::default();
    let mut child = Command::new(program())
        .args(WORKER)
        .envs(home.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("it was piped");
    let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
    let mut next = || {
        let mut line = String::new();
        output.read_line(&mut line).expect("it is text");
        line
    };
    next();
    let item = json!({"context": "a", "continuation": " long ".repeat(40)});
    let endless = json!({"id": 1, "do": "loglikelihood", "items": [item], "samples": 1 << 20});
    let cancel = json!({"id": 2, "do": "cancel", "of": 1});
    writeln!(input, "{endless}\n{cancel}").expect("it listens");
    let answers: Vec<Value> = [next(), next()]
        .iter()
        .map(|it| serde_json::from_str(it).expect("an answer"))
        .collect();
    assert!(
        answers.contains(&json!({"id": 2, "found": true})),
        "{answers:?}"
    );
    assert!(
        answers.contains(&json!({"id": 1, "cancelled": true})),
        "{answers:?}"
    );
    let items: Vec<Value> = (0..4000)
        .map(|at| json!({"context": "a", "continuation": format!(" {at} b c d")}))
        .collect();
    writeln!(input, "{}", loglikelihood(3, &json!(items))).expect("it listens");
    next();
    child.kill().expect("it runs");
    let mut lines = 0;
    loop {
        let line = next();
        if !line.ends_with('\n') {
            break;
        }
        let answer: Value = serde_json::from_str(&line).expect("a whole answer");
        assert_eq!(answer["id"], json!(3));
        lines += 1;
    }
    assert!(lines < 3999, "it was killed before its end");
    child.wait().expect("it ends");
}

#[test]
fn ids_are_repeated_to_the_last_digit_and_an_answer_is_never_longer_than_asked() {
    let home = Home::default();
    let prompt = "Tell me a story about a fox.";
    let answers = ask(
        &home,
        &[],
        &[
            json!({"id": u64::MAX, "do": "generate", "prompt": prompt, "max_tokens": 40, "settings": {"early_stop": false, "logits_eos_inf": true}}),
            json!({"id": i64::MIN, "do": "generate", "prompt": prompt, "max_tokens": 3, "settings": {"early_stop": false, "logits_eos_inf": true}}),
            json!({"id": "none", "do": "generate", "prompt": prompt, "max_tokens": 0}),
        ],
    );
    let of = |id: Value| {
        let mut answers = answers.iter();
        let found = answers.find(|it| it["id"] == id);
        found.unwrap_or_else(|| panic!("{id}: {answers:?}")).clone()
    };
    // Whole blocks of 32, and one shorter block where there is not room for one.
    assert_eq!(of(json!(u64::MAX))["nfe"], json!(32));
    let short = of(json!(i64::MIN));
    assert!(
        number(&short["tokens"]) <= 3.0 && short["nfe"] == json!(3),
        "{short}"
    );
    let refused = of(json!("none"))["error"]["text"].to_string();
    assert!(refused.contains("`max_tokens` is 0"), "{refused}");
}
