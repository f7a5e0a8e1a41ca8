//! Recorded runs as pages: the script that folds events in a browser does as the program does, and a page plays what the trace
//! holds, asks nobody for anything and lets no text of a run become code. Without node or Chromium the tests that need them
//! say so and pass, unless `UNMASK_REQUIRE_BROWSER` is set.

#[path = "pages/compared.rs"]
mod compared;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use unmask_tests::program::{Home, refused};
use unmask_tests::{root, tool};

const KINDS: [&str; 6] = [
    "new", "changed", "remasked", "inserted", "deleted", "pinned",
];
const MASK: u32 = 2;
const END: u32 = 1;

/// A trace with commits of all six kinds, drawn from `seed`: whole characters, halves of one, specials, masks, ends.
fn made_up(seed: u64) -> String {
    let mut state = seed;
    let mut draw = |below: u64| {
        // Numerical Recipes' generator: any that repeats will do.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (prompt, answer) = (3, 12);
    let mut tokens = vec![40_u32; prompt];
    tokens.resize(prompt + answer, MASK);
    let start = json!({
        "event": "start", "v": 1, "id": "x", "at": "2026-01-01T00:00:00Z", "program": "test", "family": null,
        "model": {"key": "k", "name": "<b>n</b>", "hub": null, "identity": null, "files": []}, "tokenizer": null,
        "backend": {"name": "b", "version": "1", "device": "cpu", "precision": "f32", "threads": null},
        "params": {"length": answer, "steps": 4, "seed": seed, "confidence_type": "f32", "noise": 1},
        "exact": true, "approximation": null, "continues": null,
        "canvas": {"mask": MASK, "ends": [END], "tokens": tokens, "answer_start": prompt, "given": [[0, prompt]], "padding": 0},
        "pieces": {"40": {"text": "p"}, "2": {"special": "<mask>"}},
        "messages": [{"role": "user", "content": "a </script><script>document.title='broken'</script> b"}],
    });
    let mut lines = format!("{start}\n");
    let mut length = prompt + answer;
    let mut masked = answer;
    for step in 1..=12_u64 {
        let mut commits = Vec::new();
        for _ in 0..draw(4) {
            let kind = KINDS[draw(6) as usize];
            let places = if kind == "inserted" {
                length + 1
            } else {
                length
            };
            if places == prompt && kind != "inserted" {
                continue;
            }
            let at = prompt as u64 + draw((places - prompt).max(1) as u64);
            if at as usize >= places {
                continue;
            }
            let (token, piece) = match draw(7) {
                _ if kind == "remasked" => (MASK, json!({"special": "<mask>"})),
                0 => (END, json!({"special": "<end>"})),
                1 => (50, json!({"bytes": [195]})),
                2 => (51, json!({"bytes": [164]})),
                3 => (
                    52,
                    json!({"text": "</script><img src=x onerror=\"document.title='broken'\">"}),
                ),
                4 => (53, json!({"text": "\u{202e}x"})),
                _ => (54, json!({"text": " word"})),
            };
            let mut commit = json!({"position": at, "token": token, "confidence": 0.5, "entropy": 0.1, "kind": kind,
                "top": [[token, 0.5, "a"]]});
            if let (Value::Object(commit), Value::Object(piece)) = (&mut commit, piece) {
                commit.extend(piece);
            }
            match kind {
                "inserted" => length += 1,
                "deleted" => length -= 1,
                _ => (),
            }
            commits.push(commit);
        }
        masked = masked.min(length);
        let event = json!({"event": "step", "step": step, "steps": 12, "call": step - 1, "block": 0, "blocks": 1, "fed": [0, length],
            "length": length, "masked": masked, "ms": 1.0, "nfe": step, "nfe_saved": 0.0, "commits": commits});
        lines.push_str(&format!("{event}\n"));
    }
    lines
}

/// The answer after each number of steps, as the program writes it.
fn by_the_program(home: &Home, trace: &Path, steps: usize) -> Vec<String> {
    let trace = trace.to_str().expect("test folders have plain names");
    let answer = |step: usize| {
        let step = step.to_string();
        let said = home.run(
            &["export", "trace", trace, "--to", "text", "--step", &step],
            "",
        );
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout
            .strip_suffix('\n')
            .expect("it is a line")
            .to_owned()
    };
    (0..=steps).map(answer).collect()
}

/// The same by the script.
fn by_the_script(node: &Path, trace: &Path) -> Vec<String> {
    let script = format!(
        "import {{ runs, fold, plain }} from {wire};\n\
         import {{ readFileSync }} from 'node:fs';\n\
         const lines = readFileSync({trace}, 'utf8').split('\\n').filter(Boolean).map((line) => JSON.parse(line));\n\
         const run = runs(lines).at(-1);\n\
         const all = [];\n\
         for (let n = 0; n <= run.events.length; n++) all.push(plain(fold(run, n), run.start));\n\
         console.log(JSON.stringify(all));\n",
        wire = json!(root().join("core/pages/src/wire.js")),
        trace = json!(trace),
    );
    let ran = Command::new(node)
        .args(["--input-type=module", "-e", &script])
        .output()
        .expect("it runs");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).expect("it prints a list of texts")
}

#[test]
fn the_script_of_the_pages_folds_events_as_the_program_does() {
    let Some(node) = tool(&["node"]) else { return };
    let home = Home::default();
    for seed in 0..8 {
        let trace = home.path().join("t.jsonl");
        fs::write(&trace, made_up(seed)).expect("it can be written");
        assert_eq!(
            by_the_script(&node, &trace),
            by_the_program(&home, &trace, 12),
            "seed {seed}"
        );
    }
}

