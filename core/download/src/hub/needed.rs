use super::HubFile;

/// Small files that say what a model is and how its text is read.
const NAMES: [&str; 11] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "adapter_config.json",
];
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// What of a repository this program reads: the small files, and the weights once, as safetensors. Never code, pickles, other
/// formats, or copies in folders.
#[must_use]
pub fn needed(files: &[HubFile]) -> Vec<HubFile> {
    let has = |name: &str| files.iter().any(|it| it.path == name);
    let single = has(SINGLE);
    let is_needed = |file: &&HubFile| {
        let path = file.path.as_str();
        match path {
            _ if NAMES.contains(&path) => true,
            SINGLE => true,
            // As with Hugging Face an index beside a single file is one that was left over.
            INDEX => !single,
            _ if path.contains('/') => false,
            _ => path.ends_with(".safetensors") && (!single || path.starts_with("adapter_")),
        }
    };
    files.iter().filter(is_needed).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContentHash;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let file = |name: &&str| HubFile {
            path: (*name).to_owned(),
            bytes: 1,
            hash: ContentHash::Sha256(String::new()),
        };
        let files: Vec<HubFile> = names.iter().map(file).collect();
        let got = needed(&files);
        let got: Vec<&str> = got.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn weights_come_once_and_code_never() {
        check(
            &[
                "README.md",
                "config.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "modeling_llada.py",
                "onnx/model.onnx",
                "original/model.safetensors",
                "pytorch_model.bin",
                "tokenizer.json",
            ],
            &[
                "config.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "tokenizer.json",
            ],
        );
        check(
            &[
                "model-00001-of-00001.safetensors",
                "model.safetensors",
                "model.safetensors.index.json",
            ],
            &["model.safetensors"],
        );
        check(&["model.gguf", "LICENSE"], &[]);
        // An adapter, of a folder of its own or beside a model.
        let adapter = ["adapter_config.json", "adapter_model.safetensors"];
        check(&[adapter[0], adapter[1], "README.md"], &adapter);
        check(
            &[adapter[0], adapter[1], "config.json", "model.safetensors"],
            &[adapter[0], adapter[1], "config.json", "model.safetensors"],
        );
    }
}
