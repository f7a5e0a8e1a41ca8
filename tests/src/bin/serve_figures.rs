//! Measures `unmask serve` from outside, beside `unmask generate`: what a step costs beyond its own time, the first byte, how
//! soon a place is free that a client leaves, and memory over many turns.
//!
//! `cargo run --release -p unmask-tests --bin serve_figures -- [TURNS]`, after `cargo build --release --workspace`; 1,000
//! turns if none are said. It ends with an error if memory grows by more than 2 MB over the second half of them.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use unmask_tests::program::{Home, program};
use unmask_tests::served::Served;

const QUESTION: &str = "What is the capital of France?";
const ROUNDS: usize = 40;
const FIRST_BYTES: usize = 200;
const GROWTH: u64 = 2_000_000;
/// Far longer than any turn here takes.
const HANGS: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let turns = std::env::args().nth(1).and_then(|it| it.parse().ok());
    match figures(turns.unwrap_or(1000)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(io::stderr(), "serve_figures: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn figures(turns: usize) -> io::Result<bool> {
    let mut out = io::stdout();
    let home = Home::default();
    let server = Asked(Served::start(&home, &[]));
    server.whole("/unmask/v1/tokenize", &json!({"text": "a"}))?;
    let (mut alone, mut served) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.extend(beyond(generate(&home)?));
        served.extend(beyond(server.steps()?));
    }
    let (alone, served) = (Spread::of(alone), Spread::of(served));
    writeln!(out, "a step beyond its own time, generate: {alone}")?;
    writeln!(out, "a step beyond its own time, serve:    {served}")?;
    let more = served.at(0.99) - alone.at(0.99);
    writeln!(out, "serve beyond generate, p99: {more:.3} ms")?;
    writeln!(
        out,
        "first byte, idle: {}",
        Spread::of(server.first_bytes()?)
    )?;
    writeln!(
        out,
        "a place that is left is another's after: {}",
        Spread::of(server.places()?)
    )?;
    let began = Instant::now();
    let memory = server.soak(turns)?;
    let each = milliseconds(began.elapsed()) / turns as f64;
    writeln!(out, "{turns} turns took {each:.0} ms each")?;
    let [first, half, last] = memory.map(|it| it as f64 / 1e6);
    writeln!(
        out,
        "resident after 10, 50, 100 % of {turns} turns: {first:.1}, {half:.1}, {last:.1} MB"
    )?;
    let count = |what: &str| {
        std::fs::read_dir(format!("/proc/{}/{what}", server.0.pid())).map_or(0, Iterator::count)
    };
    writeln!(
        out,
        "afterwards {} descriptors, {} threads",
        count("fd"),
        count("task")
    )?;
    Ok(memory[2] <= memory[1] + GROWTH)
}

/// Milliseconds.
struct Spread(Vec<f64>);

impl Spread {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (median, late, last) = (self.at(0.5), self.at(0.99), self.at(1.0));
        write!(
            out,
            "median {median:.3} ms, p99 {late:.3} ms, most {last:.3} ms of {}",
            self.0.len()
        )
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Lines with when they came.
fn timed(lines: impl BufRead) -> Vec<(Instant, String)> {
    lines
        .lines()
        .map_while(Result::ok)
        .map(|it| (Instant::now(), it))
        .collect()
}

/// Of each step but the first the time since the one before, less what the engine says that it took.
fn beyond(lines: Vec<(Instant, String)>) -> Vec<f64> {
    let steps = lines.into_iter().filter_map(|(at, line)| {
        let event: Value =
            serde_json::from_str(line.strip_prefix("data: ").unwrap_or(&line)).ok()?;
        let event = event.get("unmask").unwrap_or(&event);
        (event["event"] == "step").then(|| (at, event["ms"].as_f64().unwrap_or(0.0)))
    });
    let steps: Vec<(Instant, f64)> = steps.collect();
    steps
        .windows(2)
        .map(|it| milliseconds(it[1].0 - it[0].0) - it[1].1)
        .collect()
}

fn generate(home: &Home) -> io::Result<Vec<(Instant, String)>> {
    let mut child = Command::new(program())
        .args([
            "generate", "--quiet", "--seed", "0", "--format", "jsonl", QUESTION,
        ])
        .envs(home.environment())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = child.stdout.take().map(|it| timed(BufReader::new(it)));
    child.wait()?;
    Ok(lines.unwrap_or_default())
}

/// A server that is asked.
struct Asked(Served);

impl Asked {
    fn ask(&self, path: &str, body: &Value) -> io::Result<TcpStream> {
        let address = self
            .0
            .address
            .trim_start_matches("http://")
            .trim_end_matches('/');
        let body = body.to_string();
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        // A server that hangs ends the measurement, and is not waited for.
        stream.set_read_timeout(Some(HANGS))?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes())?;
        Ok(stream)
    }

