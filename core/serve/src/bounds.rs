//! What the server lets an answer take, whoever says how long it is: holes, a canvas, or the model itself.

use unmask_core::engine::{LaidOut, TurnRequest};
use unmask_core::params::{Daedal, Growth};

use super::error::ApiError;
use super::unmask_member::AnswerForm;

/// Keeps a turn within `most` positions to be filled; lengths that are settings were before.
pub(crate) fn bound(
    request: &mut TurnRequest<LaidOut>,
    form: &AnswerForm,
    most: usize,
) -> Result<(), ApiError> {
    match &mut request.params.growth {
        Growth::Fixed | Growth::Auto => (),
        Growth::Blocks { ceiling } | Growth::Daedal(Daedal { ceiling, .. }) => {
            *ceiling = most.min(*ceiling);
        }
    }
    let param = match form {
        AnswerForm::Masks | AnswerForm::Pins(_) => return Ok(()),
        AnswerForm::Parts(_) | AnswerForm::AnyLength(..) => "unmask.parts",
        AnswerForm::Canvas(_) => "unmask.canvas",
    };
    let canvas = &request.input.canvas;
    let is_mask = |token: &&_| **token == canvas.mask();
    let masks = canvas.answer().iter().filter(is_mask).count();
    match masks > most {
        true => {
            let message = format!(
                "`{param}` has {masks} positions to be filled; this server fills up to {most}"
            );
            Err(ApiError::invalid(param, message))
        }
        false => Ok(()),
    }
}
