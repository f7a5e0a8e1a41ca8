//! What in a `tokenizer.json` would end the process or never end, and so cannot be contained once it runs.

use serde::Deserialize;
use serde_json::Value;

/// How many times as long as its text a normalised text may become.
const MOST_GROWTH: usize = 1000;
/// How often the counted parts of a pattern may be repeated altogether, as they are written out one by one.
const MOST_REPEATS: usize = 1_000_000;

/// The parts of a `tokenizer.json` that are neither vocabulary nor merges.
#[derive(Deserialize)]
struct Steps {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
}

/// Tests the steps around the model.
///
/// # Errors
/// What is wrong. A text that is not read at all is not looked into: the tokenizer's own reader says why.
pub(super) fn check(json: &[u8]) -> Result<(), String> {
    let Ok(steps) = serde_json::from_slice::<Steps>(json) else {
        return Ok(());
    };
    for step in [&steps.normalizer, &steps.pre_tokenizer, &steps.decoder] {
        let mut growth = 1_usize;
        check_step(step, &mut growth)?;
        if growth > MOST_GROWTH {
            return Err(format!(
                "its replacements make a text up to {growth} times as long, more than {MOST_GROWTH}"
            ));
        }
    }
    Ok(())
}

fn check_step(step: &Value, growth: &mut usize) -> Result<(), String> {
    match step {
        Value::Array(steps) => steps.iter().try_for_each(|step| check_step(step, growth)),
        Value::Object(fields) => {
            if let Some(pattern) = fields.get("Regex").and_then(Value::as_str) {
                check_pattern(pattern)?;
            }
            match fields.get("type").and_then(Value::as_str) {
                Some("Precompiled") => check_charsmap(&step["precompiled_charsmap"])?,
                Some("Replace") => *growth = growth.saturating_mul(replaced(step)),
                _ => (),
            }
            let mut inner = fields.values();
            inner.try_for_each(|field| check_step(field, growth))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// How many times as long as what it replaces the content of a `Replace` is; a pattern may match a single byte.
fn replaced(step: &Value) -> usize {
    let length = |text: &Value| text.as_str().map_or(0, str::len);
    let pattern = length(&step["pattern"]["String"]).max(1);
    length(&step["content"]).div_ceil(pattern).max(1)
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    let mut repeats = 1_usize;
    for part in pattern.split('{').skip(1) {
        let Some((counts, _)) = part.split_once('}') else {
            continue;
        };
        let counts = counts
            .split(',')
            .filter_map(|count| count.trim().parse().ok());
        repeats = repeats.saturating_mul(counts.max().unwrap_or(1).max(1));
    }
    match repeats > MOST_REPEATS {
        true => Err(format!(
            "a pattern repeats its parts {repeats} times, more than {MOST_REPEATS}"
        )),
        false => Ok(()),
    }
}

/// SentencePiece's map begins with the length of its first part, for which room is made before it is read.
fn check_charsmap(map: &Value) -> Result<(), String> {
    let text = map.as_str().unwrap_or_default().as_bytes();
    let Some(said) = text.first_chunk::<8>().and_then(first_number) else {
        return Ok(());
    };
    let length = text.len() / 4 * 3;
    match said as usize > length {
        true => Err(format!(
            "its precompiled_charsmap says that it has {said} bytes, but has at most {length}"
        )),
        false => Ok(()),
    }
}

/// The little-endian number in the first bytes of base64.
fn first_number(text: &[u8; 8]) -> Option<u32> {
    let mut bits = 0_u64;
    for &letter in text {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u64::from(six);
    }
    // 48 bits, the first four bytes on top.
    Some(u32::swap_bytes((bits >> 16) as u32))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_normalizer(normalizer: Value, expected: Result<(), &str>) {
        let json = json!({ "normalizer": normalizer }).to_string();
        let told = check(json.as_bytes());
        assert_eq!(
            told.as_ref().map(|&()| ()).map_err(String::as_str),
            expected
        );
    }

    #[test]
    fn replacements_may_not_multiply_a_text_without_end() {
        let replace = |from: &str, to: &str| json!({"type": "Replace", "pattern": {"String": from}, "content": to});
        let sequence = |steps: Vec<Value>| json!({"type": "Sequence", "normalizers": steps});
        check_normalizer(sequence(vec![replace(" ", "▁"); 3]), Ok(()));
        check_normalizer(sequence(vec![replace("``", "\""); 50]), Ok(()));
        check_normalizer(
            sequence(vec![replace("a", "aa"); 20]),
            Err("its replacements make a text up to 1048576 times as long, more than 1000"),
        );
    }

    #[test]
    fn a_pattern_may_not_be_written_out_without_end() {
        let split = |pattern: &str| json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": ""});
        check_normalizer(split(r"\p{N}{1,3}| {2,}|\p{L}+"), Ok(()));
        check_normalizer(
            split("(?=((a{1000}){1000}){1000})"),
            Err("a pattern repeats its parts 1000000000 times, more than 1000000"),
        );
    }

    #[test]
    fn a_charsmap_is_as_long_as_it_says() {
        let map = |text: &str| json!({"type": "Precompiled", "precompiled_charsmap": text});
        check_normalizer(map("BAAAAAAAAAA="), Ok(()));
        check_normalizer(
            map("/////wAAAAA="),
            Err("its precompiled_charsmap says that it has 4294967295 bytes, but has at most 9"),
        );
    }
}
