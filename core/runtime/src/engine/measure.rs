//! Likelihoods as work of the engine's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use unmask_api::{BackendError, ErrorCode};

use super::control::Control;
use super::end::{End, no_model, panicked};
use super::inbox::{EngineCommand, Inbox};
use super::layout::{check_context, check_tokens};
use super::model::{Ready, ReadyModel};
use super::turns::{ModelGone, ModelInUse, Turns};
use super::worker::EngineWorker;
use super::{EngineEvent, Failure, Loaded, MeasureEvent, MeasureRequest, Measured, Sharing};
use crate::generate::DenoiseError;
use crate::likelihood::{Likelihood, LikelihoodError, Pair, is_greedy};

impl MeasureRequest {
    /// Refuses what cannot be measured, without a forward.
    ///
    /// # Errors
    /// A [`Failure`] that says what cannot be done and what to do instead.
    pub fn check(&self, loaded: &Loaded) -> Result<(), Failure> {
        let mut pairs = self.pairs.iter();
        self.check_scale()?;
        pairs.try_for_each(|pair| self.check_pair(pair, loaded))
    }

    fn check_scale(&self) -> Result<(), Failure> {
        if self.cfg_scale.is_finite() && self.cfg_scale >= 0.0 {
            return Ok(());
        }
        let text = format!("cfg scale is {}; it must be 0 or more", self.cfg_scale);
        Err(Failure::usage(text, ""))
    }

    /// The same for a pair alone, whether or not it is one of the request.
    ///
    /// # Errors
    /// Likewise.
    pub fn check_pair(&self, pair: &Pair, loaded: &Loaded) -> Result<(), Failure> {
        let Pair {
            context,
            continuation,
        } = pair;
        self.samples
            .draws(continuation.len())
            .map_err(|error| Failure::usage(error.to_string(), ""))?;
        check_context(loaded, context.len(), continuation.len())?;
        for tokens in [context, continuation] {
            check_tokens(loaded, tokens)?;
            if tokens.contains(&loaded.special.mask) {
                let text = format!(
                    "a text to be measured holds token {}, the mask of {}",
                    loaded.special.mask.0, loaded.name
                );
                return Err(Failure::usage(text, "leave it out"));
            }
        }
        Ok(())
    }
}

impl EngineWorker {
    pub(super) fn measure(
        &mut self,
        request: MeasureRequest,
        sharing: Sharing,
        control: Arc<Control>,
    ) {
        let Self {
            current,
            events,
            turns,
            inbox,
            ..
        } = self;
        let (events, measure) = (&*events, request.measure);
        let emit = |event| events.emit(EngineEvent::Measure(measure, event));
        turns.measure(&sharing.client);
        let end = catch_unwind(AssertUnwindSafe(|| {
            let current = current.as_mut().ok_or_else(no_model)?;
            if let Ready::Away(away) = &mut current.ready {
                request.check(&away.loaded())?;
                let began = Instant::now();
                let end = away.measure(&request, &*control, &emit);
                turns.spent_measuring(began.elapsed(), events);
                return Ok(Some(end?));
            }
            let on = current.in_use(events).ok_or_else(no_model)?;
            let ready = on.ready;
            let mut others = OtherTurns::new(turns, inbox, on, &control);
            let end = measure_all(ready, &request, &emit, &mut others);
            others.charge();
            match others.gone {
                None => end,
                Some(failure) => Err(End::Gone(failure)),
            }
        }))
        .unwrap_or_else(|panic| Err(End::Failed(panicked(&*panic))));
        self.turns.measured();
        match end {
            Ok(Some(last)) => emit(last),
            Ok(None) => {
                self.turns.wait_for_room();
                let again = EngineCommand::Measure(request, sharing, control);
                self.inbox.put_back(again);
            }
            Err(End::Failed(failure)) => emit(MeasureEvent::Failed(failure)),
            Err(End::Gone(failure)) => {
                emit(MeasureEvent::Failed(failure.clone()));
                self.lose(failure);
            }
        }
    }
}

/// Turns that run between the forwards of a measurement.
struct OtherTurns<'a, 'm> {
    turns: &'a mut Turns,
    inbox: &'a mut Inbox,
    on: ModelInUse<'m>,
    /// Of the measurement.
    control: &'a Control,
    since: Instant,
    /// The model's process has ended.
    gone: Option<Failure>,
}

