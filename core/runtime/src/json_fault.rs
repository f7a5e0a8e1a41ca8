//! What is wrong with JSON, in words that go behind a place of ours.

/// What is wrong with JSON, for a place of ours before it: without serde_json's own line, which is 1 for every line of a file
/// that is read by itself.
#[must_use]
pub fn json_fault(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.rfind(" at line ").filter(|_| error.line() > 0) {
        Some(end) => format!("{} at column {}", &said[..end], error.column()),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use serde::de::Error as _;

    use super::*;

    #[test]
    fn a_fault_has_its_column_and_no_line() {
        let error = serde_json::from_str::<serde_json::Value>("[").expect_err("it is none");
        let fault = json_fault(&error);
        assert!(
            fault.ends_with(" at column 1") && !fault.contains("line"),
            "{fault}"
        );
        let placeless = serde_json::Error::custom("look at line 5");
        assert_eq!(json_fault(&placeless), "look at line 5");
    }
}
