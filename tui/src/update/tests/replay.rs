//! An answer step by step, and what is changed in it.

mod steering;

use std::sync::Arc;

use unmask_core::event::CommitKind;
use unmask_core::{Position, TokenId};

use super::*;
use crate::action::ReplayAct;
use crate::session::{Job, StorageEvent, TracedAnswer, recorded_turn, trace_lines};
use crate::state::{
    Answer, EntryVisibility, Focus, LogEntry, LogKept, PlaySpeed, ReplayStart, TurnOrigin,
};

fn token(index: usize) -> TokenId {
    fixture::token(CELLS, index)
}

impl Driver {
    fn replay(&mut self, act: ReplayAct) -> Vec<Effect> {
        self.act(Action::Do(Command::Replay(act)))
    }

    /// Fixes a token, with a runner-up.
    fn fix(&mut self, step: usize, at: usize) {
        let mut commit = fixture::new(at, token(at), 0.6);
        commit.top.push((token((at + 1) % 3), 0.3));
        self.receive_turn(TurnEvent::Step(fixture::step(step, 4, vec![commit])));
    }

    /// An answer of three steps, all of it there.
    fn three_steps() -> Self {
        let mut driver = Self::denoising();
        driver.fix(2, 1);
        driver.fix(3, 2);
        driver.finish("Two and three", FinishReason::Complete);
        driver
    }

    fn shown(&self) -> usize {
        let (replay, turn) = self.state.replayed().expect("it is open");
        replay.shown(turn)
    }

    fn said(&self, at: usize) -> &Answer {
        match &self.state.transcript.entries[at].entry {
            Entry::Answer(answer) => answer,
            other => panic!("{other:?}"),
        }
    }
}

fn request(effects: &[Effect]) -> &TurnRequest {
    let start = effects.iter().find_map(|effect| match effect {
        Effect::Start(request) => Some(request),
        _ => None,
    });
    start.unwrap_or_else(|| panic!("no turn was started: {effects:?}"))
}

#[test]
fn any_step_is_gone_to_and_none_beyond_the_ends() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    assert_eq!(driver.shown(), 3);
    driver.replay(ReplayAct::Back);
    assert_eq!(driver.shown(), 2);
    driver.replay(ReplayAct::TenBack);
    assert_eq!(driver.shown(), 0);
    driver.replay(ReplayAct::Forward);
    assert_eq!(driver.shown(), 1);
    driver.replay(ReplayAct::TenForward);
    assert_eq!(driver.shown(), 3);
    driver.key(KeyCode::Esc);
    assert!(driver.state.replay.is_none());
}

#[test]
fn it_plays_to_its_end_and_then_rests() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    driver.replay(ReplayAct::Play);
    assert_eq!(driver.shown(), 0);
    for step in 1..=3 {
        driver.wait(250);
        assert_eq!(driver.shown(), step);
    }
    let playing = driver.state.replay.as_ref().map(|replay| replay.playing);
    assert_eq!(playing, Some(None));
}

#[test]
fn a_recorded_answer_begins_where_and_as_fast_as_it_is_said() {
    let turn = Driver::three_steps().said(1).trace.clone();
    let begun = |steps, speed: Option<f64>| {
        let mut driver = Driver::ready();
        let speed = speed.map(|factor| PlaySpeed::of(factor).expect("it is one"));
        let start = ReplayStart { steps, speed };
        let turn = turn.clone().expect("it is there");
        crate::update::show_recorded_from(&mut driver.state, turn, start);
        driver
    };
    assert_eq!(begun(None, None).shown(), 3);
    assert_eq!(begun(Some(2), None).shown(), 2);
    let mut from = begun(Some(1), Some(2.0));
    assert_eq!(from.wait(60).shown(), 1);
    assert_eq!(from.wait(65).shown(), 2);
    assert_eq!(from.wait(125).shown(), 3);
    assert_eq!(begun(None, Some(1.0)).shown(), 0);
    assert_eq!(PlaySpeed::of(3.0), None);
}

#[test]
fn a_running_answer_is_gone_through_while_it_grows() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Tab);
    driver.key(KeyCode::Left);
    assert_eq!(driver.shown(), 0);
    driver.fix(2, 1);
    assert_eq!(driver.shown(), 0);
    driver.key(KeyCode::End);
    driver.fix(3, 2);
    assert_eq!(driver.shown(), 3);
    // Its end changes nothing of what is shown.
    driver.finish("Two and three", FinishReason::Complete);
    assert_eq!(driver.shown(), 3);
}

