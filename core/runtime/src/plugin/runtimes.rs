use serde::Deserialize;

/// Why what a backend says of its runtimes cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimesError {
    /// It is no such JSON.
    #[error(
        "what the backend says of its runtimes cannot be read; it must be repaired by its maker"
    )]
    Json(#[from] serde_json::Error),
    /// A word in it would leave its place in a path or an address.
    #[error(
        "the backend's runtime {package} has {what} `{word}`; it must be repaired by its maker"
    )]
    Word {
        /// The package.
        package: String,
        /// What the word is.
        what: &'static str,
        /// The word.
        word: String,
    },
}

/// The libraries of others that a backend opens itself: one package for each system, processor and flavour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Runtimes {
    /// Of those that fit, the first is the default.
    pub packages: Vec<Runtime>,
}

/// One file of the Python package index, and what of it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Runtime {
    /// `linux`, `macos`, `windows`.
    pub os: String,
    /// `x86_64`, `aarch64`.
    pub arch: String,
    /// What tells it from others for the same machine: `cpu`, `cuda`.
    pub flavour: String,
    /// The package's name in the index.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The name of its file, a wheel.
    pub file: String,
    /// The length of the file.
    pub bytes: u64,
    /// The file's hash, in hexadecimal digits.
    pub sha256: String,
    /// The flavour of the package that this one is a plugin of, and of no use without.
    #[serde(default)]
    pub beside: Option<String>,
    /// What is wanted of the file: paths in it, whose last part may hold one star. The first is the library itself, without
    /// which the rest is of no use.
    pub members: Vec<String>,
}

impl Runtimes {
    /// Reads what a plugin says. Fields that this program does not know are passed over.
    ///
    /// # Errors
    /// [`RuntimesError`] if it is no such JSON, or if a word that becomes part of a path is more than a word.
    pub fn parse(text: &str) -> Result<Self, RuntimesError> {
        let this: Self = serde_json::from_str(text)?;
        for runtime in &this.packages {
            runtime.check()?;
        }
        Ok(this)
    }

    /// Those for a system and a processor, the default first.
    pub fn for_machine<'a>(
        &'a self,
        os: &'a str,
        arch: &'a str,
    ) -> impl Iterator<Item = &'a Runtime> {
        let fits = move |runtime: &&Runtime| runtime.os == os && runtime.arch == arch;
        self.packages.iter().filter(fits)
    }

    /// The package that `plugin` lies beside.
    #[must_use]
    pub fn needed_by<'a>(
        &'a self,
        plugin: &Runtime,
        os: &'a str,
        arch: &'a str,
    ) -> Option<&'a Runtime> {
        let flavour = plugin.beside.as_ref()?;
        self.for_machine(os, arch).find(|it| it.flavour == *flavour)
    }
}

impl Runtime {
    fn check(&self) -> Result<(), RuntimesError> {
        let words = [
            ("the flavour", &self.flavour),
            ("the package name", &self.package),
            ("the version", &self.version),
            ("the file", &self.file),
        ];
        let wrong = words.into_iter().find(|(_, word)| !is_word(word));
        let is_hash = self.sha256.len() == 64 && self.sha256.chars().all(|c| c.is_ascii_hexdigit());
        let wrong = wrong.or((!is_hash).then_some(("the hash", &self.sha256)));
        match wrong {
            None => Ok(()),
            Some((what, word)) => Err(RuntimesError::Word {
                package: self.package.clone(),
                what,
                word: word.clone(),
            }),
        }
    }

    /// The part of `path` behind the last slash, a plain word, if `path` is one of the members.
    #[must_use]
    pub fn member<'a>(&self, path: &'a str) -> Option<&'a str> {
        let is_meant = self.members.iter().any(|member| matches(member, path));
        let name = is_meant.then(|| path.rsplit('/').next())?;
        name.filter(|name| is_word(name))
    }

    /// True if a file called `name` is one of the members, in whatever folder.
    #[must_use]
    pub fn is_member_name(&self, name: &str) -> bool {
        is_word(name) && self.members.iter().any(|member| is_called(member, name))
    }

    /// True if a file called `name` is the library itself.
    #[must_use]
    pub fn is_library_name(&self, name: &str) -> bool {
        let library = self.members.first();
        is_word(name) && library.is_some_and(|member| is_called(member, name))
    }
}

