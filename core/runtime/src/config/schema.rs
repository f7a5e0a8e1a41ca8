use serde_json::{Map, Value, json};

use crate::settings::{Bounds, Counted, Definition, Domain, TABLE};

/// The JSON Schema of `model_config.toml`: its keys, what each may be, and what it does, for editors.
#[must_use]
pub fn schema() -> Value {
    let text = || json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text() });
    let id = || json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let settings: Map<String, Value> = TABLE.iter().map(setting).collect();
    let mut entry = table(json!({
        "framework": { "type": "string", "description": "The backend; `unmask backends` lists them." },
        "model_id": { "type": "string", "description": "ORG/NAME of the hub, a folder, FILE.gguf, or builtin:demo." },
        "preset_of": { "type": "string", "description": "The model whose presets it takes; its own if left out." },
        "description": { "type": "string", "description": "A line for the list of models." },
        "device": { "type": "string", "description": "A device of the backend; its first if left out." },
        "precision": {
            "type": "string",
            "description": "As the device offers; if left out, the first recommended one that fits the free memory.",
        },
        "threads": { "type": "integer", "minimum": 1, "description": "All cores if left out." },
        "isolated": { "type": "boolean", "description": "The backend runs in a process of its own." },
        "generation": table(Value::Object(settings)),
        "tokens": table(json!({ "mask": id(), "eos": id(), "eot": id(), "bos": id() })),
        "options": { "type": "object", "description": "For the backend; see its documentation." },
    }));
    entry["required"] = json!(["framework", "model_id"]);
    let mut schema = table(json!({
        "active_model_key": { "type": "string", "description": "The model to start with." },
        "available_models": { "type": "object", "minProperties": 1, "additionalProperties": entry },
        "backend_paths": texts,
        "models_folder": text(),
        "serve": serve(),
    }));
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("model_config.toml of unmask");
    schema["required"] = json!(["active_model_key", "available_models"]);
    schema
}

/// `[serve]`.
fn serve() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let texts = |about: &str| json!({ "type": "array", "items": { "type": "string" }, "description": about });
    let count = |least: u32, about: &str| json!({ "type": "integer", "minimum": least, "description": about });
    table(json!({
        "host": text("The address to listen on."),
        "port": { "type": "integer", "minimum": 0, "maximum": u16::MAX, "description": "0 takes a free one." },
        "key_file": text("Lines of a name, a blank and a key of 24 characters or more."),
        "models": texts("Keys to answer with, or all; the active one if left out."),
        "parallel": count(1, "Turns that run at once; as many as a pass computes if left out."),
        "batch": {
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "auto" }],
            "description": "How many of them a pass computes; auto: 1 on a processor, else 8.",
        },
        "queue": count(0, "Requests that may wait."),
        "max_length": count(1, "Positions of an answer at most."),
        "keep_alive": text("How long an idle model stays loaded: 90s, 30m, 2h, or 0 for ever."),
        "allow_hosts": texts("Further names that it answers to."),
        "allow_origins": texts("Further pages that may ask it."),
        "page": { "type": "boolean", "description": "The page at /." },
        "aliases": {
            "type": "object",
            "additionalProperties": text("The key of the model."),
            "description": "What clients may call a model.",
        },
    }))
}

/// A table with these keys and no others.
fn table(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn setting(row: &Definition) -> (String, Value) {
    let mut schema = match row.domain {
        Domain::Count(Counted::Answer) => json!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "auto" }],
        }),
        Domain::Count(Counted::Block | Counted::Steps) => {
            json!({ "type": "integer", "minimum": 1 })
        }
        Domain::Number(bounds) => number(bounds),
        Domain::Optional(bounds) => json!({ "anyOf": [number(bounds), { "const": "off" }] }),
        Domain::Switch => json!({ "type": "boolean" }),
        Domain::Choice(words) => {
            json!({ "enum": words.iter().map(|it| it.word).collect::<Vec<_>>() })
        }
        Domain::Seed => json!({ "type": "integer", "minimum": 0 }),
    };
    schema["description"] = json!(row.about);
    (row.key.to_owned(), schema)
}

fn number(bounds: Bounds) -> Value {
    let kind = match bounds.digits {
        0 => "integer",
        _ => "number",
    };
    let mut schema = json!({ "type": kind });
    let least = match bounds.has_least {
        true => "minimum",
        false => "exclusiveMinimum",
    };
    schema[least] = json!(bounds.least);
    if bounds.most.is_finite() {
        schema["maximum"] = json!(bounds.most);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EMBEDDED;

    /// Every key of an object, with the objects below it.
    fn known<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
        (schema["properties"].get(key)).or_else(|| {
            schema
                .get("additionalProperties")
                .filter(|it| it.is_object())
        })
    }

    /// What the schema lacks of `table`.
    fn unknown(schema: &Value, table: &toml::Table, path: &str, found: &mut Vec<String>) {
        for (key, value) in table {
            let path = format!("{path}.{key}");
            match (known(schema, key), value) {
                (None, _) => found.push(path),
                (Some(inner), toml::Value::Table(table))
                    if inner["properties"].is_object()
                        || inner["additionalProperties"].is_object() =>
                {
                    unknown(inner, table, &path, found);
                }
                (Some(_), _) => (),
            }
        }
    }

    /// The file with every key that it explains in a comment brought to life.
    fn explained() -> String {
        let end = EMBEDDED
            .rfind("# ----")
            .expect("a line ends what is explained");
        let lines = EMBEDDED[..end].lines();
        let lines = lines.filter_map(|line| line.strip_prefix("# "));
        lines
            .filter(|line| line.starts_with('[') || line.contains(" = "))
            .map(|line| line.to_owned() + "\n")
            .collect()
    }

    #[test]
    fn every_key_of_the_shipped_file_and_of_its_comments_is_in_the_schema() {
        for text in [EMBEDDED.to_owned(), explained()] {
            let table: toml::Table = toml::from_str(&text).expect("it is TOML");
            assert!(table.contains_key("available_models"), "{text}");
            let mut found = Vec::new();
            unknown(&schema(), &table, "", &mut found);
            assert_eq!(found, Vec::<String>::new());
        }
    }

    #[test]
    fn every_key_of_an_entry_that_the_schema_has_is_explained_in_the_shipped_file() {
        let table: toml::Table = toml::from_str(&explained()).expect("it is TOML");
        let entry = &table["available_models"]["KEY"];
        let schema = schema();
        let entry_schema =
            &schema["properties"]["available_models"]["additionalProperties"]["properties"];
        let keys = |schema: &Value, table: &toml::Value| -> Vec<String> {
            let keys = schema.as_object().expect("properties").keys();
            keys.filter(|key| table.get(key.as_str()).is_none())
                .cloned()
                .collect()
        };
        assert_eq!(keys(entry_schema, entry), Vec::<String>::new());
        for part in ["generation", "tokens"] {
            let missing = keys(&entry_schema[part]["properties"], &entry[part]);
            assert_eq!(missing, Vec::<String>::new(), "{part}");
        }
    }

    #[test]
    fn a_whole_number_is_one_in_the_schema() {
        let entry = &schema()["properties"]["available_models"]["additionalProperties"];
        let top_k = &entry["properties"]["generation"]["properties"]["top_k"];
        let whole = json!({ "type": "integer", "minimum": 1.0 });
        assert_eq!(top_k["anyOf"][0], whole);
    }
}
