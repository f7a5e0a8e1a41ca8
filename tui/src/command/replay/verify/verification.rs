//! How a run that was made again compares with the recorded one, in lines for people and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use unmask::amount::counted;
use unmask_core::engine::Loaded;
use unmask_core::event::{CommitKind, StepEvent};
use unmask_core::text::Vocabulary;
use unmask_core::wire::{BackendLine, CommitLine, ModelLine, Start, StepLine};

use crate::cli::ReplayArguments;

/// How two runs compare.
#[derive(Default)]
pub(super) struct Verification {
    /// True if the canvas of the new run does not follow the recorded one: only then a place that one of them leaves masked
    /// at its end says anything.
    is_free: bool,
    /// In order.
    steps: Vec<ComparedStep>,
    first: Option<String>,
    /// Tokens that are others now, or fixed by steps that one of the runs does not have.
    others: usize,
    /// Differences of the confidences of equal commits.
    confidences: Vec<f32>,
}

/// How a step compares.
#[derive(Debug, Serialize)]
struct ComparedStep {
    step: usize,
    same: bool,
    /// The largest difference of the confidences of equal commits; null where there is none.
    confidences_apart: Option<f32>,
    /// Commits of the recorded run that are not made now.
    recorded: Vec<CommitLine>,
    /// Commits that are made now, and the recorded run has not made.
    now: Vec<CommitLine>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// Every step commits the same tokens.
    Same,
    /// No place that both fix holds another token, at no step and not at the end, but some are fixed at other steps.
    Order,
    /// Some do, or one of the runs leaves them out.
    Tokens,
}

impl Verification {
    pub(super) fn of(arguments: &ReplayArguments) -> Self {
        Self {
            is_free: arguments.free,
            ..Self::default()
        }
    }

    pub(super) fn is_same(&self) -> bool {
        self.first.is_none()
    }

    fn verdict(&self) -> Verdict {
        match (&self.first, self.others) {
            (None, _) => Verdict::Same,
            (Some(_), 0) => Verdict::Order,
            (Some(_), _) => Verdict::Tokens,
        }
    }

    /// Compares step by step; what was made beyond the recorded steps counts where the recorded part has ended by itself.
    pub(super) fn add(
        &mut self,
        steps: &[StepLine],
        (made, vocabulary): (&[StepEvent], &Vocabulary),
        is_ended: bool,
    ) {
        let made: Vec<StepLine> = (made.iter())
            .map(|step| StepLine::of(step, vocabulary))
            .collect();
        self.add_lines(steps, &made, is_ended);
    }

    fn add_lines(&mut self, steps: &[StepLine], made: &[StepLine], is_ended: bool) {
        let mut others = BTreeSet::new();
        for (at, step) in steps.iter().enumerate() {
            others.extend(self.add_step(step, made.get(at)));
        }
        let more = made.get(steps.len()..).unwrap_or_default();
        if is_ended && !more.is_empty() {
            let words = counted(more.len(), "more step");
            self.differs(|| format!("{words} made now"));
            let commits = more.iter().flat_map(|step| &step.commits);
            let positions: Vec<u32> = commits.map(|it| it.position).collect();
            self.others += positions.len();
            others.extend(positions);
            let steps = more.iter().map(|step| ComparedStep {
                step: step.step,
                same: false,
                confidences_apart: None,
                recorded: Vec::new(),
                now: step.commits.clone(),
            });
            self.steps.extend(steps);
        }
        let compared = match is_ended {
            true => made,
            false => &made[..made.len().min(steps.len())],
        };
        let (recorded, now) = (fixed(steps), fixed(compared));
        let is_other = |position: &u32| match (recorded.get(position), now.get(position)) {
            (Some(then), Some(now)) => then != now,
            (Some(_), None) | (None, Some(_)) => self.is_free && is_ended,
            (None, None) => false,
        };
        let positions: BTreeSet<u32> = recorded.keys().chain(now.keys()).copied().collect();
        let at_end = positions.difference(&others);
        self.others += at_end.filter(|&position| is_other(position)).count();
    }