impl<'a, 'm> OtherTurns<'a, 'm> {
    fn new(
        turns: &'a mut Turns,
        inbox: &'a mut Inbox,
        on: ModelInUse<'m>,
        control: &'a Control,
    ) -> Self {
        Self {
            turns,
            inbox,
            on,
            control,
            since: Instant::now(),
            gone: None,
        }
    }

    /// A forward of the measurement has ended: turns of whoever has had less of the engine's time come first now.
    fn step(&mut self) {
        self.charge();
        if self.gone.is_none() {
            let (turns, control) = (&mut *self.turns, self.control);
            let stepped = turns.step_before_measuring(control, self.inbox, &mut self.on);
            self.gone = stepped.err().map(|ModelGone(failure)| failure);
        }
        self.since = Instant::now();
    }

    /// What has passed since the last turn's step was the measurement's.
    fn charge(&mut self) {
        let time = self.since.elapsed();
        self.turns.spent_measuring(time, self.on.events);
    }
}

/// Returns the last event; `None` if there was no memory to begin, and turns will leave some.
fn measure_all(
    ready: &ReadyModel,
    request: &MeasureRequest,
    emit: &dyn Fn(MeasureEvent),
    others: &mut OtherTurns<'_, '_>,
) -> Result<Option<MeasureEvent>, End> {
    request.check(&ready.loaded)?;
    let (mask, scale) = (ready.loaded.special.mask, request.cfg_scale);
    let mut likelihood = Likelihood::new(&*ready.model, mask, scale).with_rows(request.rows);
    let mut index = 0;
    while index < request.pairs.len() {
        match measure_one(ready, request, index, &mut likelihood, emit, others) {
            Ok(measured) => emit(MeasureEvent::Measured(measured)),
            Err(DenoiseError::Backend(error)) if error.code() == ErrorCode::Cancelled => {
                return Ok(Some(MeasureEvent::Stopped));
            }
            Err(DenoiseError::Backend(error))
                if error.code() == ErrorCode::OutOfMemory && others.on.sessions.free_idle() =>
            {
                continue;
            }
            // Nothing was told of it, so that it may begin anew.
            Err(DenoiseError::Backend(error))
                if error.code() == ErrorCode::OutOfMemory
                    && index == 0
                    && !likelihood.has_session()
                    && !others.turns.is_empty() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(End::of(ready, &error)),
        }
        index += 1;
    }
    Ok(Some(MeasureEvent::Finished))
}

/// The pair at `index` of a request that was checked.
fn measure_one(
    ready: &ReadyModel,
    request: &MeasureRequest,
    index: usize,
    likelihood: &mut Likelihood<'_>,
    emit: &dyn Fn(MeasureEvent),
    others: &mut OtherTurns<'_, '_>,
) -> Result<Measured, DenoiseError> {
    let (pair, control) = (&request.pairs[index], others.control);
    let cancel = &control.cancel;
    // A pair may need no forward, which would see it.
    if cancel.is_raised() {
        return Err(BackendError::Cancelled.into());
    }
    let of = |error| match error {
        LikelihoodError::Backend(error) => DenoiseError::Backend(error),
        refused => BackendError::Invalid(refused.to_string()).into(),
    };
    let draws = request.samples.draws(pair.continuation.len()).map_err(of)?;
    let mut progress = |done| {
        emit(MeasureEvent::Progress {
            pair: index,
            done,
            draws,
        });
        others.step();
    };
    let estimate = likelihood
        .estimate(
            pair,
            request.samples,
            request.masking,
            cancel,
            &mut progress,
        )
        .map_err(of)?;
    let (special, scale) = (&ready.loaded.special, request.cfg_scale);
    let greedy = (request.greedy)
        .then(|| {
            is_greedy(
                &*ready.model,
                special,
                ready.loaded.rules,
                pair,
                scale,
                cancel,
                &mut || others.step(),
            )
        })
        .transpose()?;
    Ok(Measured {
        pair: index,
        greedy: greedy.map(|(is_greedy, _)| is_greedy),
        nfe: estimate.nfe + greedy.map_or(0, |(_, nfe)| nfe),
        estimate,
    })
}
