//! A step of a turn in a session of its own, or of several in one pass, and what errors mean to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use unmask_api::{BackendError, ErrorCode};

use super::active_turn::TurnSession;
use super::control::{Control, SharedPass};
use super::end::failure;
use super::event_sink::EventSink;
use super::pass_budget::PassBudget;
use super::turns::{ModelGone, ModelInUse, Turns, guarded, is_gone};
use crate::denoise::{Ask, Denoise};
use crate::event::{FinishReason, StepEvent};
use crate::generate::{DenoiseError, step_together};
use crate::scorer::{KvCache, Seat};

impl Turns {
    pub(super) fn step_alone(
        &mut self,
        index: usize,
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        let turn = &mut self.running[index];
        let TurnSession::Own(generation) = &mut turn.session else {
            return Ok(());
        };
        let began = Instant::now();
        let stepped = guarded(|| generation.step(&turn.control.cancel));
        let ended = generation.denoise().reason();
        let (elapsed, forward) = (began.elapsed(), generation.forward_time());
        self.charge(&[index], elapsed, on.events);
        match stepped {
            Ok(Ok(Some(step))) => {
                self.running[index].stepped(step, (elapsed, forward), on.events);
            }
            Ok(Ok(None)) => self.end(index, ended.unwrap_or(FinishReason::MasksLeft), on),
            Ok(Err(error)) => return self.met(&[index], &error, on),
            Err(panic) => self.fail(index, panic, on),
        }
        Ok(())
    }

    /// Makes a step of as many of these turns as sit in the shared session and fit in a pass.
    pub(super) fn step_shared(
        &mut self,
        ready: &[usize],
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        let Some(chosen) = self.choose(ready, on) else {
            return Ok(());
        };
        let Some(shared) = &mut on.sessions.shared else {
            return Ok(());
        };
        let began = Instant::now();
        let scorer = &mut shared.scorer;
        let mut has_room = true;
        let (controls, stepped) = {
            let turns = self.running.iter_mut().enumerate();
            let turns = turns.filter(|(index, _)| chosen.contains(index));
            let (mut controls, mut canvases) = (Vec::new(), Vec::<(&mut Denoise, Seat)>::new());
            for (_, turn) in turns {
                if let TurnSession::Shared(denoise, seat) = &mut turn.session {
                    controls.push(Arc::clone(&turn.control));
                    canvases.push((&mut **denoise, *seat));
                }
            }
            let step = || {
                let kept = canvases.iter().filter(|it| it.1.kv_cache == KvCache::On);
                // They may have grown.
                let longest = kept.map(|(denoise, _)| denoise.canvas().len()).max();
                let grown = longest.map_or(Ok(()), |it| scorer.reserve_cells(it));
                has_room = grown.is_ok();
                grown?;
                match &controls[..] {
                    [one] => step_together(scorer, &mut canvases, &one.cancel),
                    several => {
                        let several: Vec<&Control> = several.iter().map(|it| &**it).collect();
                        let pass = SharedPass::of(&several);
                        step_together(scorer, &mut canvases, &pass.cancel)
                    }
                }
            };
            (controls.clone(), guarded(step))
        };
        controls.iter().for_each(|it| it.leave_pass());
        let elapsed = began.elapsed();
        let times = (elapsed, scorer.forward_time());
        self.charge(&chosen, elapsed, on.events);
        match stepped {
            Ok(Ok(steps)) => {
                if controls.len() > 1 {
                    controls.iter().for_each(|it| it.has_shared());
                }
                self.stepped(&chosen, steps, times, on)
            }
            // Fewer turns in a pass would not help the one that has grown too long.
            Ok(Err(error)) if !has_room => self.met(&self.longest(&chosen), &error.into(), on),
            Ok(Err(error)) if error.code() == ErrorCode::OutOfMemory && chosen.len() > 1 => {
                tracing::warn!(rows = chosen.len(), %error, "passes of fewer turns from now on");
                shared.batch = chosen.len() / 2;
                Ok(())
            }
            Ok(Err(error)) => self.met(&chosen, &error.into(), on),
            Err(panic) => {
                // Nobody knows what the session holds now.
                for index in (0..self.running.len()).rev() {
                    if matches!(self.running[index].session, TurnSession::Shared(..)) {
                        self.fail(index, panic.clone(), on);
                    }
                }
                on.sessions.shared = None;
                Ok(())
            }
        }
    }

    /// The one with most positions of those that keep K/V in the shared session.
    fn longest(&self, turns: &[usize]) -> Vec<usize> {
        let kept = turns.iter().copied().filter(|&index| {
            let session = &self.running[index].session;
            matches!(session, TurnSession::Shared(_, seat) if seat.kv_cache == KvCache::On)
        });
        let length = |index: &usize| self.running[*index].session.denoise().canvas().len();
        kept.max_by_key(length).into_iter().collect()
    }

    /// The turns of the next pass, ascending; `None` if one of those that were asked has ended, which changes who is next.
    fn choose(&mut self, ready: &[usize], on: &mut ModelInUse<'_>) -> Option<Vec<usize>> {
        let shared = on.sessions.shared.as_ref()?;
        let mut budget = PassBudget::new(shared.batch, on.ready.loaded.facts.vocab);
        let mut chosen = Vec::new();
        for &index in ready {
            let TurnSession::Shared(denoise, seat) = &mut self.running[index].session else {
                continue;
            };
            let takes = guarded(|| match denoise.ask() {
                Ask::Question(asked) => {
                    let question = asked.question();
                    let computed = shared.scorer.computed(&question, *seat);
                    Ok(budget.takes(computed, question.n_read()))
                }
                Ask::Ended(reason) => Err(reason),
            });
            match takes {
                Ok(Ok(true)) => chosen.push(index),
                Ok(Ok(false)) => (),
                Ok(Err(reason)) => {
                    self.end(index, reason, on);
                    return None;
                }
                Err(panic) => {
                    self.fail(index, panic, on);
                    return None;
                }
            }
        }
        chosen.sort_unstable();
        Some(chosen)
    }

    fn stepped(
        &mut self,
        chosen: &[usize],
        steps: Vec<Result<StepEvent, BackendError>>,
        times: (Duration, Duration),
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        // From behind, since a turn that fails is taken out.
        let mut told: Vec<_> = chosen.iter().zip(steps).collect();
        while let Some((&index, step)) = told.pop() {
            match step {
                Ok(step) => self.running[index].stepped(step, times, on.events),
                Err(error) => self.met(&[index], &error.into(), on)?,
            }
        }
        Ok(())
    }

    /// An error that these turns met, ascending.
    fn met(
        &mut self,
        turns: &[usize],
        error: &DenoiseError,
        on: &mut ModelInUse<'_>,
    ) -> Result<(), ModelGone> {
        let failure = failure(on.ready, error);
        if is_gone(error) {
            return Err(ModelGone(failure));
        }
        for &index in turns.iter().rev() {
            match error {
                DenoiseError::Backend(error) if error.code() == ErrorCode::Cancelled => {
                    self.end(index, FinishReason::Stopped, on);
                }
                _ => self.fail(index, failure.clone(), on),
            }
        }
        Ok(())
    }

    /// The engine's time of a pass, in equal parts.
    fn charge(&mut self, turns: &[usize], elapsed: Duration, events: &EventSink) {
        let part = elapsed / turns.len().max(1) as u32;
        for &index in turns {
            let turn = &self.running[index];
            let client = &turn.sharing.client;
            self.share.spend_on(client, &turn.work, part);
            events.served(client, part);
        }
    }
}
