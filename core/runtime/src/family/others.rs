//! Models that are known by name and are none of ours.

/// How the names of architectures and model types begin, in lower case without `-`, `_` and `.`; the first that fits counts.
const NAMES: &[(&str, &str)] = &[
    ("llada22", "LLaDA2.2"),
    ("lladaformultimodal", "Lumina-DiMOO"),
    ("lladavlm", "LLaDA-V"),
    ("lladav", "LLaDA-V"),
    ("llavallada", "LLaDA-V"),
    ("lladao", "LLaDA-o"),
    ("llada2uni", "LLaDA2.0-Uni"),
    ("lladamoe", "LLaDA-MoE of another architecture"),
    ("llada2", "LLaDA2 of another architecture"),
    ("mmada", "MMaDA"),
    ("dreamvl", "Dream-VL"),
    ("dreamon", "DreamOn"),
    ("dream", "Dream of another architecture"),
    ("dimple", "Dimple"),
    ("sdarvl", "SDAR-VL"),
    ("sdarmoe", "SDAR-MoE (SDAR-30B-A3B)"),
    ("sdar", "SDAR of another architecture"),
    ("stablediffcoder", "Stable-DiffCoder"),
    ("fastdllm", "Fast-dLLM of another architecture"),
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
    ("diffullama", "DiffuLLaMA"),
    ("udlm", "UDLM"),
    ("gidd", "GIDD"),
];

/// What a checkpoint's own name may hold, in lower case, of models that have the architecture of a family of ours, and other
/// rules; the family first.
const CALLED: &[(&str, &str, &str)] = &[
    ("llada2", "llada2.2", "LLaDA2.2"),
    ("llada2", "llada2_2", "LLaDA2.2"),
    ("dream", "dreamon", "DreamOn"),
];

/// Keys of `config.json` that only such models have.
const KEYS: &[(&str, &str, &str)] = &[("dream", "expand_token_id", "DreamOn")];

/// How architectures of language models end that write from left to right.
const AUTOREGRESSIVE: &[&str] = &["ForCausalLM", "LMHeadModel", "ForConditionalGeneration"];

/// And their model types.
const AUTOREGRESSIVE_TYPES: &[&str] = &[
    "llama", "mistral", "mixtral", "qwen2", "qwen3", "gemma", "gpt", "phi", "falcon", "bloom",
    "opt", "mpt", "olmo", "deepseek", "glm", "cohere", "granite", "smollm", "bailing", "mamba",
];

/// Its name for people, if an architecture or model type names one.
pub(super) fn named(name: &str) -> Option<&'static str> {
    let plain = plain(name);
    let found = NAMES.iter().find(|(known, _)| plain.starts_with(known));
    found.map(|(_, name)| *name)
}

/// Its name for people, if what a checkpoint is `called` tells that it only looks like the family named `family`, or a key
/// does.
pub(super) fn disguised(
    family: &str,
    config: &serde_json::Value,
    called: &str,
) -> Option<&'static str> {
    let said = config["_name_or_path"].as_str().unwrap_or_default();
    let names = [called, said].map(|it| own_name(it).to_lowercase());
    let holds = |part: &str| names.iter().any(|name| holds_word(name, part));
    let by_name = (CALLED.iter()).find(|(of, part, _)| *of == family && holds(part));
    let by_key = || (KEYS.iter()).find(|(of, key, _)| *of == family && config[*key].is_u64());
    by_name.or_else(by_key).map(|(.., name)| *name)
}

/// The last part of a path or of a hub id, without its revision.
pub(super) fn own_name(called: &str) -> &str {
    let parts = called.split(['/', '\\']);
    let last = parts
        .rev()
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    last.split('@').next().unwrap_or_default()
}

/// True if `word` stands in `name` with neither letter nor digit beside it.
fn holds_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let behind = name[at + word.len()..].chars().next();
        ![before, behind]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric)
    })
}

/// True for an architecture or model type of models that write from left to right.
pub(super) fn is_autoregressive(name: &str) -> bool {
    let plain = plain(name);
    AUTOREGRESSIVE.iter().any(|end| name.ends_with(end))
        || AUTOREGRESSIVE_TYPES
            .iter()
            .any(|known| plain.starts_with(known))
}

/// In lower case, without what parts words.
pub(super) fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', '_', '.'], "")
}
