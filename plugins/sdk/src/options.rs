//! The options of a model's entry, [`LoadSpec::options_json`](unmask_api::LoadSpec::options_json).

use serde_json::{Map, Value};
use unmask_api::BackendError;

/// Refuses every option, for a backend that has none: any is a mistake.
///
/// # Errors
/// [`BackendError::Unsupported`] with the first of them; [`BackendError::Invalid`] if `json` is no object.
pub fn refuse(backend: &str, json: &str) -> Result<(), BackendError> {
    let options: Map<String, Value> = serde_json::from_str(json).map_err(|error| {
        BackendError::Invalid(format!("the options are not a JSON object: {error}"))
    })?;
    match options.keys().next() {
        None => Ok(()),
        Some(key) => Err(BackendError::Unsupported(format!(
            "{backend} has no option {key:?}, nor any other; remove it from the model's options"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_option_is_refused_by_name_and_none_is_fine() {
        refuse("mine", "{}").expect("there is none");
        let error = refuse("mine", r#"{"fast": true}"#).expect_err("there is one");
        assert!(error.to_string().contains("mine has no option \"fast\""));
        let error = refuse("mine", "[]").expect_err("it is no object");
        assert!(matches!(error, BackendError::Invalid(_)));
    }
}
