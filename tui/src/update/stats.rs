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
    let s = if answers.len() == 1 { "" } else { "s" };
    let mut lines = vec!["Last answer".to_owned()];
    lines.extend(of_answer(last));
    lines.extend(of_stats(&last.stats));
    lines.push(String::new());
    lines.push(format!("Conversation, {} answer{s}", answers.len()));
    lines.extend(of_all(&answers));
    lines
}

/// The sums of those answers of which more is known than text and time; where there are none, their time.
fn of_all(answers: &[&Answer]) -> Vec<String> {
    let all = answers.iter().map(|answer| &answer.stats);
    let known: Vec<&Stats> = all.clone().filter(|it| !it.text_alone).collect();
    if known.is_empty() {
        let time = all.map(|stats| stats.elapsed).sum();
        return vec![line("time", &number::wait(time))];
    }
    let mut total = Stats::default();
    for stats in &known {
        add(&mut total, stats);
    }
    let mut lines = of_stats(&total);
    let left_out = answers.len() - known.len();
    if left_out > 0 {
        let left_out = amount::counted(left_out, "answer");
        let why = "the server tells text alone";
        lines.push(line("not counted", &format!("{left_out}: {why}")));
    }
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

/// Tokens of the text and tokens of the canvas are apart: an answer of a few words may fill a canvas of many tokens. Of an
/// answer of another server what that tells is shown, and no more.
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
    let text = line("text, before its end", &tokens(stats.text_tokens));
    if stats.text_alone {
        let text = (stats.text_tokens > 0).then_some(text);
        let time = line("time", &number::wait(stats.elapsed));
        return text.into_iter().chain([time]).collect();
    }
    vec![
        text,
        line("canvas, committed", &tokens(stats.committed)),
        line("time", &format!("{}{pace}", number::wait(stats.elapsed))),
        line("steps", &stats.steps.to_string()),
        line("forwards", &number::nfe(stats.nfe, stats.nfe_saved)),
    ]
}

fn of_answer(answer: &Answer) -> Vec<String> {
    let params = &answer.params;
    let sampling = match approximation(params) {
        _ if answer.stats.text_alone => "as its server does".to_owned(),
        Some(what) => format!("≈ {what}: tokens may differ"),
        None => "exact".to_owned(),
    };
    let loaded = answer.trace.as_ref().map(|turn| &turn.loaded);
    let model = loaded.map(|loaded| {
        let parts = [&loaded.name, &loaded.backend].map(|part| clean_line(part));
        line("model", &parts.join(" · "))
    });
    // Exact is the sampling: the weights have a precision of their own.
    let weights = loaded.filter(|it| !it.text_alone);
    let weights = weights.map(|loaded| line("weights", &clean_line(&loaded.facts.precision)));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::action::Size;
    use crate::fixture::{self, FixtureCell};
    use crate::state::Turn;

    fn of(steps: usize, nfe: usize, text_tokens: usize, seconds: u64) -> Stats {
        Stats {
            steps,
            nfe,
            text_tokens,
            elapsed: Duration::from_secs(seconds),
            ..Stats::default()
        }
    }

    fn shown(answers: &[(Stats, &Arc<Turn>)]) -> Vec<String> {
        let (columns, rows) = (80, 24);
        let mut state = State::new(Size { columns, rows });
        for (stats, turn) in answers {
            let mut entry = fixture::answer("Two");
            if let Entry::Answer(answer) = &mut entry {
                answer.stats = *stats;
                answer.trace = Some(Arc::clone(turn));
            }
            state.transcript.push(entry);
        }
        lines(&state)
    }

    #[test]
    fn answers_of_which_text_alone_is_known_are_in_no_sum() {
        let turn = fixture::turn_of(&[FixtureCell::Text(b"Two")]);
        let mut plain = turn.clone();
        let loaded = Arc::make_mut(&mut plain.loaded);
        loaded.text_alone = true;
        let (turn, plain) = (Arc::new(turn), Arc::new(plain));
        let local = (of(4, 4, 10, 2), &turn);
        let told = Stats {
            text_alone: true,
            ..of(30, 0, 90, 8)
        };
        let remote = (told, &plain);

        let lines = shown(&[local, remote]);
        let weighs = |lines: &[String]| lines.iter().any(|it| it.contains("weights"));
        assert!(!weighs(&lines), "{lines:#?}");
        let from = lines.iter().position(|it| it == "Conversation, 2 answers");
        let sums = &lines[from.expect("the conversation has a heading")..];
        for sum in [
            line("text, before its end", "10 tokens · 5.0 tok/s"),
            line("time", "2.0 s · 500 ms/step"),
            line("steps", "4"),
            line("not counted", "1 answer: the server tells text alone"),
        ] {
            assert!(sums.contains(&sum), "{sum}\n{sums:#?}");
        }

        let lines = shown(&[remote, local]);
        assert!(weighs(&lines), "{lines:#?}");
        let lines = shown(&[remote, remote]);
        assert_eq!(lines.last(), Some(&line("time", "16.0 s")));
        let lines = shown(&[local, local]);
        assert!(!lines.iter().any(|it| it.contains("not counted")));
    }
}
