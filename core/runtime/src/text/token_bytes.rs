//! The bytes that one token stands for, as the tokenizer's decoder would make them.

use tokenizers::DecoderWrapper;

/// Knows how a decoder spells bytes.
pub(super) struct TokenBytes {
    byte_level: bool,
    byte_fallback: bool,
    /// What stands for a blank, such as `▁`.
    blank: Option<char>,
    /// Byte of each character below U+0144, as GPT-2's byte-level alphabet has it.
    alphabet: Vec<Option<u8>>,
}

impl TokenBytes {
    pub(super) fn of(decoder: Option<&DecoderWrapper>) -> Self {
        let mut this = Self {
            byte_level: false,
            byte_fallback: false,
            blank: None,
            alphabet: alphabet(),
        };
        if let Some(decoder) = decoder {
            this.note(decoder);
        }
        this
    }

    /// The bytes of a token. A decoder that treats the first token of a text apart is ignored in that.
    pub(super) fn bytes(&self, token: &str) -> Vec<u8> {
        if self.byte_level {
            let bytes: Option<Vec<u8>> = token.chars().map(|c| self.byte_level(c)).collect();
            // As the decoder does: what is not in the alphabet is text.
            return bytes.unwrap_or_else(|| token.as_bytes().to_vec());
        }
        if self.byte_fallback
            && let Some(byte) = fallback(token)
        {
            return vec![byte];
        }
        match self.blank {
            Some(blank) => token.replace(blank, " ").into_bytes(),
            None => token.as_bytes().to_vec(),
        }
    }

    fn note(&mut self, decoder: &DecoderWrapper) {
        match decoder {
            DecoderWrapper::ByteLevel(_) => self.byte_level = true,
            DecoderWrapper::ByteFallback(_) => self.byte_fallback = true,
            DecoderWrapper::Metaspace(metaspace) => {
                self.blank = Some(metaspace.get_replacement());
            }
            // The only replacement in use is that of `▁`; its fields are private.
            DecoderWrapper::Replace(_) => self.blank = Some('\u{2581}'),
            DecoderWrapper::Sequence(sequence) => {
                sequence
                    .get_decoders()
                    .iter()
                    .for_each(|inner| self.note(inner));
            }
            _ => (),
        }
    }

    fn byte_level(&self, c: char) -> Option<u8> {
        self.alphabet.get(c as usize).copied().flatten()
    }
}

/// `<0x0A>` and the like.
fn fallback(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// GPT-2's `bytes_to_unicode`, turned round: printable bytes are themselves, the others follow from U+0100 on.
fn alphabet() -> Vec<Option<u8>> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut table: Vec<Option<u8>> = (0..=u8::MAX)
        .map(|byte| printable(byte).then_some(byte))
        .collect();
    table.extend((0..=u8::MAX).filter(|&byte| !printable(byte)).map(Some));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(decoder: &str, token: &str, bytes: &[u8]) {
        let decoder: DecoderWrapper = serde_json::from_str(decoder).expect("the decoder is valid");
        assert_eq!(
            TokenBytes::of(Some(&decoder)).bytes(token),
            bytes,
            "{token}"
        );
    }

    #[test]
    fn byte_level_tokens_are_spelt_in_their_alphabet() {
        let decoder =
            r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#;
        check(decoder, "Ġhi", b" hi");
        check(decoder, "Ċ", b"\n");
        check(decoder, "ðŁ", &[0xF0, 0x9F]);
        check(decoder, "日", "日".as_bytes());
    }

    #[test]
    fn byte_fallback_tokens_are_bytes_and_metaspaces_are_blanks() {
        let decoder = r#"{"type":"Sequence","decoders":[
            {"type":"Replace","pattern":{"String":"▁"},"content":" "},
            {"type":"ByteFallback"},{"type":"Fuse"}]}"#;
        check(decoder, "<0xE6>", &[0xE6]);
        check(decoder, "▁hi", b" hi");
        check(decoder, "<0xZZ>", b"<0xZZ>");
        let metaspace =
            r#"{"type":"Metaspace","replacement":"_","prepend_scheme":"always","split":true}"#;
        check(metaspace, "_hi", b" hi");
    }
}
