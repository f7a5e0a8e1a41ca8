//! Likelihoods as work of the engine's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use unmask_api::{BackendError, ErrorCode};

use super::control::Control;
use super::end::{End, no_model, panicked};
use super::inbox::Inbox;
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
        request: &MeasureRequest,
        sharing: &Sharing,
        control: &Control,
    ) {
        let Self {
            current,
            events,
            turns,
            inbox,
            ..
        } = self;
        let (events, client) = (&*events, &*sharing.client);
        let emit = |event| events.emit(EngineEvent::Measure(request.measure, event));
        turns.measure(client);
        let end = catch_unwind(AssertUnwindSafe(|| {
            let current = current.as_mut().ok_or_else(no_model)?;
            if let Ready::Away(away) = &mut current.ready {
                request.check(&away.loaded())?;
                return Ok(away.measure(request, control, &emit)?);
            }
            let on = current.in_use(events).ok_or_else(no_model)?;
            let ready = on.ready;
            let mut others = OtherTurns::new(turns, inbox, on, client);
            let end = measure_all(ready, request, control, &emit, &mut || others.step());
            match others.gone {
                None => end,
                Some(failure) => Err(End::Gone(failure)),
            }
        }))
        .unwrap_or_else(|panic| Err(End::Failed(panicked(&*panic))));
        self.turns.measured();
        match end {
            Ok(last) => emit(last),
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
    client: &'a str,
    /// The engine's time that the measurement has had.
    served: Duration,
    since: Instant,
    /// The model's process has ended.
    gone: Option<Failure>,
}

impl<'a, 'm> OtherTurns<'a, 'm> {
    fn new(
        turns: &'a mut Turns,
        inbox: &'a mut Inbox,
        on: ModelInUse<'m>,
        client: &'a str,
    ) -> Self {
        Self {
            served: turns.least_served(client),
            turns,
            inbox,
            on,
            client,
            since: Instant::now(),
            gone: None,
        }
    }

    /// A forward of the measurement has ended: turns of whoever has had less of the engine's time come first now.
    fn step(&mut self) {
        let time = self.since.elapsed();
        self.served += time;
        self.turns.spent(self.client, time);
        if self.gone.is_none() {
            let stepped =
                (self.turns).step_before(self.client, self.served, self.inbox, &mut self.on);
            if let Err(ModelGone(failure)) = stepped {
                self.gone = Some(failure);
            }
        }
        self.since = Instant::now();
    }
}

/// Returns the last event; `between` is called after each forward.
fn measure_all(
    ready: &ReadyModel,
    request: &MeasureRequest,
    control: &Control,
    emit: &dyn Fn(MeasureEvent),
    between: &mut dyn FnMut(),
) -> Result<MeasureEvent, End> {
    request.check(&ready.loaded)?;
    let (mask, scale) = (ready.loaded.special.mask, request.cfg_scale);
    let mut likelihood = Likelihood::new(&*ready.model, mask, scale).with_rows(request.rows);
    for index in 0..request.pairs.len() {
        match measure_one(
            ready,
            request,
            index,
            &mut likelihood,
            control,
            emit,
            between,
        ) {
            Ok(measured) => emit(MeasureEvent::Measured(measured)),
            Err(DenoiseError::Backend(error)) if error.code() == ErrorCode::Cancelled => {
                return Ok(MeasureEvent::Stopped);
            }
            Err(error) => return Err(End::of(ready, &error)),
        }
    }
    Ok(MeasureEvent::Finished)
}

/// The pair at `index` of a request that was checked.
fn measure_one(
    ready: &ReadyModel,
    request: &MeasureRequest,
    index: usize,
    likelihood: &mut Likelihood<'_>,
    control: &Control,
    emit: &dyn Fn(MeasureEvent),
    between: &mut dyn FnMut(),
) -> Result<Measured, DenoiseError> {
    let pair = &request.pairs[index];
    // A pair may need no forward, which would see it.
    if control.cancel.is_raised() {
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
        between();
    };
    let estimate = likelihood
        .estimate(
            pair,
            request.samples,
            request.masking,
            &control.cancel,
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
                &control.cancel,
                between,
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
