//! Likelihoods as work of the engine's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use unmask_api::{BackendError, ErrorCode};

use super::control::Control;
use super::layout::{check_context, check_tokens};
use super::model::{Ready, ReadyModel};
use super::thread::{End, no_model};
use super::worker::{EngineWorker, panicked};
use super::{EngineEvent, Failure, Loaded, MeasureEvent, MeasureRequest, Measured};
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
    pub(super) fn measure(&mut self, request: &MeasureRequest, control: &Control) {
        let Self {
            current, events, ..
        } = self;
        let emit = |event| events.emit(EngineEvent::Measure(request.measure, event));
        let end = catch_unwind(AssertUnwindSafe(|| {
            let current = current.as_mut().ok_or_else(no_model)?;
            match &mut current.ready {
                Ready::Here(ready) => measure_all(ready, request, control, &emit),
                Ready::Away(away) => {
                    request.check(&away.loaded())?;
                    Ok(away.measure(request, control, &emit)?)
                }
            }
        }))
        .unwrap_or_else(|panic| Err(End::Failed(panicked(&*panic))));
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

/// Returns the last event.
fn measure_all(
    ready: &ReadyModel,
    request: &MeasureRequest,
    control: &Control,
    emit: &dyn Fn(MeasureEvent),
) -> Result<MeasureEvent, End> {
    request.check(&ready.loaded)?;
    let (mask, scale) = (ready.loaded.special.mask, request.cfg_scale);
    let mut likelihood = Likelihood::new(&*ready.model, mask, scale).with_rows(request.rows);
    for index in 0..request.pairs.len() {
        match measure_one(ready, request, index, &mut likelihood, control, emit) {
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
