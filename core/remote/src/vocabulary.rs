//! What a server's tokens are: `GET /unmask/v1/vocabulary`.

use serde::Deserialize;
use serde_json::Value;
use unmask_core::TokenId;
use unmask_core::family::SpecialIds;
use unmask_core::text::Vocabulary;
use unmask_core::wire::TokenText;

/// Ids that can be: a canvas of ids beyond them would be no canvas of this model.
const LARGEST: usize = 1 << 20;

/// A server's tokens.
#[derive(Debug)]
pub(crate) struct RemoteVocabulary {
    /// The model that has them.
    pub(crate) model: String,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) special: SpecialIds,
}

#[derive(Deserialize)]
struct VocabularyLine {
    model: String,
    pieces: Vec<Option<TokenText>>,
    special: SpecialLine,
}

#[derive(Deserialize)]
struct SpecialLine {
    mask: u32,
    eos: u32,
    eot: Option<u32>,
    bos: Option<u32>,
    ends: Vec<u32>,
}

impl RemoteVocabulary {
    /// # Errors
    /// What is not understood.
    pub(crate) fn of(said: Value) -> Result<Self, String> {
        let line: VocabularyLine =
            serde_json::from_value(said).map_err(|error| error.to_string())?;
        let count = line.pieces.len();
        if !(1..=LARGEST).contains(&count) {
            return Err(format!("it has {count} tokens"));
        }
        let SpecialLine {
            mask,
            eos,
            eot,
            bos,
            ends,
        } = line.special;
        let all = ends
            .iter()
            .copied()
            .chain([mask, eos])
            .chain(eot)
            .chain(bos);
        if let Some(beyond) = all.into_iter().find(|&id| id as usize >= count) {
            return Err(format!(
                "token {beyond} steers it, but it has {count} tokens"
            ));
        }
        let piece = |piece: &Option<TokenText>| -> (Vec<u8>, bool) {
            match piece {
                None => (Vec::new(), false),
                Some(TokenText::Text(text)) => (text.clone().into_bytes(), false),
                Some(TokenText::Bytes(bytes)) => (bytes.clone(), false),
                Some(TokenText::Special(name)) => (name.clone().into_bytes(), true),
            }
        };
        let pieces: Vec<(Vec<u8>, bool)> = line.pieces.iter().map(piece).collect();
        let other = |id: &u32| *id != eos && Some(*id) != eot;
        Ok(Self {
            model: line.model,
            vocabulary: Vocabulary::new(pieces.iter().map(|(bytes, special)| (&**bytes, *special))),
            special: SpecialIds {
                mask: TokenId(mask),
                eos: TokenId(eos),
                eot: eot.map(TokenId),
                other_ends: ends.into_iter().filter(other).map(TokenId).collect(),
                bos: bos.map(TokenId),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use unmask_core::text::Piece;

    use super::*;

    #[test]
    fn tokens_are_what_the_server_says() {
        let said = json!({"model": "demo", "sha256": "x", "pieces": [{"text": " a"}, {"bytes": [195]}, {"special": "<mask>"}, null, {"special": "<end>"}],
            "special": {"mask": 2, "eos": 4, "eot": null, "bos": null, "ends": [4, 0]}});
        let read = RemoteVocabulary::of(said).expect("it is one");
        let pieces: Vec<Piece<'_>> = (0..6)
            .map(|id| read.vocabulary.piece(TokenId(id)))
            .collect();
        assert_eq!(
            pieces,
            [
                Piece::Bytes(b" a"),
                Piece::Bytes(&[195]),
                Piece::Special("<mask>"),
                Piece::Unknown,
                Piece::Special("<end>"),
                Piece::Unknown
            ]
        );
        assert_eq!(read.special.other_ends, [TokenId(0)]);
    }

    #[test]
    fn what_is_no_vocabulary_is_refused() {
        let special = json!({"mask": 0, "eos": 0, "eot": null, "bos": null, "ends": []});
        assert!(
            RemoteVocabulary::of(json!({"model": "a", "pieces": [], "special": special})).is_err()
        );
        assert!(RemoteVocabulary::of(json!({"pieces": [null]})).is_err());
        let beyond = json!({"mask": 7, "eos": 0, "eot": null, "bos": null, "ends": []});
        let error =
            RemoteVocabulary::of(json!({"model": "a", "pieces": [null], "special": beyond}));
        assert!(error.is_err_and(|error| error.contains("token 7")));
    }
}
