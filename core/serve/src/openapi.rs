//! What can be asked, as an OpenAPI document: written from the tables that requests are read by where there are such.

mod answers;

use axum::Json;
use serde_json::{Map, Value, json};
use unmask_core::settings::{Bounds, Definition, Domain, TABLE};

/// `GET /unmask/v1/openapi.json`
pub(crate) async fn openapi() -> Json<Value> {
    Json(document())
}

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "unmask",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Masked diffusion language models by OpenAI's API, with every step for those who ask.",
        },
        "security": [{"bearer": []}, {"x-api-key": []}, {}],
        "paths": {
            "/health": {"get": open(get("Whether the server is ready", reference("Health")))},
            "/v1/models": {"get": get("The models that are served", reference("ModelList"))},
            "/v1/models/{id}": {"get": by_id(get("One of them", reference("Model")))},
            "/v1/chat/completions": {"post": streamed(post("Answer a conversation", "ChatRequest", reference("Answer")))},
            "/v1/completions": {"post": streamed(post("Go on from a text, or fill a hole in it", "CompletionRequest", reference("Answer")))},
            "/v1/fim/completions": {"post": streamed(post("The same, told as chats are too", "CompletionRequest", reference("Answer")))},
            "/unmask/v1/tokenize": {"post": post("Text to tokens", "TokenizeRequest", reference("Tokens"))},
            "/unmask/v1/detokenize": {"post": post("Tokens to text", "DetokenizeRequest", reference("Text"))},
            "/unmask/v1/loglikelihood": {"post": streamed(post("How likely texts are", "LikelihoodRequest", reference("Likelihoods")))},
            "/unmask/v1/plan": {"post": post("What an answer would take", "PlanRequest", reference("Plan"))},
            "/unmask/v1/turns/{id}": {"post": by_id(post("Pause, resume or stop a running answer", "TurnRequest", reference("TurnHeard")))},
            "/unmask/v1/state": {"get": get("Models, loads, queue", reference("State"))},
            "/unmask/v1/vocabulary": {"get": get("What tokens stand for", reference("Vocabulary"))},
            "/unmask/v1/openapi.json": {"get": get("This document", json!({"type": "object"}))},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": schemas(),
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn get(summary: &str, answer: Value) -> Value {
    json!({"summary": summary, "responses": responses(answer)})
}

fn post(summary: &str, request: &str, answer: Value) -> Value {
    json!({
        "summary": summary,
        "requestBody": {"required": true, "content": {"application/json": {"schema": reference(request)}}},
        "responses": responses(answer),
    })
}

fn responses(answer: Value) -> Value {
    let error = json!({"description": "refused", "content": {"application/json": {"schema": reference("Error")}}});
    json!({
        "200": {"description": "answered", "content": {"application/json": {"schema": answer}}},
        "4XX": error,
        "5XX": error,
    })
}

/// Comes as events too, if the request says `stream`.
fn streamed(mut operation: Value) -> Value {
    // A schema would be one of an event, of which the last holds no object.
    let events = json!({"description": "lines of `data: ` and an object, then `data: [DONE]`"});
    operation["responses"]["200"]["content"]["text/event-stream"] = events;
    operation
}

/// Needs no key.
fn open(mut operation: Value) -> Value {
    operation["security"] = json!([]);
    operation
}

fn by_id(mut operation: Value) -> Value {
    operation["parameters"] =
        json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}]);
    operation
}

fn schemas() -> Value {
    let requests = requests();
    [answers::measures(), answers::states(), answers::answers()]
        .into_iter()
        .fold(requests, with)
}

