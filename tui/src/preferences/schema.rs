use serde_json::{Map, Value, json};

use super::{TRACES, UI};

/// The JSON Schema of `config.toml`, for editors.
#[must_use]
pub fn schema() -> Value {
    let ui = UI.iter().map(|(key, _, may_be)| property(key, may_be));
    let traces = TRACES.iter().map(|(key, may_be)| property(key, may_be));
    let table = |properties: Map<String, Value>| json!({ "type": "object", "properties": properties, "additionalProperties": false });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.toml of unmask",
        "type": "object",
        "properties": {
            "ui": table(ui.collect()),
            "traces": table(traces.collect()),
            "keys": { "type": "object", "description": "Keys of the screen, by context." },
        },
        "additionalProperties": false,
    })
}

/// A key that may be what `may_be` says: one of single words, a truth, a number, or any text.
fn property(key: &str, may_be: &str) -> (String, Value) {
    let words: Vec<&str> = may_be.split(", ").flat_map(|it| it.split(" or ")).collect();
    let mut schema = match words.as_slice() {
        ["true", "false"] => json!({ "type": "boolean" }),
        _ if may_be.starts_with("a number") => json!({ "type": "integer", "minimum": 1 }),
        words if words.iter().all(|word| !word.contains(' ')) => json!({ "enum": words }),
        _ => json!({ "type": "string" }),
    };
    schema["description"] = json!(may_be);
    (key.to_owned(), schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_may_be_is_read_from_its_words() {
        let of = |may_be| property("key", may_be).1;
        assert_eq!(of("auto or never")["enum"], json!(["auto", "never"]));
        assert_eq!(
            of("off, bell or osc9")["enum"],
            json!(["off", "bell", "osc9"])
        );
        assert_eq!(of("true or false")["type"], "boolean");
        assert_eq!(of("a number from 1 to 8")["type"], "integer");
        assert_eq!(of("auto, dark, or the name of a file")["type"], "string");
    }

    #[test]
    fn every_key_of_the_commented_file_is_in_the_schema() {
        let schema = schema();
        let text = super::super::COMMENTED.lines().filter_map(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            line.split_once(" = ").map(|(key, _)| key.to_owned())
        });
        let keys: Vec<String> = text
            .filter(|key| UI.iter().any(|(ui, ..)| ui == key))
            .collect();
        assert!(!keys.is_empty(), "the file explains keys of [ui]");
        for key in keys {
            assert!(
                schema["properties"]["ui"]["properties"].get(&key).is_some(),
                "{key}"
            );
        }
    }
}
