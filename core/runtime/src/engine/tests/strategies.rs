//! Strategies of these tests alone: edits of every kind, from a strategy to the event and the canvas.

use super::*;
use crate::event::{Commit, CommitKind};
use crate::family::FamilyRules;
use crate::sampler::strategies::{Begin, Begun};
use crate::sampler::{Candidate, CanvasEdit, StepPlan, Strategy, StrategyProgress};
use crate::{Canvas, Position};

/// Makes a list of steps, each of which asks about the whole answer.
struct Script {
    steps: Vec<Vec<CanvasEdit>>,
    made: usize,
}

impl Strategy for Script {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        let call = self.made;
        self.made += 1;
        let answer = canvas.answer_start() as u32..canvas.len() as u32;
        (call < self.steps.len()).then(|| StepPlan {
            block: 0,
            verified: None,
            wanted: answer.map(Position).collect(),
            fed: 0..canvas.len(),
            call,
        })
    }

    fn decide(&mut self, _: &Canvas, _: &[Candidate]) -> Vec<CanvasEdit> {
        self.steps[self.made - 1].clone()
    }

    fn progress(&self) -> StrategyProgress {
        StrategyProgress {
            calls: self.made,
            steps: self.steps.len(),
            planned: self.made,
            blocks: 1,
        }
    }

    /// It may change all that it wrote.
    fn final_until(&self, _: &Canvas) -> usize {
        0
    }
}

fn write(at: u32, candidate: usize) -> CanvasEdit {
    CanvasEdit::Write {
        at: Position(at),
        candidate,
    }
}

/// Prompt 1 1, and an answer of three masks; the model wants `position % 16` everywhere.
#[track_caller]
fn check(begin: Begin, commits: &[(CommitKind, u32, u32, Option<u32>)], tokens: &[u32]) {
    let list: &'static [Begin] = Box::leak(Box::new([begin]));
    let mut bench = Bench::loaded(Fake {
        strategies: Some(list),
        ..Fake::default()
    });
    bench.begin(prompt(3), 3);
    let mut seen = Vec::new();
    let mut canvas = None;
    let outcome = loop {
        match bench.next_turn() {
            TurnEvent::Started { canvas: begun, .. } => canvas = Some(begun),
            TurnEvent::Step(event) => {
                let canvas = canvas.as_mut().expect("it has begun");
                event.commits.iter().for_each(|commit| canvas.apply(commit));
                assert_eq!((event.length, canvas.len()), (canvas.len(), event.length));
                seen.extend(event.commits);
            }
            TurnEvent::Finished(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    let of = |it: &Commit| (it.kind, it.at.0, it.token.0, it.was.map(|was| was.0));
    assert_eq!(seen.iter().map(of).collect::<Vec<_>>(), commits);
    let got: Vec<u32> = outcome
        .canvas
        .tokens()
        .iter()
        .map(|token| token.0)
        .collect();
    assert_eq!(got, tokens);
    assert_eq!(
        Some(outcome.canvas),
        canvas,
        "the events tell all that happened"
    );
}

fn script(steps: Vec<Vec<CanvasEdit>>) -> Option<Begun> {
    Some(Ok(Box::new(Script { steps, made: 0 })))
}

const M: u32 = MASK.0;

#[test]
fn a_token_that_is_written_over_is_changed() {
    check(
        |_, _, _| {
            script(vec![
                vec![write(2, 1), write(3, 1)],
                vec![write(2, 0), write(3, 1)],
            ])
        },
        &[
            (CommitKind::New, 2, 3, None),
            (CommitKind::New, 3, 3, None),
            (CommitKind::Changed, 2, 2, Some(3)),
        ],
        &[1, 1, 2, 3, M],
    );
}

#[test]
fn a_token_that_is_masked_again_is_remasked_and_a_mask_stays_what_it_is() {
    check(
        |_, _, _| {
            let remask = |at| CanvasEdit::Remask(Position(at));
            script(vec![vec![write(2, 0), remask(2), remask(3)]])
        },
        &[
            (CommitKind::New, 2, 2, None),
            (CommitKind::Remasked, 2, M, Some(2)),
        ],
        &[1, 1, M, M, M],
    );
}

#[test]
fn positions_are_inserted_before_others_and_the_model_sees_them() {
    check(
        |_, _, _| {
            let insert = |at, token| CanvasEdit::Insert(Position(at), TokenId(token));
            let grow = vec![insert(2, 9), insert(6, M)];
            script(vec![grow, vec![write(6, 4)]])
        },
        &[
            (CommitKind::Inserted, 2, 9, None),
            (CommitKind::Inserted, 6, M, None),
            (CommitKind::New, 6, 6, None),
        ],
        &[1, 1, 9, M, M, M, 6],
    );
}

#[test]
fn positions_are_deleted_with_what_they_held() {
    check(
        |_, _, _| {
            let remove = |at| CanvasEdit::Remove(Position(at));
            script(vec![vec![write(3, 1), remove(2), remove(2)]])
        },
        &[
            (CommitKind::New, 3, 3, None),
            (CommitKind::Deleted, 2, M, None),
            (CommitKind::Deleted, 2, 3, Some(3)),
        ],
        &[1, 1, M],
    );
}

#[test]
fn an_end_token_ends_nothing_that_may_still_change() {
    // Position 11 wants the end token.
    let end = |_: &Canvas, _: &Params, _: FamilyRules| {
        script(vec![
            vec![CanvasEdit::Insert(Position(2), END)],
            vec![write(2, 0)],
        ])
    };
    check(
        end,
        &[
            (CommitKind::Inserted, 2, END.0, None),
            (CommitKind::Changed, 2, 2, Some(END.0)),
        ],
        &[1, 1, 2, M, M, M],
    );
}
