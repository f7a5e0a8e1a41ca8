//! Templates with random faults: whatever they are, an answer comes.
//!
//! `UNMASK_TEMPLATE_MUTATIONS` says how many; a long run tries 100,000.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::hostile::MOST_KIB;
use super::{Renderer, constructs};

const LONGEST: Duration = Duration::from_secs(5);

/// What Jinja is made of, for faults that are nearly right.
const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{%-",
    "-%}",
    "{#",
    "#}",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    "~",
    "+",
    "*",
    "**",
    "%",
    "//",
    "==",
    "<",
    "in",
    "not",
    "is",
    "if",
    "else",
    "for",
    "endfor",
    "endif",
    "set",
    "macro",
    "endmacro",
    "generation",
    "endgeneration",
    "raw",
    "endraw",
    "recursive",
    "loop",
    "namespace",
    "ns.s",
    "range(99999)",
    "messages",
    "'x' * 99999",
    "9999999999",
    "-1",
    "none",
    "1e400",
    "\\",
    "'",
    "\"",
    ":",
    ",",
    ".",
    "=",
    "\r\n",
    "\u{0}",
    "\u{2028}",
    "é",
    "| join",
    "| tojson(indent=9)",
    ".split()",
    "| replace('', 'xx')",
    "{% set ns.s = [ns.s, ns.s] %}",
    "{% for i in range(99999) %}",
    "{% endfor %}",
    "{{ loop(x) }}",
];

/// Marsaglia's xorshift, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap_or(0)
    }
}

fn mutated(random: &mut Random, sources: &[&str]) -> String {
    let pick = |random: &mut Random| sources[random.below(sources.len())];
    let mut source: Vec<char> = pick(random).chars().collect();
    for _ in 0..=random.below(6) {
        let (at, end) = (
            random.below(source.len() + 1),
            random.below(source.len() + 1),
        );
        let (at, end) = (at.min(end), at.max(end));
        match random.below(6) {
            0 => drop(source.drain(at..end.min(at + 20))),
            1 => {
                let part = source[at..end].to_vec();
                source.splice(at..at, part);
            }
            2 => {
                let times = 1 + random.below(40);
                let word = WORDS[random.below(WORDS.len())].repeat(times);
                source.splice(at..at, word.chars());
            }
            3 => {
                let other: Vec<char> = pick(random).chars().collect();
                let (from, to) = (random.below(other.len() + 1), random.below(other.len() + 1));
                let part = other[from.min(to)..from.max(to)].to_vec();
                source.splice(at..at, part);
            }
            _ => {
                let word = WORDS[random.below(WORDS.len())];
                source.splice(at..at, word.chars());
            }
        }
    }
    source.into_iter().collect()
}

#[test]
fn a_template_with_faults_is_answered() {
    let count = std::env::var("UNMASK_TEMPLATE_MUTATIONS").ok();
    let count: u64 = count.and_then(|count| count.parse().ok()).unwrap_or(1000);
    let sources = constructs();
    let context = json!({
        "messages": [{"role": "user", "content": "hi \n"}, {"role": "assistant", "content": "</think>é"}],
        "tools": null, "add_generation_prompt": true, "bos_token": "<s>", "x": "X",
    });
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut ours = Renderer::unmask();
    let (mut rendered, mut peak, mut longest) = (0, 0, Duration::ZERO);
    for number in 0..count {
        // Namespaces that hold themselves are never let go of: a process for a few thousand.
        if number % 5000 == 4999 {
            ours = Renderer::unmask();
        }
        let template = mutated(&mut random, &sources);
        let begun = Instant::now();
        let answer = (ours.render(&template, &context))
            .unwrap_or_else(|how| panic!("{how}: number {number}\n{template}"));
        longest = longest.max(begun.elapsed());
        peak = peak.max(answer["peak_kib"].as_u64().unwrap_or(0));
        rendered += u64::from(!answer["text"].is_null());
        assert!(begun.elapsed() < LONGEST, "number {number}\n{template}");
        assert!(peak < MOST_KIB, "{peak} KiB: number {number}\n{template}");
    }
    let told = format!("{count} templates, {rendered} rendered; at most {longest:?}, {peak} KiB");
    writeln!(std::io::stderr(), "{told}").ok();
}
