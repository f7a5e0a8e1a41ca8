//! Answers as other servers stream them, by the shapes that they have: written for these tests.

/// vLLM: roles first, the usage in a chunk of its own.
pub(crate) const VLLM: &str = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Grüße aus"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" Zürich 🏔"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"total_tokens":10,"completion_tokens":7}}

data: [DONE]

"#;

/// SGLang: a block at a time, with what it thought besides; lines end in CRLF behind some proxies.
pub(crate) const SGLANG: &str = "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":null,\"tool_calls\":null},\"logprobs\":null,\"finish_reason\":null,\"matched_stop\":null}],\"usage\":null}\r\n\r\ndata: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":null,\"content\":\"Grüße aus Zürich 🏔\",\"reasoning_content\":null},\"finish_reason\":null}],\"usage\":null}\r\n\r\ndata: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":null},\"finish_reason\":\"stop\",\"matched_stop\":126081}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":7}}\r\n\r\ndata: [DONE]\r\n\r\n";

/// llama-server: comments while it thinks, times in the last chunk.
pub(crate) const LLAMA: &str = r#": 

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1,"id":"chatcmpl-2","model":"m","system_fingerprint":"b1","object":"chat.completion.chunk"}

: 

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Grüße aus"}}],"created":1,"id":"chatcmpl-2","model":"m","object":"chat.completion.chunk"}

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" Zürich 🏔"}}],"created":1,"id":"chatcmpl-2","model":"m","object":"chat.completion.chunk"}

data: {"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"created":1,"id":"chatcmpl-2","model":"m","object":"chat.completion.chunk","usage":{"completion_tokens":7,"prompt_tokens":3,"total_tokens":10},"timings":{"prompt_n":3,"prompt_ms":1.0,"predicted_n":7,"predicted_ms":2.0}}

data: [DONE]

"#;

/// unsloth: a chunk without choices first, then frames between the deltas.
pub(crate) const UNSLOTH: &str = r#"data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[]}

data: {"type":"diffusion_frame","block":0,"step":1,"total":4,"text":"Gr██e in"}

data: {"type":"diffusion_frame","block":0,"step":3,"total":4,"text":"Grüße aus"}

data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"Grüße aus"},"finish_reason":null}]}

data: {"type":"diffusion_frame","block":1,"step":1,"total":4,"text":" Zürich, und"}

data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":" Zürich 🏔"},"finish_reason":null}]}

data: {"id":"x","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"completion_tokens":7}}

data: [DONE]

"#;