#[test]
fn an_answer_that_leaves_nothing_closes_its_replay() {
    let mut driver = Driver::denoising();
    driver.replay(ReplayAct::Open);
    driver.finish("", FinishReason::Stopped);
    assert!(driver.state.replay.is_none());
}

#[test]
fn a_runner_up_is_pinned_at_its_step_and_the_rest_is_denoised_again() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    driver.replay(ReplayAct::TokenLeft);
    driver.replay(ReplayAct::CandidateDown);
    let effects = driver.replay(ReplayAct::WhatIf);
    let request = request(&effects);
    let TurnInput::Canvas(canvas) = &request.input else {
        panic!("{request:?}");
    };
    assert_eq!(canvas.answer(), [token(0), token(2), MASK]);
    assert!(canvas.is_given(Position(1)) && !canvas.is_given(Position(0)));
    assert_eq!(request.params, *driver.said(1).params);
    driver.receive_turn(TurnEvent::Started {
        canvas: canvas.clone(),
        params: Box::new(request.params.clone()),
        left_out: 0,
    });
    driver.fix(1, 2);
    driver.finish("Two three three", FinishReason::Complete);
    let seen: Vec<_> = (driver.state.transcript.entries.iter())
        .map(|item| item.visibility)
        .collect();
    assert_eq!(
        seen,
        [
            EntryVisibility::Seen,
            EntryVisibility::Replaced,
            EntryVisibility::Seen
        ]
    );
    let turn = driver.said(2).trace.as_ref().expect("it is kept");
    let branch = turn.branch.as_ref().expect("it is a branch");
    assert_eq!(branch.name.to_string(), "1b");
    let is_other: Vec<bool> = (0..3).map(|at| turn.is_other_than_before(at)).collect();
    assert_eq!(is_other, [false, true, false]);
    let messages = driver.state.transcript.messages();
    assert_eq!(messages[1].content, "Two three three");
}

#[test]
fn only_what_is_marked_is_written_anew() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    driver.replay(ReplayAct::Remask);
    let effects = driver.replay(ReplayAct::Refill);
    let TurnInput::Infill(canvas) = &request(&effects).input else {
        panic!("{effects:?}");
    };
    assert_eq!(canvas.answer(), [token(0), token(1), MASK]);
    let origin = driver.state.running().map(|turn| turn.origin);
    assert_eq!(origin, Some(TurnOrigin::Branched(1)));
}

#[test]
fn tokens_below_a_confidence_are_written_anew_by_a_command() {
    let mut driver = Driver::three_steps();
    let effects = driver.say("/remask low=0.7");
    let TurnInput::Infill(canvas) = &request(&effects).input else {
        panic!("{effects:?}");
    };
    assert_eq!(canvas.answer(), [token(0), MASK, MASK]);
    let mut driver = Driver::three_steps();
    driver.say("/remask 5-9");
    assert_eq!(driver.notice(), "The answer has 3 tokens, counted from 0");
    driver.say("/remask low=0.1");
    assert_eq!(driver.notice(), "Every token was as sure as 0.1");
}

#[test]
fn a_mark_is_taken_back_and_made_again() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    let marks = |driver: &Driver| {
        let replay = driver.state.replay.as_ref().expect("it is open");
        (replay.patch.remasked.len(), replay.patch.pinned.len())
    };
    driver.replay(ReplayAct::Remask);
    driver.replay(ReplayAct::Pin);
    assert_eq!(marks(&driver), (0, 1));
    driver.replay(ReplayAct::Undo);
    assert_eq!(marks(&driver), (1, 0));
    driver.replay(ReplayAct::Undo);
    assert_eq!(marks(&driver), (0, 0));
    driver.replay(ReplayAct::Redo);
    driver.replay(ReplayAct::Redo);
    assert_eq!(marks(&driver), (0, 1));
}

