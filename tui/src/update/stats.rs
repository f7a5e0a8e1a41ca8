//! `/stats`: the numbers of the conversation and of its last answer.

use unmask_core::event::Stats;
use unmask_core::settings::approximation;

use super::info;
use crate::amount;
use crate::clean::clean_line;
use crate::number;
use crate::state::{Answer, Entry, State};

/// Cells of the name of a number.
const NAME: usize = 22;

/// Shows the numbers.
pub(super) fn open(state: &mut State) {
    let lines = lines(state);
    info::open(state, "Numbers", lines);
}

fn lines(state: &State) -> Vec<String> {
    let entries = state.transcript.entries.iter();
    let answers: Vec<&Answer> = entries
        .filter_map(|item| match &item.entry {
            Entry::Answer(answer) => Some(answer),
            Entry::You { .. } | Entry::Failure(_) | Entry::Note(_) => None,
        })
        .collect();
    let Some(last) = answers.last() else {
        return vec!["No answer yet: the first one brings numbers".to_owned()];
    };
    let mut total = Stats::default();
    for answer in &answers {
        add(&mut total, &answer.stats);
    }
    let s = if answers.len() == 1 { "" } else { "s" };
    let mut lines = vec!["Last answer".to_owned()];
    lines.extend(of_answer(last));
    lines.extend(of_stats(&last.stats));
    lines.push(String::new());
    lines.push(format!("Conversation, {} answer{s}", answers.len()));
    lines.extend(of_stats(&total));
    lines
}

fn add(total: &mut Stats, stats: &Stats) {
    total.steps += stats.steps;
    total.nfe += stats.nfe;
    total.nfe_saved += stats.nfe_saved;
    total.committed += stats.committed;
    total.text_tokens += stats.text_tokens;
    total.elapsed += stats.elapsed;
}

/// Tokens of the text and tokens of the canvas are apart: an answer of a few words may fill a canvas of many tokens.
fn of_stats(stats: &Stats) -> Vec<String> {
    let tokens = |tokens| match number::rate(tokens, stats.elapsed) {
        Some(rate) => format!("{} · {rate}", amount::counted(tokens, "token")),
        None => amount::counted(tokens, "token"),
    };
    let steps = u32::try_from(stats.steps).unwrap_or(u32::MAX);
    let pace = match stats.elapsed.checked_div(steps) {
        Some(pace) => format!(" · {}", number::pace(pace)),
        None => String::new(),
    };
    vec![
        line("text, before its end", &tokens(stats.text_tokens)),
        line("canvas, committed", &tokens(stats.committed)),
        line("time", &format!("{}{pace}", number::wait(stats.elapsed))),
        line("steps", &stats.steps.to_string()),
        line("forwards", &number::nfe(stats.nfe, stats.nfe_saved)),
    ]
}

fn of_answer(answer: &Answer) -> Vec<String> {
    let params = &answer.params;
    let sampling = match approximation(params) {
        Some(what) => format!("≈ {what}: tokens may differ"),
        None => "exact".to_owned(),
    };
    let loaded = answer.trace.as_ref().map(|turn| &turn.loaded);
    let model = loaded.map(|loaded| {
        let parts = [&loaded.name, &loaded.backend].map(|part| clean_line(part));
        line("model", &parts.join(" · "))
    });
    // Exact is the sampling: the weights have a precision of their own.
    let weights = loaded.map(|loaded| line("weights", &clean_line(&loaded.facts.precision)));
    let kept = loaded.filter(|it| it.keeps_final_blocks());
    let kept = kept.map(|_| line("K/V", "exact: finished blocks are computed once"));
    let others = [
        line("sampling", &sampling),
        line("seed", &params.seed.to_string()),
    ];
    let of_model = model.into_iter().chain(weights).chain(kept);
    of_model.chain(others).collect()
}

fn line(name: &str, value: &str) -> String {
    format!("  {name:NAME$}{value}")
}