/// A page, and what a browser makes of it: the whole document after its script has run.
fn seen(chromium: &Path, page: &Path, fragment: &str) -> String {
    let profile = tempfile::tempdir().expect("a folder can be made");
    let ran = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=4000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}#{fragment}", page.display()))
        .output()
        .expect("it runs");
    let dom = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        dom.contains("</html>"),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    dom
}

/// The text of the element with this id, tags left out, its characters unescaped; masks have a fixed text there.
fn text_of(dom: &str, id: &str) -> String {
    let (_, behind) = dom
        .split_once(&format!("id=\"{id}\""))
        .expect("it is there");
    let (_, inside) = behind.split_once('>').expect("the tag ends");
    let mut text = String::new();
    let mut depth = 1;
    let mut rest = inside;
    while depth > 0 {
        let (before, tag) = rest.split_once('<').expect("the element ends");
        text.push_str(before);
        let (tag, behind) = tag.split_once('>').expect("the tag ends");
        depth = if tag.starts_with('/') {
            depth - 1
        } else {
            depth + 1
        };
        rest = behind;
    }
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}");
    text.replace("&amp;", "&").replace("▒▒▒", "▒")
}

#[test]
fn a_page_shows_each_step_as_the_trace_has_it_and_runs_nothing_of_the_run() {
    let Some(chromium) = tool(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    let home = Home::default();
    for seed in [1, 5] {
        let (trace, page) = (home.path().join("t.jsonl"), home.path().join("t.html"));
        fs::write(&trace, made_up(seed)).expect("it can be written");
        let (from, to) = (trace.display().to_string(), page.display().to_string());
        let said = home.run(
            &[
                "export", "trace", &from, "--to", "html", "--out", &to, "--force",
            ],
            "",
        );
        assert_eq!(said.code, Some(0), "{said:?}");
        for (step, expected) in by_the_program(&home, &trace, 12)
            .iter()
            .enumerate()
            .step_by(4)
        {
            let dom = seen(&chromium, &page, &format!("step={step}"));
            let shown = text_of(&dom, "answer");
            let shown = shown.split(" end · ").next().unwrap_or_default();
            assert_eq!(shown, expected, "seed {seed}, step {step}");
            assert!(
                !dom.contains("<title>broken"),
                "text of the run became code"
            );
            assert!(
                text_of(&dom, "figures").starts_with(&format!("step {step}/")),
                "{dom}"
            );
        }
    }
}

#[test]
fn a_run_of_the_demo_becomes_a_page_a_text_a_log_and_an_object() {
    let home = Home::default();
    let ran = home.run(
        &[
            "generate",
            "--trace",
            "t.jsonl",
            "--len",
            "32",
            "--steps",
            "8",
            "What is the capital of France?",
        ],
        "",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let export = |more: &[&str]| {
        let said = home.run(&[&["export", "trace", "t.jsonl"], more].concat(), "");
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout
    };
    assert_eq!(export(&["--to", "text"]), ran.stdout);
    let log = export(&["--to", "text", "--step", "all"]);
    assert_eq!(
        log.lines().filter(|line| line.starts_with("step ")).count(),
        32,
        "{log}"
    );
    let whole: Value = serde_json::from_str(&export(&["--to", "json"])).expect("it is JSON");
    assert_eq!(whole["steps"].as_array().map(Vec::len), Some(8));
    assert_eq!(whole["end"]["event"], "done");
    let page = export(&["--to", "html"]);
    assert!(
        page.contains("The capital of France is Paris."),
        "without scripts the answer is there"
    );
    assert!(!page.contains("://"), "it asks nobody");
    assert!(page.len() < 70_000 + 400 * 32, "{} bytes", page.len());
}

#[test]
fn what_cannot_be_exported_is_named() {
    let home = Home::default();
    let write = |name: &str, text: &str| {
        fs::write(home.path().join(name), text).expect("it can be written")
    };
    write("notes", "not a trace\nat all\n");
    write("good", &made_up(3));
    write("theirs", "keep me");
    let export = |arguments: &[&str]| home.run(&[&["export", "trace"], arguments].concat(), "");
    refused(&export(&["gone", "--to", "html"]), 2, &["gone", "--trace"]);
    refused(&export(&["notes", "--to", "html"]), 2, &["notes", "line 1"]);
    refused(
        &export(&["good", "--to", "html", "--run", "2"]),
        2,
        &["no run 2", "holds 1"],
    );
    refused(
        &export(&["good", "--to", "text", "--step", "99"]),
        2,
        &["12 steps"],
    );
    refused(
        &export(&["good", "--to", "html", "--step", "3"]),
        2,
        &["--step"],
    );
    refused(
        &export(&["good", "--to", "html", "--out", "theirs"]),
        2,
        &["theirs", "--force"],
    );
    assert_eq!(
        fs::read_to_string(home.path().join("theirs")).expect("it is there"),
        "keep me"
    );
    let before = fs::read_to_string(home.path().join("good")).expect("it is there");
    let onto_itself = export(&["good", "--to", "html", "--out", "good", "--force"]);
    refused(&onto_itself, 2, &["good", "recorded run itself"]);
    let after = fs::read_to_string(home.path().join("good")).expect("it is there");
    assert_eq!(after, before);
    write("empty", "");
    refused(
        &export(&["empty", "--to", "html"]),
        2,
        &["empty holds no run"],
    );
}
