//! Names of the files of a model that was cut into several, `NAME-00001-of-00003.gguf`.

use std::path::{Path, PathBuf};

/// What the name of such a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitName {
    /// Counted from 1.
    pub number: u32,
    /// How many there are.
    pub count: u32,
    folder: PathBuf,
    stem: String,
    ending: String,
}

impl SplitName {
    /// Of the file at `path`; `None` if that is whole.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let (name, ending) = path.file_name()?.to_str()?.rsplit_once('.')?;
        if !ending.eq_ignore_ascii_case("gguf") {
            return None;
        }
        let (name, count) = name.rsplit_once("-of-")?;
        let (stem, number) = name.rsplit_once('-')?;
        let digits = |text: &str| {
            let are_digits = text.len() == 5 && text.bytes().all(|it| it.is_ascii_digit());
            text.parse().ok().filter(|_| are_digits)
        };
        let (number, count) = (digits(number)?, digits(count)?);
        (1..=count).contains(&number).then(|| Self {
            number,
            count,
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            stem: stem.to_owned(),
            ending: ending.to_owned(),
        })
    }

    /// All files, in their order, whether they are there or not.
    pub fn all(&self) -> impl Iterator<Item = PathBuf> {
        let Self {
            count,
            folder,
            stem,
            ending,
            ..
        } = self;
        (1..=*count)
            .map(move |number| folder.join(format!("{stem}-{number:05}-of-{count:05}.{ending}")))
    }

    /// What all of them begin with: `NAME`.
    #[must_use]
    pub fn stem(&self) -> &str {
        &self.stem
    }
}