fn requests() -> Value {
    let text_or_tokens = json!({"oneOf": [{"type": "string"}, tokens()]});
    json!({
        "Message": object(&["role"], json!({
            "role": {"enum": ["system", "developer", "user", "assistant"]},
            "content": {"oneOf": [{"type": "string"}, {"type": "null"}, {"type": "array", "items": {"type": "object"}}]},
        })),
        "ChatRequest": object(&["messages"], with(generation(), json!({
            "messages": messages(), "logprobs": {"type": ["boolean", "null"]}, "top_logprobs": count(0, Some(5)),
        }))),
        "CompletionRequest": object(&["prompt"], with(generation(), json!({
            "prompt": prompt(),
            "suffix": {"type": ["string", "null"]}, "echo": {"type": ["boolean", "null"]}, "logprobs": count(0, Some(5)),
        }))),
        "PlanRequest": object(&[], with(generation(), json!({
            "messages": messages(), "prompt": prompt(), "suffix": {"type": ["string", "null"]}, "length": length(),
        }))),
        "TokenizeRequest": object(&[], json!({
            "model": {"type": "string"}, "text": {"type": "string"}, "messages": messages(), "special": {"enum": ["parse", "plain"]},
        })),
        "DetokenizeRequest": object(&["tokens"], json!({
            "model": {"type": "string"}, "tokens": tokens(), "skip_special": {"type": "boolean"},
        })),
        "LikelihoodRequest": object(&["items"], json!({
            "model": {"type": "string"},
            "items": {"type": "array", "minItems": 1, "maxItems": 64, "items": object(&["context", "continuation"], json!({
                "context": text_or_tokens, "continuation": text_or_tokens,
            }))},
            "samples": {"oneOf": [{"type": "integer", "minimum": 1}, {"enum": ["exact", "auto"]}]},
            "strata": {"type": "integer", "minimum": 1}, "cfg_scale": {"type": "number", "minimum": 0},
            "rule": {"enum": ["reference", "uniform"]}, "pairing": {"enum": ["same_length", "independent"]},
            "seed": {"type": "integer", "minimum": 0}, "greedy": {"type": "boolean"}, "bos": {"type": "boolean"},
            "stream": {"type": "boolean"},
        })),
        "TurnRequest": object(&["do"], json!({"do": {"enum": ["pause", "resume", "stop"]}})),
        "Unmask": {"type": ["object", "null"], "additionalProperties": false, "properties": with(settings(), json!({
            "stream": {"enum": ["text", "steps"]}, "top": count(0, Some(5)), "pins": {"type": "string"},
            "parts": {"type": "array", "items": {"oneOf": [
                object(&["text"], json!({"text": {"type": "string"}})),
                object(&["tokens"], json!({"tokens": tokens()})),
                object(&["hole"], json!({"hole": {"oneOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}})),
            ]}},
            "canvas": object(&["tokens", "answer_start"], json!({
                "tokens": tokens(), "answer_start": count(0, None), "padding": count(0, None), "infill": {"type": "boolean"},
                "given": {"type": "array", "items": {"type": "array", "items": count(0, None), "minItems": 2, "maxItems": 2}},
            })),
            "overflow": {"enum": ["refuse", "drop_oldest"]}, "strict": {"type": "boolean"}, "alone": {"type": "boolean"},
            "speed": {"enum": ["quality", "balanced", "fast", "turbo"]},
        }))},
    })
}

/// What all requests for answers may say.
fn generation() -> Value {
    json!({
        "model": {"type": "string"}, "max_tokens": count(1, None), "max_completion_tokens": count(1, None),
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2}, "seed": {"type": ["integer", "null"]},
        "stop": {"oneOf": [{"type": "string"}, {"type": "null"}, {"type": "array", "items": {"type": "string"}, "maxItems": 64}]},
        "n": count(1, Some(8)), "stream": {"type": ["boolean", "null"]},
        "stream_options": {"type": ["object", "null"]}, "unmask": reference("Unmask"),
    })
}

/// The table of settings.
fn settings() -> Value {
    let row = |it: &Definition| {
        let mut schema = domain(it.domain);
        schema["description"] = it.help.into();
        (it.key.to_owned(), schema)
    };
    Value::Object(TABLE.iter().map(row).collect())
}

fn domain(domain: Domain) -> Value {
    let bounded = |bounds: Bounds| {
        let mut schema = json!({"type": ["number", "null"]});
        let least = if bounds.has_least {
            "minimum"
        } else {
            "exclusiveMinimum"
        };
        schema[least] = bounds.least.into();
        if bounds.most.is_finite() {
            schema["maximum"] = bounds.most.into();
        }
        schema
    };
    match domain {
        Domain::Count(unmask_core::settings::Counted::Answer) => length(),
        Domain::Count(_) => count(1, None),
        Domain::Number(bounds) | Domain::Optional(bounds) => bounded(bounds),
        Domain::Switch => json!({"type": ["boolean", "null"]}),
        Domain::Choice(words) => {
            json!({"enum": words.iter().map(|it| it.word).collect::<Vec<_>>()})
        }
        Domain::Seed => json!({"type": ["integer", "null"], "minimum": 0}),
    }
}

/// A text, tokens, or some of them.
fn prompt() -> Value {
    json!({"oneOf": [
        {"type": "string"}, tokens(), {"type": "array", "items": {"type": "string"}, "maxItems": 16},
        {"type": "array", "items": tokens(), "maxItems": 16},
    ]})
}

fn length() -> Value {
    json!({"oneOf": [count(1, None), {"const": "auto"}]})
}

fn messages() -> Value {
    json!({"type": "array", "items": reference("Message"), "minItems": 1})
}

fn tokens() -> Value {
    json!({"type": "array", "items": whole()})
}

fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn count(least: u32, most: Option<u32>) -> Value {
    let mut schema = json!({"type": ["integer", "null"], "minimum": least});
    if let Some(most) = most {
        schema["maximum"] = most.into();
    }
    schema
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

fn with(mut properties: Value, more: Value) -> Value {
    let more: Map<String, Value> = more.as_object().cloned().unwrap_or_default();
    if let Some(all) = properties.as_object_mut() {
        all.extend(more);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;
    use crate::unmask_member::{MEMBERS, UnmaskMember};

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let text = document.to_string();
        let schemas = &document["components"]["schemas"];
        let references = text.split("#/components/schemas/").skip(1);
        let names: Vec<&str> = references.filter_map(|it| it.split('"').next()).collect();
        assert!(names.len() > 10);
        for name in names {
            assert!(schemas[name].is_object(), "{name}");
        }
    }

    #[test]
    fn the_member_unmask_is_described_as_it_is_read() {
        let document = document();
        let properties = document["components"]["schemas"]["Unmask"]["properties"].as_object();
        let properties = properties.expect("they are listed");
        assert_eq!(properties.len(), MEMBERS.len() + TABLE.len());
        for name in properties.keys() {
            let body = json!({"unmask": {name: null}}).to_string();
            let mut fields = Fields::parse(body.as_bytes()).expect("it is an object");
            assert!(UnmaskMember::take(&mut fields).is_ok(), "{name}");
        }
    }
}
