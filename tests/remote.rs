//! Models that answer on other servers: `unmask serve` in a process of its own, and others' servers as replayed transcripts.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};
use unmask_tests::program::{Home, Said, refused};
use unmask_tests::served::Served;

const FRANCE: &str = "What is the capital of France?";

/// The user's own configuration, in which `there` answers at `address`.
fn configured(home: &Home, address: &str, more: &str) {
    let folder = home.path().join("config/unmask");
    fs::create_dir_all(&folder).expect("it can be made");
    fs::write(folder.join("model_config.toml"), file(address, more)).expect("it can be written");
}

fn file(address: &str, more: &str) -> String {
    format!(
        "active_model_key = \"there\"\n\
         [available_models.demo]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n\
         [available_models.there]\nframework = \"openai\"\nmodel_id = \"some/model\"\n\
         [available_models.there.options]\nbase_url = \"{address}v1\"\nmodel = \"demo\"\n{more}\n"
    )
}

/// A run without what differs from one to the next: names, places, times.
fn told(said: &Said) -> Vec<Value> {
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut events: Vec<Value> = (said.stdout.lines())
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    for event in &mut events {
        let event = event.as_object_mut().expect("it is an object");
        for key in [
            "id",
            "at",
            "model",
            "backend",
            "ms",
            "forward_ms",
            "tokenizer",
            "program",
        ] {
            event.remove(key);
        }
        if let Some(stats) = event.get_mut("stats").and_then(Value::as_object_mut) {
            stats.remove("ms");
        }
    }
    events
}

#[test]
fn a_turn_of_another_unmask_is_a_turn_as_it_is_here() {
    let home = Home::default();
    let served = Served::start(&home, &[]);
    configured(&home, &served.address, "");
    for settings in [
        &["--len", "64"][..],
        &["--len", "32", "--steps", "8", "--threshold", "0.9"],
        &[
            "--len", "32", "--temp", "0.8", "--seed", "7", "--cfg", "0.5",
        ],
        &["--len", "32", "--pin", "0:The, 6:Paris", "--cache", "dual"],
    ] {
        let run = |model: &str| {
            let arguments = [
                &["generate", "-q", "--format", "jsonl", "--model", model],
                settings,
                &[FRANCE],
            ]
            .concat();
            told(&home.run(&arguments, ""))
        };
        assert_eq!(run("there"), run("demo"), "{settings:?}");
    }
}

#[test]
fn a_likelihood_of_another_unmask_is_the_one_of_here() {
    let home = Home::default();
    let served = Served::start(&home, &[]);
    configured(&home, &served.address, "");
    let seven = ["--samples", "16", "--strata", "8", "--seed", "7"];
    for settings in [
        &seven[..],
        &[&seven[..], &["--rule", "uniform", "--unpaired", "--greedy"]].concat(),
        &["--samples", "exact", "--cfg", "0.5"],
        &["--samples", "auto"],
    ] {
        let measured = |model: &str| {
            let arguments = [
                &["score", "-q", "--format", "json", "--model", model],
                &["--context", "The capital of France is"][..],
                &["--continuation", " Paris."],
                settings,
            ]
            .concat();
            let said = home.run(&arguments, "");
            assert_eq!(said.code, Some(0), "{said:?}");
            let report: Value = serde_json::from_str(&said.stdout).expect("it is JSON");
            ["ll", "se", "greedy", "tokens", "nfe"].map(|key| report["texts"][0][key].clone())
        };
        assert_eq!(measured("there"), measured("demo"), "{settings:?}");
    }
}

#[test]
fn a_server_answers_with_no_model_of_another_server() {
    let home = Home::default();
    configured(&home, "http://127.0.0.1:9/", "");
    let said = home.run(&["serve", "--port", "0", "--models", "there"], "");
    refused(&said, 2, &["answers on another server", "--models"]);
}

