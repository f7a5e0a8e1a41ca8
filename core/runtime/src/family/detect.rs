use serde_json::Value;

use super::dream::DREAM;
use super::fast_dllm_v2::FAST_DLLM_V2;
use super::llada::{ILLADA, LLADA, LLADA_MOE};
use super::llada2::LLADA2;
use super::sdar::SDAR;
use super::{Family, FamilyError, others};

/// The families of this build.
const FAMILIES: &[&Family] = &[
    &LLADA,
    &ILLADA,
    &LLADA_MOE,
    &LLADA2,
    &DREAM,
    &SDAR,
    &FAST_DLLM_V2,
];

/// The family of a checkpoint, by `architectures` of its `config.json` and then by `model_type`: checkpoints of different
/// networks share a `model_type`, LLaDA and LLaDA-MoE among them. What it is `called`, its hub id or folder, tells models
/// apart that share both.
///
/// # Errors
/// [`FamilyError`], which names the families of this build.
pub fn detect(config: &Value, called: &str) -> Result<&'static Family, FamilyError> {
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
    let other = |name: &str| FamilyError::NotYet {
        name: name.to_owned(),
        supported: supported(),
    };
    if let Some(found) = named.iter().find_map(|name| known(name)) {
        let family = found.map_err(other)?;
        return match others::disguised(family.name, config, called) {
            Some(name) => Err(other(name)),
            None => Ok(family),
        };
    }
    let supported = supported();
    if let Some(name) = named.iter().find(|name| others::is_autoregressive(name)) {
        let name = (*name).to_owned();
        return Err(FamilyError::Autoregressive { name, supported });
    }
    Err(match named.last() {
        Some(&name) => FamilyError::Unknown {
            name: name.to_owned(),
            supported,
        },
        None => FamilyError::Unnamed { supported },
    })
}

/// What llama.cpp calls the networks of ours.
const GGUF: [(&str, &Family); 3] = [
    ("llada", &LLADA),
    ("llada-moe", &LLADA_MOE),
    ("dream", &DREAM),
];

/// The family of a GGUF file, by its `general.architecture` and its `general.name`.
///
/// # Errors
/// As of [`detect`].
pub fn detect_gguf(architecture: &str, called: &str) -> Result<&'static Family, FamilyError> {
    let not_yet = |name: &str| FamilyError::NotYet {
        name: name.to_owned(),
        supported: supported(),
    };
    if let Some((_, family)) = GGUF.iter().find(|(name, _)| *name == architecture) {
        let disguised = others::disguised(family.name, &Value::Null, called);
        return disguised.map_or(Ok(*family), |name| Err(not_yet(name)));
    }
    if let Some(family) = FAMILIES.iter().find(|it| is_called(it, architecture)) {
        let read = GGUF.map(|(_, family)| family.title).join(", ");
        return Err(FamilyError::NotAsGguf {
            name: family.title,
            read,
        });
    }
    let (name, supported) = (architecture.to_owned(), supported());
    Err(match others::named(architecture) {
        Some(name) => not_yet(name),
        None if others::is_autoregressive(architecture) => {
            FamilyError::Autoregressive { name, supported }
        }
        None => FamilyError::Unknown { name, supported },
    })
}

/// True if `name` is what the family is called in some file, whatever parts its words.
fn is_called(family: &Family, name: &str) -> bool {
    let mut names = family.model_types.iter().chain([&family.name]);
    names.any(|own| others::plain(own) == others::plain(name))
}

/// The family that an architecture or a `model_type` names, or the name of a known one that is not ours.
fn known(name: &str) -> Option<Result<&'static Family, &'static str>> {
    let is_it = |family: &&&Family| {
        family.architectures.contains(&name) || family.model_types.contains(&name)
    };
    match FAMILIES.iter().find(is_it) {
        Some(family) => Some(Ok(family)),
        None => others::named(name).map(Err),
    }
}

