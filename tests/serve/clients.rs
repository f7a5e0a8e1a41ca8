//! Real clients of others, installed by `clients/install.sh`: a named skip where they are missing, unless
//! `UNMASK_REQUIRE_CLIENTS` is 1. `aichat` takes minutes to build: it is tried where somebody has it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use unmask_tests::root;

use crate::server::Server;

fn folder() -> PathBuf {
    root().join("target/clients")
}

/// Whether a client is there; says so if it is not.
fn is_there(name: &str, program: &Path) -> bool {
    let is_there = program.exists() && folder().join(name).exists();
    if !is_there {
        let is_wanted = std::env::var("UNMASK_REQUIRE_CLIENTS").is_ok_and(|it| it == "1");
        assert!(
            !is_wanted,
            "{name} is not installed; run tests/serve/clients/install.sh"
        );
        skip(name, "run tests/serve/clients/install.sh");
    }
    is_there
}

fn skip(name: &str, how: &str) {
    writeln!(std::io::stderr(), "skipped: {name} is not installed; {how}").ok();
}

/// Runs a client's script against a server; the last line that it prints is `ok`.
fn run(name: &str, program: PathBuf, script: &str) {
    if !is_there(name, &program) {
        return;
    }
    let server = Server::start(&[]);
    let output = Command::new(program)
        .arg(root().join("tests/serve/clients").join(script))
        .arg(format!("http://{}/v1", server.address))
        .env("HOME", server.home().path())
        .env("NODE_PATH", folder().join("node/node_modules"))
        .current_dir(folder())
        .output()
        .expect("the client starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.trim_end().ends_with("ok"),
        "{name}: {said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn python() -> PathBuf {
    folder().join("python/bin/python")
}

fn node() -> PathBuf {
    on_path("node").unwrap_or_default()
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|it| it.join(name));
    found.find(|it| it.exists())
}

#[test]
fn openai_for_python_streams_completes_and_raises() {
    run("python/openai", python(), "openai_client.py");
}

#[test]
fn litellm_reads_answers_and_streams() {
    run("python/litellm", python(), "litellm_client.py");
}

#[test]
fn langchain_reads_answers_and_streams() {
    run("python/langchain", python(), "langchain_client.py");
}

#[test]
fn llm_reads_answers_and_streams() {
    run("python/llm", python(), "llm_client.py");
}

#[test]
fn openai_for_node_streams_completes_and_raises() {
    run("node/openai", node(), "openai_client.mjs");
}

#[test]
fn the_ai_sdk_reads_answers_and_streams() {
    run("node/ai", node(), "ai_client.mjs");
}

#[test]
fn aichat_answers_streams_and_tells_what_is_refused() {
    let Some(program) = on_path("aichat") else {
        return skip("aichat", "run `cargo install aichat --locked`");
    };
    let server = Server::start(&[]);
    let home = server.home().path();
    let config = format!(
        "model: ours:demo\n\
         clients:\n\
         - type: openai-compatible\n\
        \x20 name: ours\n\
        \x20 api_base: http://{}/v1\n\
        \x20 models:\n\
        \x20 - name: demo\n\
        \x20 - name: other\n",
        server.address
    );
    std::fs::write(home.join("config.yaml"), config).expect("it can be written");
    let ask = |more: &[&str]| {
        let output = Command::new(&program)
            .args(more)
            .arg("What is the capital of France?")
            .env("HOME", home)
            .env("AICHAT_CONFIG_DIR", home)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("it starts");
        let [said, wrong] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).trim().to_owned());
        (output.status.success(), said, wrong)
    };
    let answer = "The capital of France is Paris.".to_owned();
    for way in [&[][..], &["--no-stream"]] {
        assert_eq!(ask(way), (true, answer.clone(), String::new()), "{way:?}");
    }
    for way in [&["-m", "ours:other"][..], &["-m", "ours:other", "-S"]] {
        let (is_fine, said, wrong) = ask(way);
        assert!(!is_fine && said.is_empty(), "{way:?}: {said}");
        assert!(wrong.contains("has no model `other`"), "{way:?}: {wrong}");
    }
}

/// Requests out of the OpenAPI document, sound and not, for a time that a gate has: `SCHEMATHESIS_SECONDS` says another.
#[test]
fn what_the_document_says_is_what_is_answered() {
    let program = folder().join("schemathesis/bin/schemathesis");
    if !is_there("schemathesis/requirements.txt", &program) {
        return;
    }
    let server = Server::start(&["--queue", "64"]);
    let seconds = std::env::var("SCHEMATHESIS_SECONDS").unwrap_or_else(|_| "10".to_owned());
    let output = Command::new(program)
        .arg("run")
        .arg(format!("http://{}/unmask/v1/openapi.json", server.address))
        // With two of them Python 3.11 fails at times, by `AST constructor recursion depth mismatch`.
        .args([
            "--max-time",
            &seconds,
            "--workers",
            "1",
            "--no-color",
            "--warnings",
            "off",
            "--no-shrink",
        ])
        // What is not in a schema is ignored and reported, and of what is, more may be refused than a schema can say.
        .args([
            "--exclude-checks",
            "negative_data_rejection,positive_data_acceptance,ignored_auth",
        ])
        .args(["--generation-database", "none", "--request-timeout", "60"])
        .env("HOME", server.home().path())
        .current_dir(server.home().path())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(server.get("/health").status, 200);
}
