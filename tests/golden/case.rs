//! One reference case: its line of the index and its arrays.

use std::fs;
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use unmask_core::TokenId;
use unmask_core::api::Attention;
use unmask_core::family::SpecialIds;

/// What a check says of a case: nothing, or what differs first.
pub(crate) type Verdict = Result<(), String>;

/// A case of the set.
pub(crate) struct Case {
    /// Its line of `index.json`.
    pub(crate) json: Value,
    data: Option<Vec<u8>>,
}

/// An array, widened to float64.
pub(crate) struct Array {
    /// Its shape.
    pub(crate) shape: Vec<usize>,
    /// Its values, row-major.
    pub(crate) values: Vec<f64>,
    /// True if it was stored as bfloat16.
    pub(crate) is_bf16: bool,
}

impl Case {
    /// Reads the case's arrays from `root`.
    pub(crate) fn new(json: Value, root: &Path) -> Result<Self, String> {
        let data = match json["data"].as_str() {
            Some(file) => {
                Some(fs::read(root.join(file)).map_err(|error| format!("{file}: {error}"))?)
            }
            None => None,
        };
        Ok(Self { json, data })
    }

    /// The array `name`, if the case has it.
    pub(crate) fn array(&self, name: &str) -> Option<Array> {
        let tensors =
            SafeTensors::deserialize(self.data.as_ref()?).expect("the data file is whole");
        let tensor = tensors.tensor(name).ok()?;
        let bytes = tensor.data();
        let values = match tensor.dtype() {
            Dtype::F32 => words(bytes, |word| f64::from(f32::from_le_bytes(word))),
            Dtype::F64 => words(bytes, f64::from_le_bytes),
            Dtype::I32 => words(bytes, |word| f64::from(i32::from_le_bytes(word))),
            Dtype::BF16 => words(bytes, |word| {
                f64::from(f32::from_bits(u32::from(u16::from_le_bytes(word)) << 16))
            }),
            other => panic!("no reader for {other:?}"),
        };
        Some(Array {
            shape: tensor.shape().to_vec(),
            values,
            is_bf16: tensor.dtype() == Dtype::BF16,
        })
    }

    /// The array `name`.
    pub(crate) fn need(&self, name: &str) -> Array {
        self.array(name)
            .unwrap_or_else(|| panic!("the case lacks the array {name}"))
    }

    /// `settings.name` as a number.
    pub(crate) fn number(&self, name: &str) -> f64 {
        (self.json["settings"][name].as_f64()).unwrap_or_else(|| panic!("the case lacks {name}"))
    }

    /// `settings.name` as a count.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    /// `settings.name` as a flag, false if absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.json["settings"][name].as_bool().unwrap_or(false)
    }

    /// Which positions see which, where the case says so.
    pub(crate) fn attention(&self) -> Option<Attention> {
        let (input, settings) = (&self.json["input"], &self.json["settings"]);
        if input["attention"]["type"] == "full" {
            return Some(Attention::Bidirectional);
        }
        let said = [
            &input["attention"]["block_length"],
            &input["block_length"],
            &settings["block_length"],
            &settings["block_size"],
        ];
        let block = said.into_iter().find_map(Value::as_u64)?;
        let block = u32::try_from(block).ok().and_then(NonZeroU32::new);
        Some(Attention::BlockCausal(
            block.expect("the length of a block"),
        ))
    }

    /// The ids that the case names.
    pub(crate) fn special(&self) -> SpecialIds {
        let id = |name: &str| self.json["ids"][name].as_u64().map(|id| TokenId(id as u32));
        SpecialIds {
            mask: id("mask_id").expect("every case names its mask"),
            // Fast-dLLM's selection alone has no end token; an id beyond every vocabulary never matches.
            eos: id("eos_id").unwrap_or(TokenId(u32::MAX)),
            eot: id("eot_id"),
            other_ends: Vec::new(),
            bos: id("bos_id"),
        }
    }
}

impl Array {
    /// The values of a sub-array, named by its leading indices.
    pub(crate) fn at(&self, indices: &[usize]) -> &[f64] {
        let inner: usize = self.shape[indices.len()..].iter().product();
        let flat = indices
            .iter()
            .zip(&self.shape)
            .fold(0, |flat, (index, size)| flat * size + index);
        &self.values[flat * inner..][..inner]
    }
}

/// The run of ones in a row of an attention mask: zeros may stand on either side of it, which is all that the contract can
/// say of a row.
pub(crate) fn attended(mask: &[TokenId]) -> Result<Range<usize>, String> {
    let ones = mask.iter().filter(|it| it.0 == 1).count();
    let start = mask.iter().position(|it| it.0 == 1).unwrap_or(0);
    match mask[start..][..ones].iter().all(|it| it.0 == 1) && ones > 0 {
        true => Ok(start..start + ones),
        false => Err("its attention mask is not one run of ones".to_owned()),
    }
}

/// A list of ids.
pub(crate) fn ids(value: &Value) -> Vec<TokenId> {
    let list = value.as_array().expect("a list of ids");
    list.iter()
        .map(|id| TokenId(id.as_u64().expect("an id") as u32))
        .collect()
}

/// A list of lists of ids.
pub(crate) fn id_rows(value: &Value) -> Vec<Vec<TokenId>> {
    value
        .as_array()
        .expect("rows of ids")
        .iter()
        .map(ids)
        .collect()
}

/// A list of texts.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("a list of texts");
    list.iter()
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

/// Compares two lists; names the first difference.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    got: &[T],
    expected: &[T],
) -> Verdict {
    if got.len() != expected.len() {
        return Err(format!(
            "{what}: {} entries, expected {}",
            got.len(),
            expected.len()
        ));
    }
    match got
        .iter()
        .zip(expected)
        .position(|(got, expected)| got != expected)
    {
        None => Ok(()),
        Some(index) => Err(format!(
            "{what}: entry {index} is {:?}, expected {:?}",
            got[index], expected[index]
        )),
    }
}

fn words<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (words, rest) = bytes.as_chunks::<N>();
    assert!(rest.is_empty(), "the array has whole entries");
    words.iter().map(|&word| read(word)).collect()
}