#[test]
fn a_server_with_keys_is_asked_with_the_one_of_the_variable() {
    const KEY: &str = "a-key-of-more-than-24-characters";
    let home = Home::default();
    let keys = home.path().join("keys");
    fs::write(&keys, format!("me {KEY}\n")).expect("it can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    let served = Served::start(&home, &["--key-file", "keys"]);
    configured(&home, &served.address, "key_env = \"THE_KEY\"");
    let ask =
        |variables: &[(&str, &str)]| home.run_with(&["generate", "-q", FRANCE], "", variables);
    let said = ask(&[("THE_KEY", KEY)]);
    assert_eq!(said.stdout, "The capital of France is Paris.\n", "{said:?}");
    refused(&ask(&[]), 2, &["THE_KEY", "not set"]);
    refused(
        &ask(&[("THE_KEY", "another-key-of-24-characters")]),
        2,
        &["401", "key_env"],
    );
}

/// Answers each request by what `answer` says of its first line and its body.
fn replay(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has one");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asked may have left.
            one(stream, &answer).ok();
        }
    });
    format!("http://{address}/")
}

fn one(stream: TcpStream, answer: &dyn Fn(&str) -> String) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(said) = line.to_lowercase().strip_prefix("content-length:") {
            length = said.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    first += &String::from_utf8_lossy(&body);
    (&stream).write_all(answer(&first).as_bytes())
}

fn ok(kind: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{body}")
}

const VLLM_MODELS: &str = r#"{"object":"list","data":[{"id":"demo","object":"model","owned_by":"vllm","max_model_len":4096}]}"#;

/// A server that streams this.
fn streaming(transcript: &'static str) -> String {
    replay(move |first| match first.contains("/v1/models") {
        true => ok("application/json", VLLM_MODELS),
        false => ok("text/event-stream", transcript),
    })
}

#[test]
fn text_of_other_servers_is_an_answer() {
    let home = Home::default();
    let frames = "data: {\"choices\":[]}\n\ndata: {\"type\":\"diffusion_frame\",\"text\":\"xx\"}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße\"},\"finish_reason\":null}]}\n\n\
                  data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" 🏔\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    configured(&home, &streaming(frames), "");
    let said = home.run(&["generate", "-q", "Hi"], "");
    assert_eq!(
        (&*said.stdout, said.code),
        ("Grüße 🏔\n", Some(0)),
        "{said:?}"
    );
    let said = home.run(
        &[
            "generate", "-q", "--format", "jsonl", "--trace", "t.jsonl", "Hi",
        ],
        "",
    );
    let events: Vec<Value> = (said.stdout.lines())
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let (start, end) = (&events[0], &events[events.len() - 1]);
    assert_eq!(end["text"], "Grüße 🏔");
    let alone = [&start["backend"], &end["stats"]].map(|it| it["text_alone"].clone());
    assert_eq!(alone, [true, true]);
    let said = home.run(
        &[
            "export", "trace", "t.jsonl", "--to", "text", "--step", "all",
        ],
        "",
    );
    assert_eq!(
        said.stdout, "part 1 · \"xx\"\npart 2 · \"Grüße\"\npart 3 · \" 🏔\"\npart 4 · \"\"\n",
        "{said:?}"
    );
    let said = home.run(&["generate", "-q", "--format", "json", "Hi"], "");
    let summary: Value = serde_json::from_str(&said.stdout).expect("it is JSON");
    for unknown in ["nfe", "nfe_saved", "steps", "prompt_tokens", "text_tokens"] {
        assert_eq!(summary.get(unknown), Some(&Value::Null), "{summary}");
    }
    let pinned = home.run(&["generate", "-q", "--pin", "0:a", "Hi"], "");
    refused(&pinned, 2, &["no words that are fixed"]);
}

/// What is wrong with a request for an answer, as such a server sees it.
fn misread(request: &str) -> Option<String> {
    let (_, body) = request.split_once('\n')?;
    let body: Value = serde_json::from_str(body).ok()?;
    let told = ["max_tokens", "temperature", "seed", "steps", "unmask"].map(|it| &body[it]);
    let wanted = [json!(64), json!(0.7), json!(7), Value::Null, Value::Null];
    (told != wanted.each_ref()).then(|| format!("{told:?}"))
}