fn supported() -> String {
    let names: Vec<&str> = FAMILIES.iter().map(|family| family.title).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RUNS: &str = "LLaDA, iLLaDA, LLaDA-MoE, LLaDA2, Dream, SDAR, Fast-dLLM v2";

    #[track_caller]
    fn check_called(config: &Value, called: &str, expected: Result<&str, &str>) {
        let got = detect(config, called)
            .map(|family| family.name)
            .map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[track_caller]
    fn check(config: &Value, expected: Result<&str, &str>) {
        check_called(config, "", expected);
    }

    fn not_run(name: &str) -> String {
        format!(
            "it is a model of the family {name}, which this version does not run; it runs {RUNS}"
        )
    }

    #[track_caller]
    fn check_not_run(config: &Value, name: &str) {
        check(config, Err(&not_run(name)));
    }

    #[test]
    fn families_are_known_by_architecture_or_type() {
        let names = [
            ("llada", "llada"),
            ("LLaDAModelLM", "llada"),
            ("illada", "illada"),
            ("ILLaDAForCausalLM", "illada"),
            ("lladamoe", "llada_moe"),
            ("LLaDAMoEModelLM", "llada_moe"),
            ("llada2_moe", "llada2"),
            ("LLaDA2MoeModelLM", "llada2"),
            ("Dream", "dream"),
            ("DreamModel", "dream"),
            ("sdar", "sdar"),
            ("SDARForCausalLM", "sdar"),
            ("Fast_dLLM_Qwen", "fast_dllm_v2"),
            ("Fast_dLLM_QwenForCausalLM", "fast_dllm_v2"),
        ];
        for (string, name) in names {
            check(&json!({"model_type": string}), Ok(name));
            check(&json!({"architectures": [string]}), Ok(name));
        }
        let own = json!({"model_type": "llada", "architectures": ["TunedLLaDA"]});
        check(&own, Ok("llada"));
    }

    #[test]
    fn an_architecture_counts_before_a_type_that_others_share() {
        let named = |name: &str| json!({"model_type": "llada", "architectures": [name]});
        check(&named("LLaDAMoEModelLM"), Ok("llada_moe"));
        check_not_run(&named("LLaDAMoEModel"), "LLaDA-MoE of another architecture");
        check_not_run(&named("LLaDAForMultiModalGeneration"), "Lumina-DiMOO");
        check_not_run(&named("LlavaLLaDAModelLM"), "LLaDA-V");
        check_not_run(&named("MMadaModelLM"), "MMaDA");
        let vision =
            json!({"model_type": "sdar", "architectures": ["SDARVLForConditionalGeneration"]});
        check_not_run(&vision, "SDAR-VL");
    }

    #[test]
    fn families_that_are_not_run_are_named_by_all_their_strings() {
        let names = [
            ("llava_llada", "LLaDA-V"),
            ("llada22_moe", "LLaDA2.2"),
            ("mmada", "MMaDA"),
            ("sdar_moe", "SDAR-MoE (SDAR-30B-A3B)"),
            ("sdar_vl", "SDAR-VL"),
            ("wedlm", "WeDLM"),
            ("rnd1", "RND1"),
            ("diffusion_gemma", "DiffusionGemma"),
            ("DiffusionGemmaForBlockDiffusion", "DiffusionGemma"),
            ("nemotron_labs_diffusion", "Nemotron-Labs-Diffusion"),
            ("a2d-qwen3", "A2D"),
            ("a2d-llama", "A2D"),
            ("mdlm", "MDLM"),
            ("bd3lm", "BD3LM"),
        ];
        for (string, name) in names {
            check_not_run(&json!({"model_type": string}), name);
            check_not_run(&json!({"architectures": [string]}), name);
        }
    }

    /// Both strings of the published files of each that the list of what is not run names, where they are known.
    #[test]
    fn what_is_not_run_is_named_by_its_published_strings_together() {
        for (model_type, architecture, name) in [
            (
                "diffusion_gemma",
                "DiffusionGemmaForBlockDiffusion",
                "DiffusionGemma",
            ),
            (
                "nemotron_labs_diffusion",
                "NemotronLabsDiffusionForCausalLM",
                "Nemotron-Labs-Diffusion",
            ),
            ("wedlm", "WeDLMForCausalLM", "WeDLM"),
            ("rnd1", "RND1LM", "RND1"),
            ("llada22_moe", "LLaDA22MoeModelLM", "LLaDA2.2"),
            ("llada2_moe", "LLaDA22MoeModelLM", "LLaDA2.2"),
            ("mmada", "MMadaModelLM", "MMaDA"),
            ("llava_llada", "LlavaLLaDAModelLM", "LLaDA-V"),
            ("sdar_vl", "SDARVLForConditionalGeneration", "SDAR-VL"),
            ("sdar_moe", "SDARMoeForCausalLM", "SDAR-MoE (SDAR-30B-A3B)"),
            ("a2d-qwen2", "A2DQwen2LMHeadModel", "A2D"),
            ("a2d-qwen3", "A2DQwen3LMHeadModel", "A2D"),
            ("mdlm", "MDLM", "MDLM"),
            ("bd3lm", "BD3LM", "BD3LM"),
        ] {
            let both = json!({"model_type": model_type, "architectures": [architecture]});
            check_not_run(&both, name);
        }
    }

    #[test]
    fn what_a_gguf_file_holds_is_run_or_named() {
        let check = |architecture: &str, called: &str, expected: Result<&str, &str>| {
            let got = detect_gguf(architecture, called).map(|family| family.name);
            let got = got.map_err(|error| error.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), expected);
        };
        for (architecture, name) in [
            ("llada", "llada"),
            ("llada-moe", "llada_moe"),
            ("dream", "dream"),
        ] {
            check(architecture, "Some Model", Ok(name));
        }
        check("dream", "DreamOn v0 7B", Err(&not_run("DreamOn")));
        for (architecture, name) in [
            ("rnd1", "RND1"),
            ("diffusion-gemma", "DiffusionGemma"),
            ("nemotron-labs-diffusion", "Nemotron-Labs-Diffusion"),
            ("wedlm", "WeDLM"),
            ("llada22-moe", "LLaDA2.2"),
            ("mmada", "MMaDA"),
            ("sdar-moe", "SDAR-MoE (SDAR-30B-A3B)"),
            ("a2d-qwen3", "A2D"),
            ("mdlm", "MDLM"),
            ("bd3lm", "BD3LM"),
        ] {
            check(architecture, "", Err(&not_run(name)));
        }
        for (architecture, name) in [
            ("llada2", "LLaDA2"),
            ("llada2-moe", "LLaDA2"),
            ("illada", "iLLaDA"),
            ("sdar", "SDAR"),
            ("fast-dllm-v2", "Fast-dLLM v2"),
            ("fast-dllm-qwen", "Fast-dLLM v2"),
        ] {
            let told = format!(
                "it is {name} in GGUF, of which only LLaDA, LLaDA-MoE, Dream are read; fetch the folder with its .safetensors files"
            );
            check(architecture, "", Err(&told));
        }
    }

    #[test]
    fn models_that_only_look_like_ours_are_told_apart() {
        let llada2 = json!({"model_type": "llada2_moe", "architectures": ["LLaDA2MoeModelLM"]});
        check_called(&llada2, "inclusionAI/LLaDA2.1-mini", Ok("llada2"));
        let refused = not_run("LLaDA2.2");
        check_called(&llada2, "inclusionAI/LLaDA2.2-mini", Err(&refused));
        let dream = json!({"model_type": "Dream", "architectures": ["DreamModel"]});
        let refused = not_run("DreamOn");
        check_called(&dream, "Dream-org/DreamOn-v0-7B", Err(&refused));
        check_called(&dream, "/models/DreamOn-v0-7B/", Err(&refused));
        check_called(&dream, "/home/dreamon/models/Dream-7B", Ok("dream"));
        check_called(&llada2, "/models/LLaDA2-2bit", Ok("llada2"));
        let llada = json!({"model_type": "llada"});
        check_called(&llada, "/home/dreamon/models/LLaDA-8B", Ok("llada"));
        check_called(&llada, "me/dreamon-llada", Ok("llada"));
        let by_key = json!({"architectures": ["DreamModel"], "expand_token_id": 151_667});
        check(&by_key, Err(&refused));
    }

    #[test]
    fn models_that_write_from_left_to_right_are_told_so() {
        for name in ["LlamaForCausalLM", "GPT2LMHeadModel", "qwen2"] {
            let told = format!(
                "`{name}` is an autoregressive model, which writes a token after the other and has no mask; this program \
                 runs masked diffusion models: {RUNS}"
            );
            check(&json!({"architectures": [name]}), Err(&told));
        }
    }

    #[test]
    fn other_models_are_told_what_is_run() {
        check(
            &json!({"model_type": "bert", "architectures": ["BertModel"]}),
            Err(&format!(
                "`bert` is no masked diffusion family that this version knows; it runs {RUNS}"
            )),
        );
        check(
            &json!({}),
            Err(&format!(
                "neither `model_type` nor `architectures` says which family it is; this version runs {RUNS}"
            )),
        );
    }

    #[test]
    fn blocks_are_as_long_as_the_file_says() {
        use unmask_api::Attention;
        let attention = |config: &Value, called: &str| {
            detect(config, called).and_then(|it| it.attention(config, called))
        };
        let blocks = |length: u32| Ok(Attention::BlockCausal(length.try_into().expect("not 0")));
        assert_eq!(
            attention(&json!({"model_type": "llada"}), ""),
            Ok(Attention::Bidirectional)
        );
        let sdar = json!({"model_type": "sdar"});
        assert_eq!(attention(&sdar, "JetLM/SDAR-4B-Chat"), blocks(4));
        assert_eq!(attention(&sdar, "JetLM/SDAR-4B-Chat-b32"), blocks(32));
        assert_eq!(attention(&sdar, "/models-b8/SDAR-b16-int8"), blocks(16));
        assert_eq!(attention(&sdar, "/models/SDAR-b0-bf16"), blocks(4));
        let is_noted = |config: &Value, called: &str| {
            let family = detect(config, called).expect("it is of a family");
            family.attention_note(config, called).is_some()
        };
        assert!(is_noted(&sdar, "JetLM/SDAR-4B-Chat"));
        assert!(!is_noted(&sdar, "JetLM/SDAR-4B-Chat-b4"));
        assert!(!is_noted(
            &json!({"model_type": "sdar", "block_size": 4}),
            ""
        ));
        assert!(!is_noted(&json!({"model_type": "llada2_moe"}), ""));
        assert_eq!(
            attention(&json!({"model_type": "sdar", "block_size": 16}), "SDAR-b32"),
            blocks(16)
        );
        assert_eq!(
            attention(&json!({"model_type": "Fast_dLLM_Qwen", "bd_size": 8}), ""),
            blocks(8)
        );
        let refused = attention(&json!({"model_type": "sdar", "block_size": 0}), "");
        let told = "block_size is 0, not the length of a block; fetch the file again";
        assert_eq!(
            refused.map_err(|error| error.to_string()),
            Err(told.to_owned())
        );
    }
}