    fn whole(&self, path: &str, body: &Value) -> io::Result<String> {
        let mut said = String::new();
        self.ask(path, body)?.read_to_string(&mut said)?;
        Ok(said)
    }

    fn chat(&self, more: &Value) -> io::Result<TcpStream> {
        let mut body = json!({"messages": [{"role": "user", "content": QUESTION}]});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.ask("/v1/chat/completions", &body)
    }

    fn steps(&self) -> io::Result<Vec<(Instant, String)>> {
        let stream = self
            .chat(&json!({"stream": true, "seed": 0, "unmask": {"stream": "steps", "top": 5}}))?;
        Ok(timed(BufReader::new(stream)))
    }

    fn first_bytes(&self) -> io::Result<Vec<f64>> {
        let one = |_| -> io::Result<f64> {
            let began = Instant::now();
            let mut stream =
                self.chat(&json!({"stream": true, "unmask": {"length": 8, "steps": 1}}))?;
            stream.read_exact(&mut [0])?;
            let took = milliseconds(began.elapsed());
            read(stream)?;
            Ok(took)
        };
        (0..FIRST_BYTES).map(one).collect()
    }

    /// From the moment when a client whose turn runs hangs up to the first step of the one that waits.
    fn places(&self) -> io::Result<Vec<f64>> {
        let long = json!({"stream": true, "unmask": {"stream": "steps", "length": 192, "steps": 192, "early_stop": false}});
        let one = |_| -> io::Result<f64> {
            let mut running = BufReader::new(self.chat(&long)?);
            until(&mut running, "\"event\":\"step\"")?;
            let mut waiting = BufReader::new(self.chat(&long)?);
            until(&mut waiting, "\"event\":\"queued\"")?;
            let began = Instant::now();
            drop(running);
            until(&mut waiting, "\"event\":\"start\"")?;
            Ok(milliseconds(began.elapsed()))
        };
        (0..ROUNDS).map(one).collect()
    }

    /// Turns of every kind; the resident memory after a tenth, a half and all of them.
    fn soak(&self, turns: usize) -> io::Result<[u64; 3]> {
        let small = json!({"length": 8, "steps": 2});
        let steps = json!({"length": 8, "steps": 2, "stream": "steps", "top": 5});
        let mut memory = [0; 3];
        for turn in 1..=turns {
            match turn % 8 {
                0 => drop(self.chat(&json!({"stream": true, "unmask": steps}))?),
                1 | 2 => read(self.chat(&json!({"unmask": small}))?)?,
                3 => drop(self.whole("/v1/completions", &json!({"prompt": "The capital", "suffix": ".", "logprobs": 2}))?),
                4 => drop(self.whole("/unmask/v1/loglikelihood", &json!({"items": [{"context": "a", "continuation": " b"}], "samples": 1, "strata": 1}))?),
                5 => drop(self.whole("/v1/chat/completions", &json!({"messages": []}))?),
                _ => read(self.chat(&json!({"stream": true, "unmask": steps}))?)?,
            }
            for (at, place) in [turns / 10, turns / 2, turns].into_iter().zip(&mut memory) {
                if turn == at {
                    *place = resident(self.0.pid())?;
                }
            }
        }
        Ok(memory)
    }
}

fn read(mut stream: TcpStream) -> io::Result<()> {
    stream.read_to_string(&mut String::new()).map(drop)
}

fn until(lines: &mut impl BufRead, wanted: &str) -> io::Result<()> {
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Resident memory in bytes.
fn resident(process: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|it| it.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    Ok(kilobytes.unwrap_or(0) * 1024)
}
