use serde_json::Value;

use super::llada::LLADA;
use super::{Family, FamilyError};

/// The families of this build.
const FAMILIES: &[&Family] = &[&LLADA];

/// `model_type` in lower case of families that are known and not supported yet, with their names.
const NOT_YET: &[(&str, &str)] = &[
    ("dream", "Dream"),
    ("lladamoe", "LLaDA-MoE"),
    ("llada_moe", "LLaDA-MoE"),
    ("llada2_moe", "LLaDA2"),
    ("sdar", "SDAR"),
    ("sdar_moe", "SDAR"),
    ("rnd1", "RND1"),
    ("fast_dllm", "Fast-dLLM v2"),
    ("wedlm", "WeDLM"),
    ("diffusion_gemma", "DiffusionGemma"),
];

/// The family of a checkpoint, by `model_type` and then `architectures` of its `config.json`.
///
/// # Errors
/// [`FamilyError`], which names the families of this build.
pub fn detect(config: &Value) -> Result<&'static Family, FamilyError> {
    let model_type = config["model_type"].as_str().unwrap_or_default();
    let architectures: Vec<&str> = config["architectures"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let by_type = FAMILIES
        .iter()
        .find(|family| family.model_types.contains(&model_type));
    let by_architecture = || {
        let named = |family: &&&Family| {
            architectures
                .iter()
                .any(|name| family.architectures.contains(name))
        };
        FAMILIES.iter().find(named)
    };
    if let Some(family) = by_type.or_else(by_architecture) {
        return Ok(family);
    }
    let supported = FAMILIES
        .iter()
        .map(|family| family.name)
        .collect::<Vec<_>>()
        .join(", ");
    let wanted = model_type.to_lowercase();
    if let Some((_, name)) = NOT_YET.iter().find(|(known, _)| *known == wanted) {
        return Err(FamilyError::NotYet {
            name: (*name).to_owned(),
            supported,
        });
    }
    let named = [model_type]
        .into_iter()
        .chain(architectures)
        .find(|name| !name.is_empty());
    Err(match named {
        Some(name) => FamilyError::Unknown {
            model_type: name.to_owned(),
            supported,
        },
        None => FamilyError::Unnamed { supported },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(config: &Value, expected: Result<&str, &str>) {
        let got = detect(config)
            .map(|family| family.name)
            .map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn llada_is_known_by_its_type_or_its_architecture() {
        check(&json!({"model_type": "llada"}), Ok("llada"));
        check(&json!({"architectures": ["LLaDAModelLM"]}), Ok("llada"));
    }

    #[test]
    fn other_families_are_named_and_refused() {
        check(
            &json!({"model_type": "Dream", "architectures": ["DreamModel"]}),
            Err("model family Dream is not supported yet; this build runs llada"),
        );
        check(
            &json!({"model_type": "llama"}),
            Err(
                "model_type `llama` is no masked diffusion family that this build knows; it runs llada",
            ),
        );
        check(
            &json!({}),
            Err(
                "neither `model_type` nor `architectures` says which family it is; this build runs llada",
            ),
        );
    }
}