#[test]
fn an_answer_is_replayed_from_its_trace_after_a_restart() {
    let mut driver = Driver::three_steps();
    let answer = driver.said(1).clone();
    let turn = answer.trace.clone().expect("it is there");
    let lines = trace_lines(
        &turn,
        &TracedAnswer::of(&answer),
        jiff::Timestamp::UNIX_EPOCH,
    );
    let recording = unmask_core::wire::read(lines.as_bytes()).expect("it is a trace");
    let read = Arc::new(recorded_turn(&recording).expect("it fits"));
    assert_eq!(read.answer(), turn.answer());
    assert_eq!(read.log().entries, turn.log().entries);
    // Written again it is the same run, whoever is loaded by then.
    let again = (*read).clone().of_model(&turn.loaded);
    let again = trace_lines(&again, &TracedAnswer::of(&answer), jiff::Timestamp::now());
    assert_eq!(again, lines);
    let cut = unmask_core::wire::Recording {
        events: recording.events[..2].to_vec(),
        is_cut: true,
    };
    let cut = Arc::new(recorded_turn(&cut).expect("it fits"));
    let mut shown = Driver::ready();
    crate::update::show_recorded(&mut shown.state, Arc::clone(&cut));
    assert_eq!(shown.said(1).reason, FinishReason::Stopped);
    let again = trace_lines(
        &cut,
        &TracedAnswer::of(shown.said(1)),
        jiff::Timestamp::now(),
    );
    assert_eq!(again.lines().count(), 2);
    // As it is after a restart.
    let item = &mut driver.state.transcript.entries[1];
    item.kept = Some(crate::state::SavedEntry {
        id: unmask_core::conversations::MessageId(2),
        visibility: unmask_core::conversations::Visibility::Seen,
        fingerprint: item.entry.fingerprint(),
    });
    if let Entry::Answer(answer) = &mut item.entry {
        (answer.trace, answer.log_kept) = (None, LogKept::Yes);
    }
    let id = unmask_core::conversations::MessageId(2);
    let effects = driver.replay(ReplayAct::Open);
    assert_eq!(effects, [Effect::Keep(Job::ReadTrace(id))]);
    // What is written meanwhile is not interrupted, and what was not asked for is not taken.
    driver.write("and");
    driver.act(Action::Kept(StorageEvent::TraceRead(id, Ok(read))));
    assert!(driver.state.replay.is_none() && driver.state.focus == Focus::Composer);
    let gone = Err("no such file".to_owned());
    driver.act(Action::Kept(StorageEvent::TraceRead(id, gone)));
    assert_eq!(driver.said(1).log_kept, LogKept::Yes);
    driver.replay(ReplayAct::Open);
    assert_eq!(driver.shown(), 3);
}

#[test]
fn a_mark_on_what_grew_later_is_left_out_of_an_earlier_step() {
    let mut driver = Driver::denoising();
    driver.fix(2, 1);
    let mut grown = fixture::new(3, token(0), 0.9);
    grown.kind = CommitKind::Inserted;
    driver.receive_turn(TurnEvent::Step(fixture::step(3, 4, vec![grown])));
    driver.finish("Two three two", FinishReason::Complete);
    driver.replay(ReplayAct::Open);
    let cursor = |driver: &Driver| driver.state.replay.as_ref().map(|replay| replay.token);
    assert_eq!(cursor(&driver), Some(3));
    driver.replay(ReplayAct::Remask);
    driver.replay(ReplayAct::First);
    assert_eq!(cursor(&driver), Some(2));
    let effects = driver.replay(ReplayAct::Refill);
    let TurnInput::Canvas(canvas) = &request(&effects).input else {
        panic!("{effects:?}");
    };
    assert_eq!(canvas.answer(), [MASK; 3]);
}

#[test]
fn a_trace_that_is_gone_costs_the_replay_alone() {
    let mut driver = Driver::three_steps();
    let id = unmask_core::conversations::MessageId(2);
    let item = &mut driver.state.transcript.entries[1];
    item.kept = Some(crate::state::SavedEntry {
        id,
        visibility: unmask_core::conversations::Visibility::Seen,
        fingerprint: item.entry.fingerprint(),
    });
    if let Entry::Answer(answer) = &mut item.entry {
        (answer.trace, answer.log_kept) = (None, LogKept::Yes);
    }
    driver.replay(ReplayAct::Open);
    let gone = Err("no such file".to_owned());
    driver.act(Action::Kept(StorageEvent::TraceRead(id, gone)));
    assert_eq!(
        driver.notice(),
        "This answer cannot be replayed: no such file"
    );
    assert!(driver.state.replay.is_none());
}

#[test]
fn a_drag_selects_tokens_and_a_click_on_the_steps_goes_there() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    driver.frame();
    let place = |x, y| ratatui::layout::Position::new(x, y).into();
    driver.act(Action::Click(place(1, 1)));
    driver.act(Action::Drag(place(6, 1)));
    driver.act(Action::Release);
    let span = driver.state.replay.as_ref().map(crate::state::Replay::span);
    assert_eq!(span, Some(0..=1));
    let (bars, _) = crate::geometry::timeline_bars(&driver.state).expect("it is open");
    driver.act(Action::Click(place(bars.x, bars.y)));
    assert_eq!(driver.shown(), 0);
    driver.act(Action::Click(place(bars.right() - 1, bars.y)));
    assert_eq!(driver.shown(), 3);
}