    /// Returns the positions whose tokens are others.
    fn add_step(&mut self, step: &StepLine, made: Option<&StepLine>) -> Vec<u32> {
        let now = made.map_or(&[][..], |it| it.commits.as_slice());
        let beyond = |these: &[CommitLine], those: &[CommitLine]| {
            let is_not_there = |it: &&CommitLine| !those.iter().any(|other| is_one(it, other));
            these
                .iter()
                .filter(is_not_there)
                .cloned()
                .collect::<Vec<_>>()
        };
        let (missing, new) = (beyond(&step.commits, now), beyond(now, &step.commits));
        match made {
            None => self.differs(|| format!("step {}: it is not made any more", step.step)),
            Some(made) if !missing.is_empty() || !new.is_empty() => {
                self.differs(|| difference(step.step, &missing, made));
            }
            Some(_) => (),
        }
        // What is left masked now may become the same token at another step.
        let is_other = |it: &&CommitLine| now.iter().any(|other| other.position == it.position);
        let others: Vec<u32> = (missing.iter())
            .filter(|it| made.is_none() || is_other(it))
            .map(|it| it.position)
            .collect();
        self.others += others.len();
        let apart = |line: &CommitLine| {
            let other = now.iter().find(|other| is_one(line, other))?;
            Some((other.confidence - line.confidence).abs())
        };
        let apart: Vec<f32> = step.commits.iter().filter_map(apart).collect();
        self.steps.push(ComparedStep {
            step: step.step,
            same: missing.is_empty() && new.is_empty(),
            confidences_apart: apart.iter().copied().max_by(f32::total_cmp),
            recorded: missing,
            now: new,
        });
        self.confidences.extend(apart);
        others
    }

    fn differs(&mut self, what: impl FnOnce() -> String) {
        if self.first.is_none() {
            self.first = Some(what());
        }
    }

    fn same_steps(&self) -> usize {
        self.steps.iter().filter(|step| step.same).count()
    }

    /// The largest and the middle difference of confidences.
    fn confidences(&self) -> Option<(f32, f32)> {
        let mut apart = self.confidences.clone();
        apart.sort_unstable_by(f32::total_cmp);
        Some((*apart.last()?, *apart.get(apart.len() / 2)?))
    }

    pub(super) fn lines(&self, start: &Start, loaded: &Loaded) -> String {
        let who = |it: &BackendLine| format!("{} {} {}", it.name, it.version, it.precision);
        let mut lines = format!(
            "recorded {}, now {} · {} of {} the same\n",
            who(&start.backend),
            who(&BackendLine::of(loaded)),
            self.same_steps(),
            counted(self.steps.len(), "step")
        );
        if let Some(first) = &self.first {
            lines += &format!("first difference: {first}\n");
        }
        if let Some((most, median)) = self.confidences() {
            lines += &format!("confidences differ by at most {most:.6}, median {median:.6}\n");
        }
        lines += &match self.verdict() {
            Verdict::Same => String::new(),
            Verdict::Order => "no place that both fix holds another token\n".to_owned(),
            Verdict::Tokens => format!("{} would be another now\n", counted(self.others, "token")),
        };
        lines
    }

    pub(super) fn json(&self, start: &Start, loaded: &Loaded) -> String {
        let confidences = self.confidences();
        let all = json!({
            "verdict": self.verdict(),
            "recorded": { "model": start.model, "backend": start.backend },
            "now": { "model": ModelLine::of(loaded), "backend": BackendLine::of(loaded) },
            "steps_same": self.same_steps(),
            "first_difference": self.first,
            "other_tokens": self.others,
            "confidences_apart": confidences.map(|(most, median)| json!({ "most": most, "median": median })),
            "steps": self.steps,
        });
        format!("{all}\n")
    }
}

/// True if they put the same token into the same place.
fn is_one(line: &CommitLine, other: &CommitLine) -> bool {
    (line.position, line.token) == (other.position, other.token)
}

