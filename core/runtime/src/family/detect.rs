use serde_json::Value;

use super::llada::LLADA;
use super::{Family, FamilyError};

/// The families of this build.
const FAMILIES: &[&Family] = &[&LLADA];

/// How the names of families that are known and not supported yet begin, in lower case without `-` and `_`; the first that
/// fits counts.
const NOT_YET: &[(&str, &str)] = &[
    ("lladamoe", "LLaDA-MoE"),
    ("llada20", "LLaDA2.0"),
    ("llada21", "LLaDA2.1"),
    ("llada22", "LLaDA2.2"),
    ("llada2", "LLaDA2"),
    ("lladaformultimodal", "Lumina-DiMOO"),
    ("lladavlm", "LLaDA-V"),
    ("lladav", "LLaDA-V"),
    ("llavallada", "LLaDA-V"),
    ("mmada", "MMaDA"),
    ("dreamvl", "Dream-VL"),
    ("dream", "Dream"),
    ("diffucoder", "DiffuCoder"),
    ("dimple", "Dimple"),
    ("sdarvl", "SDAR-VL"),
    ("sdarmoe", "SDAR"),
    ("sdar", "SDAR"),
    ("stablediffcoder", "Stable-DiffCoder"),
    ("fastdllm", "Fast-dLLM v2"),
    ("wedlm", "WeDLM"),
    ("rnd1", "RND1"),
    ("diffusiongemma", "DiffusionGemma"),
    ("nemotronlabsdiffusion", "Nemotron-Labs-Diffusion"),
    ("nemotrondiffusion", "Nemotron-Labs-Diffusion"),
    ("tidar", "TiDAR"),
    ("a2d", "A2D"),
    ("mdlm", "MDLM"),
    ("bd3lm", "BD3LM"),
    ("sedd", "SEDD"),
];

/// The family of a checkpoint, by `architectures` of its `config.json` and then by `model_type`: checkpoints of different
/// networks share a `model_type`, LLaDA and LLaDA-MoE among them.
///
/// # Errors
/// [`FamilyError`], which names the families of this build.
pub fn detect(config: &Value) -> Result<&'static Family, FamilyError> {
    let model_type = config["model_type"].as_str().unwrap_or_default();
    let architectures = config["architectures"].as_array();
    let architectures = architectures
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let named: Vec<&str> = architectures
        .chain([model_type])
        .filter(|name| !name.is_empty())
        .collect();
    if let Some(found) = named.iter().find_map(|name| known(name)) {
        return found;
    }
    Err(match named.last() {
        Some(&name) => FamilyError::Unknown {
            name: name.to_owned(),
            supported: supported(),
        },
        None => FamilyError::Unnamed {
            supported: supported(),
        },
    })
}

/// The family that an architecture or a `model_type` names, if it is one that is known.
fn known(name: &str) -> Option<Result<&'static Family, FamilyError>> {
    let is_it = |family: &&&Family| {
        family.architectures.contains(&name) || family.model_types.contains(&name)
    };
    if let Some(family) = FAMILIES.iter().find(is_it) {
        return Some(Ok(family));
    }
    let plain = name.to_lowercase().replace(['-', '_', '.'], "");
    let (_, name) = NOT_YET.iter().find(|(known, _)| plain.starts_with(known))?;
    Some(Err(FamilyError::NotYet {
        name: (*name).to_owned(),
        supported: supported(),
    }))
}

fn supported() -> String {
    let names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
    names.join(", ")
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

    #[track_caller]
    fn check_not_yet(config: &Value, name: &str) {
        let told = format!(
            "it is a model of the family {name}, which this version does not run yet; it runs llada"
        );
        check(config, Err(&told));
    }

    #[test]
    fn llada_is_known_by_its_type_or_its_architecture() {
        check(&json!({"model_type": "llada"}), Ok("llada"));
        check(&json!({"architectures": ["LLaDAModelLM"]}), Ok("llada"));
        let own = json!({"model_type": "llada", "architectures": ["TunedLLaDA"]});
        check(&own, Ok("llada"));
    }

    #[test]
    fn an_architecture_counts_before_a_type_that_others_share() {
        let named = |name: &str| json!({"model_type": "llada", "architectures": [name]});
        check_not_yet(&named("LLaDAMoEModelLM"), "LLaDA-MoE");
        check_not_yet(&named("LLaDAMoEModel"), "LLaDA-MoE");
        check_not_yet(&named("LLaDAForMultiModalGeneration"), "Lumina-DiMOO");
        check_not_yet(&named("LlavaLLaDAModelLM"), "LLaDA-V");
        check_not_yet(&named("MMadaModelLM"), "MMaDA");
    }

    #[test]
    fn families_that_are_not_run_yet_are_named_by_all_their_strings() {
        let names = [
            ("Dream", "Dream"),
            ("DreamModel", "Dream"),
            ("llada_moe", "LLaDA-MoE"),
            ("llada2_moe", "LLaDA2"),
            ("LLaDA2MoeModelLM", "LLaDA2"),
            ("llada21_moe", "LLaDA2.1"),
            ("llava_llada", "LLaDA-V"),
            ("mmada", "MMaDA"),
            ("sdar", "SDAR"),
            ("sdar_moe", "SDAR"),
            ("SDARForCausalLM", "SDAR"),
            ("sdar_vl", "SDAR-VL"),
            ("Fast_dLLM_Qwen", "Fast-dLLM v2"),
            ("Fast_dLLM_QwenForCausalLM", "Fast-dLLM v2"),
            ("fast_dllm", "Fast-dLLM v2"),
            ("wedlm", "WeDLM"),
            ("rnd1", "RND1"),
            ("diffusion_gemma", "DiffusionGemma"),
            ("nemotron_labs_diffusion", "Nemotron-Labs-Diffusion"),
            ("a2d-qwen3", "A2D"),
            ("a2d-llama", "A2D"),
            ("mdlm", "MDLM"),
            ("bd3lm", "BD3LM"),
        ];
        for (string, name) in names {
            check_not_yet(&json!({"model_type": string}), name);
            check_not_yet(&json!({"architectures": [string]}), name);
        }
    }

    #[test]
    fn other_models_are_told_what_is_run() {
        check(
            &json!({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}),
            Err("`llama` is no masked diffusion family that this version knows; it runs llada"),
        );
        check(
            &json!({}),
            Err(
                "neither `model_type` nor `architectures` says which family it is; this version runs llada",
            ),
        );
    }
}