#[test]
fn a_server_of_text_is_told_the_settings_that_count_for_it() {
    let home = Home::default();
    let server = replay(|request| match request.contains("/v1/models") {
        true => ok("application/json", VLLM_MODELS),
        false => {
            let said = misread(request).unwrap_or("as said".to_owned());
            let chunk = json!({"choices": [{"delta": {"content": said}, "finish_reason": "stop"}]});
            ok(
                "text/event-stream",
                &format!("data: {chunk}\n\ndata: [DONE]\n\n"),
            )
        }
    });
    configured(&home, &server, "");
    let settings = [
        "--len", "64", "--temp", "0.7", "--seed", "7", "--steps", "8",
    ];
    let said = home.run(&[&["generate", "-q"][..], &settings, &["Hi"]].concat(), "");
    assert_eq!(said.stdout, "as said\n", "{said:?}");
}

#[test]
fn forwards_of_a_server_of_text_are_in_no_figure() {
    const ANSWER: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"4\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let home = Home::default();
    configured(&home, &streaming(ANSWER), "");
    let question = "{\"task\":\"add\",\"messages\":[{\"role\":\"user\",\"content\":\"2+2\"}],\"answers\":[\"4\"]}\n";
    fs::write(home.path().join("q.jsonl"), question).expect("it can be written");
    for out in ["a.jsonl", "b.jsonl"] {
        let said = home.run(&["eval", "-q", "q.jsonl", "--out", out], "");
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.contains("unknown"), "{said:?}");
    }
    let said = home.run(&["stats", "a.jsonl", "b.jsonl"], "");
    assert!(said.stdout.contains("a.jsonl  100.0 %"), "{said:?}");
    assert!(!said.stdout.contains("NFE"), "{said:?}");
    let said = home.run(&["stats", "a.jsonl", "b.jsonl", "--format", "json"], "");
    let report: Value = serde_json::from_str(&said.stdout).expect("it is JSON");
    assert_eq!(
        report["files"][0].get("nfe"),
        Some(&Value::Null),
        "{report}"
    );
    let said = home.run(&["bench", "-q"], "");
    refused(&said, 2, &["tells text alone"]);
    let said = home.run(&["doctor"], "");
    assert!(said.stdout.contains("test answer: \"4\"\n"), "{said:?}");
    assert!(!said.stdout.contains("forward"), "{said:?}");
}

#[test]
fn what_goes_wrong_there_is_told_here() {
    let home = Home::default();
    let generate = |home: &Home| home.run(&["generate", "-q", "Hi"], "");
    configured(
        &home,
        &streaming(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"out of memory\"}}\n\n",
        ),
        "",
    );
    refused(&generate(&home), 1, &["gave up: out of memory"]);
    configured(
        &home,
        &streaming("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"),
        "",
    );
    refused(
        &generate(&home),
        3,
        &["broke off", "before the answer was whole"],
    );
    configured(
        &home,
        &replay(|_| "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n".to_owned()),
        "",
    );
    refused(&generate(&home), 3, &["500", "server's log"]);
    configured(&home, "http://127.0.0.1:9/", "");
    refused(&generate(&home), 3, &["127.0.0.1:9", "cannot be reached"]);
    let models = r#"{"data":[{"id":"other","unmask":{"name":"other"}}]}"#;
    configured(&home, &replay(|_| ok("application/json", models)), "");
    refused(
        &generate(&home),
        3,
        &["serves no `demo`", "it serves other"],
    );
}

#[test]
fn nothing_is_followed_elsewhere_and_no_folder_names_a_server() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = elsewhere.local_addr().expect("it has one");
    let home = Home::default();
    let here = replay(move |_| {
        format!(
            "HTTP/1.1 307 Go\r\nlocation: http://{address}/v1/models\r\ncontent-length: 0\r\n\r\n"
        )
    });
    configured(&home, &here, "");
    refused(
        &home.run(&["generate", "-q", "Hi"], ""),
        2,
        &["307", "base_url"],
    );
    elsewhere.set_nonblocking(true).expect("it can be");
    assert!(elsewhere.accept().is_err(), "it was asked");
    // A folder that somebody else made.
    fs::write(
        home.path().join("model_config.toml"),
        file(&here, "key_env = \"HOME\""),
    )
    .expect("it can be written");
    refused(
        &home.run(&["generate", "-q", "Hi"], ""),
        2,
        &["current folder", "send what you write to a server"],
    );
}