/// The last token of each position that steps fix, without those that they mask again.
fn fixed(steps: &[StepLine]) -> BTreeMap<u32, u32> {
    let mut fixed = BTreeMap::new();
    for commit in steps.iter().flat_map(|step| &step.commits) {
        let position = commit.position;
        match commit.kind {
            CommitKind::New | CommitKind::Changed | CommitKind::Pinned => {
                fixed.insert(position, commit.token);
            }
            CommitKind::Remasked => {
                fixed.remove(&position);
            }
            // What is inserted is mostly a mask.
            CommitKind::Inserted => {
                let behind = fixed.split_off(&position);
                fixed.extend(behind.into_iter().map(|(at, token)| (at + 1, token)));
            }
            CommitKind::Deleted => {
                fixed.remove(&position);
                let behind = fixed.split_off(&position);
                fixed.extend(behind.into_iter().map(|(at, token)| (at - 1, token)));
            }
        }
    }
    fixed
}

/// `step 12, position 31: recorded “ the” 0.412, now “ a” 0.409; its best two differ by 0.003, a near tie`.
fn difference(step: usize, missing: &[CommitLine], made: &StepLine) -> String {
    let Some(line) = missing.first() else {
        return format!("step {step}: more is committed now");
    };
    let said = |it: &CommitLine| {
        let text = it.text.as_ref().map(|text| text.shown());
        let text = text.unwrap_or_else(|| format!("token {}", it.token));
        format!("“{text}” {:.3}", it.confidence)
    };
    let recorded = format!(
        "step {step}, position {}: recorded {}",
        line.position,
        said(line)
    );
    let mut now = made.commits.iter();
    match now.find(|it| it.position == line.position) {
        Some(it) => format!("{recorded}, now {}{}", said(it), tie(it)),
        None => format!("{recorded}, now it is left masked there"),
    }
}

/// How near the two best candidates are to each other.
fn tie(commit: &CommitLine) -> String {
    /// Arithmetic in another order moves probabilities by about this much.
    const NEAR: f32 = 0.01;
    let [best, second, ..] = &commit.top[..] else {
        return String::new();
    };
    let apart = best.1 - second.1;
    let near = if apart < NEAR { ", a near tie" } else { "" };
    format!("; its best two differ by {apart:.3}{near}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A run with a commit a step, each a position and its token.
    fn run(commits: &[(u32, u32)]) -> Vec<StepLine> {
        let step = |(number, &(position, token)): (usize, &(u32, u32))| StepLine {
            step: number,
            steps: commits.len(),
            call: number - 1,
            block: 0,
            blocks: 1,
            fed: (0, 8),
            length: 8,
            masked: 0,
            elapsed: Duration::ZERO,
            forward: Duration::ZERO,
            nfe: number,
            nfe_saved: 0.0,
            commits: vec![CommitLine {
                position,
                token,
                text: None,
                confidence: 0.5,
                entropy: 0.1,
                kind: CommitKind::New,
                was: None,
                top: Vec::new(),
            }],
            guesses: Vec::new(),
        };
        (1..).zip(commits).map(step).collect()
    }

    /// The verdict on a run that has fixed token 1 at position 5, then 2 at 6, and how many tokens are others.
    fn verdict(is_free: bool, made: &[(u32, u32)]) -> (Verdict, usize) {
        let mut verification = Verification {
            is_free,
            ..Verification::default()
        };
        verification.add_lines(&run(&[(5, 1), (6, 2)]), &run(made), true);
        (verification.verdict(), verification.others)
    }

    #[test]
    fn another_token_counts_though_no_step_shares_its_position() {
        for is_free in [false, true] {
            assert_eq!(verdict(is_free, &[(6, 3), (5, 1)]), (Verdict::Tokens, 1));
            assert_eq!(verdict(is_free, &[(6, 2), (5, 1)]), (Verdict::Order, 0));
            assert_eq!(verdict(is_free, &[(5, 1), (6, 3)]), (Verdict::Tokens, 1));
            assert_eq!(verdict(is_free, &[(5, 1), (6, 2)]), (Verdict::Same, 0));
        }
    }

    #[test]
    fn a_place_that_one_run_leaves_masked_counts_only_where_it_went_its_own_way() {
        assert_eq!(verdict(true, &[(5, 1), (7, 2)]), (Verdict::Tokens, 2));
        assert_eq!(verdict(false, &[(5, 1), (7, 2)]), (Verdict::Order, 0));
    }
}
