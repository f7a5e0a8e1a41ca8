//! Every prompt of the reference cases, on the small checkpoints that they were made with: what is streamed, the whole answer
//! and what `generate` prints are one text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use unmask_tests::program::Home;
use unmask_tests::root;

use crate::answers::text_of;
use crate::server::Server;

/// Answers that are short, of steps that take several tokens and of blocks where there are such.
const LENGTH: usize = 32;
const STEPS: usize = 16;
/// Programs that run at once.
const AT_ONCE: usize = 3;

/// A question of a reference case.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GoldenPrompt {
    system: Option<String>,
    user: String,
}

impl GoldenPrompt {
    /// Of a conversation the instructions and what was said last.
    fn of(messages: &Value) -> Option<Self> {
        let said = |it: &Value| it["content"].as_str().map(str::to_owned);
        let messages = messages.as_array()?;
        Some(Self {
            system: messages
                .iter()
                .find(|it| it["role"] == "system")
                .and_then(said),
            user: messages
                .iter()
                .rfind(|it| it["role"] == "user")
                .and_then(said)?,
        })
    }

    fn text(text: &str) -> Self {
        Self {
            system: None,
            user: text.to_owned(),
        }
    }

    fn messages(&self) -> Value {
        let system = self
            .system
            .iter()
            .map(|it| json!({"role": "system", "content": it}));
        let user = json!({"role": "user", "content": self.user});
        system.chain([user]).collect()
    }
}

/// The prompts of the cases with the folders of the models that have them.
fn prompts() -> BTreeMap<GoldenPrompt, Vec<String>> {
    let mut all: BTreeMap<GoldenPrompt, Vec<String>> = BTreeMap::new();
    let golden = root().join("tests/golden");
    for folder in [golden.clone(), golden.join("further")] {
        let text = std::fs::read_to_string(folder.join("index.json")).expect("it is there");
        let index: Value = serde_json::from_str(&text).expect("it is JSON");
        for case in index["cases"].as_array().expect("they are listed") {
            let model = case["model"].as_str().map(|it| folder.join(it));
            // Cases without a network have none.
            let Some(model) = model.and_then(|it| it.canonicalize().ok()) else {
                continue;
            };
            let model = model.to_str().expect("it has a plain name").to_owned();
            let input = &case["input"];
            let said = input["prompts"].as_array().into_iter().flatten();
            let said = said.filter_map(|it| {
                let text = it.as_str().or(it["text"].as_str());
                GoldenPrompt::of(&it["messages"]).or_else(|| text.map(GoldenPrompt::text))
            });
            let users = input["user"].as_array().into_iter().flatten();
            let texts = users.chain([&input["user"], &input["text"]]);
            let texts = texts.filter_map(Value::as_str).map(GoldenPrompt::text);
            for prompt in said
                .chain(texts)
                .chain(GoldenPrompt::of(&input["messages"]))
            {
                all.entry(prompt).or_default().push(model.clone());
            }
        }
    }
    all
}

/// Each prompt on one of its models, so that all have some.
fn shared_out() -> BTreeMap<String, Vec<GoldenPrompt>> {
    let mut shares: BTreeMap<String, Vec<GoldenPrompt>> = BTreeMap::new();
    for (prompt, models) in prompts() {
        let count = |model: &&String| shares.get(*model).map_or(0, Vec::len);
        let model = models.iter().min_by_key(count).expect("a case has one");
        shares.entry(model.clone()).or_default().push(prompt);
    }
    shares
}

fn configured(home: &Home, models: &[&String]) {
    let mut file = "active_model_key = \"m0\"\n".to_owned();
    for (at, folder) in models.iter().enumerate() {
        write!(
            file,
            "[available_models.m{at}]\nframework = \"candle\"\nmodel_id = \"{folder}\"\nprecision = \"f32\"\n\
             [available_models.m{at}.generation]\nlength = {LENGTH}\nsteps = {STEPS}\n"
        )
        .expect("it is a text");
    }
    let folder = home.path().join("config/unmask");
    std::fs::create_dir_all(&folder).expect("it can be made");
    std::fs::write(folder.join("model_config.toml"), file).expect("it can be written");
}

/// What `generate` prints, without the end of its last line.
fn generated(home: &Home, model: usize, prompt: &GoldenPrompt) -> String {
    let model = format!("m{model}");
    let mut arguments = vec!["generate", "--quiet", "--model", &model];
    if let Some(system) = &prompt.system {
        arguments.extend(["--system", system]);
    }
    arguments.extend(["--", &prompt.user]);
    let said = home.run(&arguments, "");
    assert_eq!(said.code, Some(0), "{prompt:?}: {said:?}");
    said.stdout
        .strip_suffix('\n')
        .unwrap_or(&said.stdout)
        .to_owned()
}

#[test]
fn every_golden_prompt_has_one_answer_streamed_whole_and_generated() {
    let shares = shared_out();
    assert!(shares.len() > 6, "{:?}", shares.keys());
    let models: Vec<&String> = shares.keys().collect();
    let server = Server::start_with(&["--models", "all"], |home| configured(home, &models));
    let work: Vec<(usize, &GoldenPrompt)> = (0..)
        .zip(shares.values())
        .flat_map(|(model, prompts)| prompts.iter().map(move |it| (model, it)))
        .collect();
    assert!(work.len() > 60, "{}", work.len());
    let next = AtomicUsize::new(0);
    let texts = thread::scope(|scope| {
        let run = || {
            let mut texts = Vec::new();
            while let Some((model, prompt)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                texts.push(((*model, *prompt), generated(server.home(), *model, prompt)));
            }
            texts
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(run)).collect();
        let texts = threads
            .into_iter()
            .flat_map(|it| it.join().expect("it ends"));
        texts.collect::<BTreeMap<_, _>>()
    });
    let mut n_texts = 0;
    for (model, prompt) in work {
        let body = |stream: bool| {
            json!({"model": format!("m{model}"), "messages": prompt.messages(), "stream": stream})
                .to_string()
        };
        let whole = server.chat(&body(false));
        let whole = whole["choices"][0]["message"]["content"]
            .as_str()
            .expect("a text");
        let chunks = server.post("/v1/chat/completions", &body(true)).chunks();
        assert_eq!(text_of(&chunks), whole, "{prompt:?} on {}", models[model]);
        assert_eq!(
            texts[&(model, prompt)],
            whole,
            "{prompt:?} on {}",
            models[model]
        );
        n_texts += usize::from(!whole.is_empty());
    }
    assert!(n_texts > 40, "{n_texts} answers say something");
}
