//! What a server tells of an answer.

use serde_json::Value;

/// What a server tells of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Every step, with tokens: `unmask serve`.
    Unmask,
    /// The whole text as it stands, now and then.
    Frames,
    /// Text that does not change any more.
    Plain,
}

/// What `/v1/models` says of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ListedModel {
    /// It is listed.
    pub(crate) is_listed: bool,
    /// It is told of in the words of `unmask serve`.
    pub(crate) is_ours: bool,
    /// Positions of its context, where that is said.
    pub(crate) context: Option<u32>,
}

impl ListedModel {
    /// The richest that is known to be spoken. Frames are told apart from plain text only as they come, so both are read as
    /// one.
    pub(crate) fn dialect(self) -> Dialect {
        match self.is_ours {
            true => Dialect::Unmask,
            false => Dialect::Frames,
        }
    }
}

/// What a list of models says of this one.
pub(crate) fn served(models: &Value, model: &str) -> ListedModel {
    let list = models["data"].as_array().map_or(&[][..], Vec::as_slice);
    let own = list.iter().find(|it| it["id"] == model);
    // vLLM and SGLang say `max_model_len`, llama-server `meta.n_ctx_train`.
    let context = own.and_then(|it| {
        let said = [
            &it["max_model_len"],
            &it["unmask"]["context"],
            &it["meta"]["n_ctx_train"],
        ];
        said.into_iter().find_map(Value::as_u64)
    });
    ListedModel {
        is_listed: own.is_some(),
        is_ours: list.iter().any(|it| it["unmask"].is_object()),
        context: context.and_then(|it| u32::try_from(it).ok()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_of_models_tells_whose_server_it_is() {
        let ours = json!({"data": [{"id": "demo", "owned_by": "unmask", "unmask": {"name": "demo", "context": 512}}]});
        let vllm = json!({"object": "list", "data": [{"id": "GSAI-ML/LLaDA-8B", "owned_by": "vllm", "max_model_len": 4096}]});
        let llama = json!({"models": [], "data": [{"id": "a.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 2048}}]});
        for (models, model, is_listed, dialect, context) in [
            (&ours, "demo", true, Dialect::Unmask, Some(512)),
            (&ours, "other", false, Dialect::Unmask, None),
            (&vllm, "GSAI-ML/LLaDA-8B", true, Dialect::Frames, Some(4096)),
            (&llama, "a.gguf", true, Dialect::Frames, Some(2048)),
            (&json!({}), "a", false, Dialect::Frames, None),
            (&json!({"data": "no"}), "a", false, Dialect::Frames, None),
        ] {
            let found = served(models, model);
            let got = (found.is_listed, found.dialect(), found.context);
            assert_eq!(got, (is_listed, dialect, context), "{models}");
        }
    }
}
