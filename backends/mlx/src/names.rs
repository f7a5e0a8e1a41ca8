//! How a folder names its tensors: as the reference does, or as MLX's own converter.

use unmask_sdk::llada::tensor_name;
use unmask_sdk::weights::Weights;

/// Translates the reference's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Names {
    /// `model.transformer.blocks.0.q_proj.weight`
    Reference,
    /// `model.layers.0.q_proj.weight`, as `mlx-lm` writes them.
    Converted {
        /// In front of `layers`, `embed_tokens` and `norm`: `model.` or `model.model.`.
        prefix: String,
        /// The head, without the point: `model.lm_head` or `lm_head`.
        head: String,
    },
}

impl Names {
    /// Those of this checkpoint; the reference's if it has neither.
    pub(crate) fn of(weights: &Weights) -> Self {
        Self::among(&weights.names().collect::<Vec<_>>())
    }

    fn among(names: &[&str]) -> Self {
        let table = names
            .iter()
            .find_map(|name| name.strip_suffix("embed_tokens.weight"));
        let Some(prefix) = table else {
            return Self::Reference;
        };
        // The head lies beside the layers or one level above them.
        let outer = prefix.strip_suffix("model.").unwrap_or(prefix);
        let heads = [prefix, outer].map(|level| format!("{level}lm_head"));
        let is_there = |head: &&String| names.contains(&format!("{head}.weight").as_str());
        Self::Converted {
            prefix: prefix.to_owned(),
            head: heads.iter().find(is_there).unwrap_or(&heads[0]).clone(),
        }
    }

    /// What this folder calls the tensor that the reference calls `name`.
    pub(crate) fn spell(&self, name: &str) -> String {
        let Self::Converted { prefix, head } = self else {
            return name.to_owned();
        };
        let short = name.strip_prefix(&tensor_name("")).unwrap_or(name);
        match short.split_once('.') {
            Some(("blocks", rest)) => format!("{prefix}layers.{rest}"),
            Some(("wte", rest)) => format!("{prefix}embed_tokens.{rest}"),
            Some(("ln_f", rest)) => format!("{prefix}norm.{rest}"),
            Some(("ff_out", rest)) => format!("{head}.{rest}"),
            _ => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], reference: &str, spelt: &str) {
        assert_eq!(Names::among(names).spell(&tensor_name(reference)), spelt);
    }

    #[test]
    fn names_of_the_reference_stay() {
        let names = ["model.transformer.wte.weight"];
        check(&names, "ff_out.weight", "model.transformer.ff_out.weight");
    }

    #[test]
    fn names_of_the_converter_are_found_at_every_depth() {
        let flat = ["model.embed_tokens.weight", "model.lm_head.weight"];
        check(&flat, "wte.weight", "model.embed_tokens.weight");
        check(&flat, "ln_f.weight", "model.norm.weight");
        check(&flat, "ff_out.scales", "model.lm_head.scales");
        check(
            &flat,
            "blocks.3.ff_out.biases",
            "model.layers.3.ff_out.biases",
        );
        let beside = ["model.embed_tokens.weight", "lm_head.weight"];
        check(&beside, "ff_out.weight", "lm_head.weight");
        let deep = ["model.model.embed_tokens.weight", "model.lm_head.weight"];
        check(&deep, "ff_out.weight", "model.lm_head.weight");
        check(
            &deep,
            "blocks.0.q_proj.weight",
            "model.model.layers.0.q_proj.weight",
        );
    }
}
