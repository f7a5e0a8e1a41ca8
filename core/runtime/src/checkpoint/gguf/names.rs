//! Which GGUF files are one model, and how its numbers are stored, by their names.

use std::path::Path;

use unmask_gguf::{GgufError, GgufHeader, SplitName};

/// What stores numbers as they are.
const FLOATS: [&str; 5] = ["F32", "F16", "BF16", "FP32", "FP16"];
/// What is read begins so; a file of blocks holds several kinds.
const READ: [&str; 9] = [
    "F32", "F16", "BF16", "FP32", "FP16", "Q8_0", "Q6_K", "Q5_K", "Q4_K",
];
/// What stores them in blocks begins so, with a digit behind it.
const BLOCKS: [&str; 4] = ["Q", "IQ", "TQ", "MXFP"];

/// A model among GGUF files, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufModel {
    /// What its files are called, without what says which part each is, such as `LLaDA-8B-Q4_K_M`.
    pub name: String,
    /// Those that are there, in their order.
    pub files: Vec<String>,
}

impl GgufModel {
    /// The models of the files called so, of which others are left out, and what models look with or were quantised by.
    #[must_use]
    pub fn all<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Self> {
        let mut models: Vec<(String, Self)> = Vec::new();
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        for path in names {
            let Some(name) = model_name(path) else {
                continue;
            };
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let key = format!("{folder}/{name}");
            match models.iter_mut().find(|(other, _)| *other == key) {
                Some((_, model)) => model.files.push(path.to_owned()),
                None => {
                    let files = vec![path.to_owned()];
                    models.push((key, Self { name, files }));
                }
            }
        }
        models.into_iter().map(|(_, model)| model).collect()
    }

    /// How its numbers are stored, as its name ends, such as `Q4_K_M`.
    #[must_use]
    pub fn quantisation(&self) -> Option<&str> {
        let ends = self.name.match_indices(['-', '.', '_']);
        let ends = ends.map(|(at, _)| &self.name[at + 1..]);
        std::iter::once(self.name.as_str())
            .chain(ends)
            .find(|end| is_quantisation(end))
    }

    /// False if its name says that its numbers are stored as this program does not read them.
    #[must_use]
    pub fn may_be_read(&self) -> bool {
        let said = self.quantisation().map(str::to_uppercase);
        said.is_none_or(|said| READ.iter().any(|word| said.starts_with(word)))
    }

    /// True if `wanted` is its name or ends it, in small or capital letters.
    #[must_use]
    pub fn is_called(&self, wanted: &str) -> bool {
        let (name, wanted) = (self.name.to_lowercase(), wanted.to_lowercase());
        let rest = name.strip_suffix(&wanted);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['-', '.', '_']))
    }

    /// The only one of `models` that is called so, or whose name alone is just that.
    #[must_use]
    pub fn called<'m>(models: &'m [Self], wanted: &str) -> Option<&'m Self> {
        let only = |is_it: &dyn Fn(&Self) -> bool| {
            let mut found = models.iter().filter(|it| is_it(it));
            found.next().filter(|_| found.next().is_none())
        };
        only(&|it| it.name.eq_ignore_ascii_case(wanted))
            .or_else(|| only(&|it| it.is_called(wanted)))
    }
}

/// True if `bytes`, the first of a GGUF file that has `file_bytes`, end inside its header.
#[must_use]
pub fn is_gguf_header_cut(bytes: &[u8], file_bytes: u64) -> bool {
    matches!(GgufHeader::parse(bytes, file_bytes), Err(GgufError::Ends))
}

fn model_name(path: &str) -> Option<String> {
    let path = Path::new(path);
    let name = match SplitName::of(path) {
        Some(split) => split.stem().to_owned(),
        None if crate::model_id::is_gguf(path) => path.file_stem()?.to_str()?.to_owned(),
        None => return None,
    };
    let small = name.to_lowercase();
    let is_other = small.starts_with("mmproj") || small.contains("imatrix");
    (!is_other).then_some(name)
}

fn is_quantisation(text: &str) -> bool {
    let text = text.to_uppercase();
    let in_blocks = BLOCKS.iter().any(|word| {
        let rest = text.strip_prefix(word);
        rest.is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
    });
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    FLOATS.contains(&text.as_str()) || (in_blocks && text.chars().all(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[(&str, Option<&str>, usize)]) {
        let models = GgufModel::all(names.iter().copied());
        let got: Vec<_> = (models.iter())
            .map(|it| (it.name.as_str(), it.quantisation(), it.files.len()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn files_of_one_model_are_told_from_those_of_others() {
        check(
            &[
                "LLaDA-8B-Q4_K_M.gguf",
                "LLaDA-8B.Q8_0.GGUF",
                "Q6_K/llada_8b_q6_k-00002-of-00002.gguf",
                "Q6_K/llada_8b_q6_k-00001-of-00002.gguf",
                "README.md",
                "config.json",
                "imatrix.gguf",
                "mmproj-F16.gguf",
                "model.gguf",
            ],
            &[
                ("LLaDA-8B-Q4_K_M", Some("Q4_K_M"), 1),
                ("LLaDA-8B.Q8_0", Some("Q8_0"), 1),
                ("llada_8b_q6_k", Some("q6_k"), 2),
                ("model", None, 1),
            ],
        );
        check(&["x-BF16.gguf"], &[("x-BF16", Some("BF16"), 1)]);
        check(
            &["x-UD-Q4_K_XL.gguf"],
            &[("x-UD-Q4_K_XL", Some("Q4_K_XL"), 1)],
        );
        check(&["Q8_0.gguf"], &[("Q8_0", Some("Q8_0"), 1)]);
        check(&["Qwen-7B.gguf"], &[("Qwen-7B", None, 1)]);
    }

    #[test]
    fn a_quantisation_names_a_model_if_only_one_ends_so() {
        let names = ["a-Q4_K_M.gguf", "a-UD-Q4_K_M.gguf", "a-Q8_0.gguf"];
        let models = GgufModel::all(names.into_iter());
        let called = |wanted: &str| GgufModel::called(&models, wanted).map(|it| it.name.as_str());
        assert_eq!(called("q8_0"), Some("a-Q8_0"));
        assert_eq!(called("UD-Q4_K_M"), Some("a-UD-Q4_K_M"));
        assert_eq!(called("a-Q4_K_M"), Some("a-Q4_K_M"));
        let may_be_read: Vec<bool> = ["a-Q4_K_S.gguf", "a-Q3_K_M.gguf", "a-IQ4_XS.gguf", "a.gguf"]
            .iter()
            .flat_map(|name| GgufModel::all(std::iter::once(*name)))
            .map(|it| it.may_be_read())
            .collect();
        assert_eq!(may_be_read, [true, false, false, true]);
        for none in ["Q4_K_M", "K_M", "8_0", "Q6_K", ""] {
            assert_eq!(called(none), None, "{none}");
        }
    }
}