/// True for what may stand in a path as one part of it.
fn is_word(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    !word.is_empty() && !word.starts_with('.') && word.chars().all(is_plain)
}

fn is_called(member: &str, name: &str) -> bool {
    matches(member.rsplit('/').next().unwrap_or_default(), name)
}

fn matches(pattern: &str, path: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let rest = path.strip_prefix(before);
    rest.and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|star| !star.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(flavour: &str, sha256: &str) -> String {
        format!(
            r#"{{"packages": [{{"os": "linux", "arch": "x86_64", "flavour": "{flavour}", "package": "p", "version": "1.0",
            "file": "p-1.0.whl", "bytes": 9, "sha256": "{sha256}", "members": ["p/lib/libp.so*", "p/lib/exact.so"],
            "later": true}}]}}"#
        )
    }

    #[track_caller]
    fn refusal(text: &str) -> String {
        Runtimes::parse(text)
            .expect_err("it is refused")
            .to_string()
    }

    #[test]
    fn a_plugins_words_are_read_and_unknown_fields_passed_over() {
        let runtimes = Runtimes::parse(&text("cpu", &"a0".repeat(32))).expect("it is right");
        let flavours = |os, arch| -> Vec<String> {
            let fitting = runtimes.for_machine(os, arch);
            fitting.map(|it| it.flavour.clone()).collect()
        };
        assert_eq!(flavours("linux", "x86_64"), ["cpu"]);
        assert_eq!(flavours("linux", "aarch64"), Vec::<String>::new());
    }

    #[test]
    fn a_plugin_names_the_package_that_it_lies_beside() {
        let package = |text: String| -> Runtime {
            let mut runtimes = Runtimes::parse(&text).expect("it is right");
            runtimes.packages.remove(0)
        };
        let (base, plugin) = (
            package(text("cpu", &"a0".repeat(32))),
            package(text("webgpu", &"a0".repeat(32))),
        );
        assert_eq!(base.beside, None);
        let runtimes = Runtimes {
            packages: vec![base.clone()],
        };
        assert_eq!(runtimes.needed_by(&base, "linux", "x86_64"), None);
        let plugin = Runtime {
            beside: Some("cpu".to_owned()),
            ..plugin
        };
        assert_eq!(runtimes.needed_by(&plugin, "linux", "x86_64"), Some(&base));
        assert_eq!(runtimes.needed_by(&plugin, "linux", "aarch64"), None);
    }

    #[test]
    fn words_that_lead_elsewhere_are_refused() {
        let rest = "it must be repaired by its maker";
        for word in ["../..", "a/b", "", ".hidden", "a b"] {
            assert_eq!(
                refusal(&text(word, &"a0".repeat(32))),
                format!("the backend's runtime p has the flavour `{word}`; {rest}")
            );
        }
        assert_eq!(
            refusal(&text("cpu", "abc")),
            format!("the backend's runtime p has the hash `abc`; {rest}")
        );
        assert_eq!(
            refusal("[1]"),
            format!("what the backend says of its runtimes cannot be read; {rest}")
        );
    }

    #[test]
    fn a_star_stands_for_a_part_of_a_name() {
        let runtimes = Runtimes::parse(&text("cpu", &"a0".repeat(32))).expect("it is right");
        let runtime = &runtimes.packages[0];
        assert_eq!(runtime.member("p/lib/libp.so.1.2"), Some("libp.so.1.2"));
        assert_eq!(runtime.member("p/lib/exact.so"), Some("exact.so"));
        assert_eq!(runtime.member("p/lib/libp.so/../../x"), None);
        assert_eq!(runtime.member("p/lib/libp.so\\..\\x"), None);
        assert_eq!(runtime.member("p/libp.so.1"), None);
        assert!(runtime.is_member_name("exact.so") && !runtime.is_member_name("libq.so"));
        assert!(runtime.is_library_name("libp.so.3") && !runtime.is_library_name("exact.so"));
    }
}
