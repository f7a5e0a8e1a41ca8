//! Which module of a crate uses which, read from the text of its sources.

mod code;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use code::{code, is_name, without_tests};

/// A module by its names from the crate's root.
type Module = Vec<String>;

/// The modules of a crate, and who uses whom; tests and what only they use are left out.
pub struct Imports {
    /// The text of each module without comments, strings and tests.
    modules: BTreeMap<Module, String>,
    /// What a module gives out under its own name, and the module of it.
    given_out: BTreeMap<Module, BTreeMap<String, Module>>,
}

/// One module uses another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    from: Module,
    to: Module,
    /// What of it.
    what: String,
}

impl Imports {
    /// Reads all sources below `src`.
    ///
    /// # Panics
    /// If a file cannot be read.
    #[must_use]
    pub fn read(src: &Path) -> Self {
        let mut modules = BTreeMap::new();
        collect(src, &mut Vec::new(), &mut modules);
        Self::of(modules)
    }

    fn of(modules: BTreeMap<Module, String>) -> Self {
        let modules: BTreeMap<Module, String> = modules
            .into_iter()
            .map(|(module, text)| (module, without_tests(&code(&text))))
            .collect();
        let given_out = modules
            .iter()
            .map(|(module, text)| (module.clone(), given_out(module, text, &modules)))
            .collect();
        Self { modules, given_out }
    }

    /// The uses that are part of a circle, one a line. Of every folder its files, and its folders each as one, are looked
    /// at; the folder's own file stands over them: it may use all, and hold what they share.
    #[must_use]
    pub fn circles(&self) -> Vec<String> {
        let uses: BTreeSet<Use> = self.uses();
        let folders: BTreeSet<&[String]> = (self.modules.keys())
            .filter_map(|module| module.split_last())
            .map(|(_, folder)| folder)
            .collect();
        folders
            .into_iter()
            .flat_map(|folder| circles_in(folder, &uses))
            .collect()
    }

    fn uses(&self) -> BTreeSet<Use> {
        let mut uses = BTreeSet::new();
        for (module, text) in &self.modules {
            for path in paths(text) {
                let Some((to, what)) = self.resolve(module, &path) else {
                    continue;
                };
                let from = module.clone();
                uses.insert(Use { from, to, what });
            }
        }
        uses
    }

    /// The module that a path of `module` leads to, through what others give out, and the rest of the path.
    fn resolve(&self, module: &[String], path: &[String]) -> Option<(Module, String)> {
        let (mut at, mut rest) = match path.split_first()? {
            (first, rest) if first == "crate" => (Vec::new(), rest),
            (first, rest) if first == "self" => (module.to_vec(), rest),
            (first, _) if first == "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                (
                    module[..module.len().checked_sub(up)?].to_vec(),
                    &path[up..],
                )
            }
            _ => return None,
        };
        while let Some((name, further)) = rest.split_first() {
            let inner = [at.as_slice(), std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&inner) {
                (at, rest) = (inner, further);
            } else if let Some(target) = self.given_out.get(&at).and_then(|it| it.get(name)) {
                return Some((target.clone(), rest.join("::")));
            } else {
                break;
            }
        }
        Some((at, rest.join("::")))
    }
}

fn collect(folder: &Path, at: &mut Module, modules: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder)
        .expect("sources are readable")
        .flatten()
    {
        let path = entry.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.expect("sources have names").to_owned();
        if name == "tests" {
            continue;
        }
        at.push(name.clone());
        if path.is_dir() {
            collect(&path, at, modules);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let is_front = ["mod", "lib", "main"].contains(&name.as_str());
            let module = &at[..at.len() - usize::from(is_front)];
            let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
            modules.insert(module.to_vec(), text);
        }
        at.pop();
    }
}

fn given_out(
    module: &[String],
    text: &str,
    modules: &BTreeMap<Module, String>,
) -> BTreeMap<String, Module> {
    let mut given = BTreeMap::new();
    for (start, _) in text.match_indices("pub") {
        let line = text[start..].split(';').next().unwrap_or_default();
        let Some((visibility, tree)) = line.split_once(" use ").or(line.split_once(")use ")) else {
            continue;
        };
        if visibility.contains(['{', '\n']) {
            continue;
        }
        for path in tree_paths(tree) {
            let inner = |name: &String| [module, std::slice::from_ref(name)].concat();
            if let [first, .., last] = path.as_slice()
                && modules.contains_key(&inner(first))
            {
                let depth = path.len() - 1;
                let target = [module, &path[..depth]].concat();
                given.insert(last.clone(), target);
            }
        }
    }
    given
}

/// Every path of a text that begins at the crate, at the module or above it; those of a list each.
fn paths(text: &str) -> Vec<Module> {
    let mut paths = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (start, _) in text.match_indices(root) {
            let before = text[..start].chars().next_back();
            if before.is_none_or(|it| !is_name(it) && it != ':') {
                paths.extend(tree_paths(&text[start..]));
            }
        }
    }
    paths
}

/// The paths of a use tree, `a::{b, c::d}`, up to what is not part of it.
fn tree_paths(tree: &str) -> Vec<Module> {
    let mut paths = Vec::new();
    read_tree(tree, &[], &mut paths);
    paths
}

/// Reads one branch; returns what follows it.
fn read_tree<'a>(text: &'a str, above: &[String], paths: &mut Vec<Module>) -> &'a str {
    let mut path = above.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inner) = rest.strip_prefix('{') {
            while !inner.trim_start().starts_with('}') && !inner.trim_start().is_empty() {
                let before = inner.len();
                inner = read_tree(inner, &path, paths).trim_start();
                inner = inner.strip_prefix(',').unwrap_or(inner);
                if inner.len() == before {
                    return inner;
                }
            }
            return inner.trim_start().strip_prefix('}').unwrap_or(inner);
        }
        let end = rest
            .find(|it| !is_name(it) && it != '*')
            .unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() {
            break;
        }
        path.push(name.to_owned());
        rest = behind;
        match rest.strip_prefix("::") {
            Some(further) => rest = further,
            None => break,
        }
    }
    if let Some(alias) = rest.strip_prefix(" as ") {
        rest = alias.trim_start_matches(is_name);
    }
    paths.push(path);
    rest
}

fn circles_in(folder: &[String], uses: &BTreeSet<Use>) -> Vec<String> {
    let child = |module: &Module| {
        let is_below = module.len() > folder.len() && module.starts_with(folder);
        is_below.then(|| module[folder.len()].clone())
    };
    let mut arrows: Vec<(String, String, &Use)> = (uses.iter())
        .filter_map(|it| Some((child(&it.from)?, child(&it.to)?, it)))
        .filter(|(from, to, _)| from != to)
        .collect();
    // Whoever uses nobody, or is used by nobody, is part of no circle.
    loop {
        let users: BTreeSet<String> = arrows.iter().map(|it| it.0.clone()).collect();
        let used: BTreeSet<String> = arrows.iter().map(|it| it.1.clone()).collect();
        let before = arrows.len();
        arrows.retain(|(from, to, _)| users.contains(to) && used.contains(from));
        if arrows.len() == before {
            break;
        }
    }
    let line = |it: &Use| {
        format!(
            "{} uses {} of {}",
            it.from.join("/"),
            it.what,
            it.to.join("/")
        )
    };
    arrows.into_iter().map(|(_, _, it)| line(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let module = |name: &str| -> Module { name.split('/').map(str::to_owned).collect() };
        let files = files
            .iter()
            .map(|(name, text)| (module(name), (*text).to_owned()));
        assert_eq!(Imports::of(files.collect()).circles(), expected);
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        check(
            &[
                ("a", "use crate::b::{B, C};"),
                ("b", "fn b() { super::a::go() }"),
            ],
            &["a uses B of b", "a uses C of b", "b uses go of a"],
        );
    }

    #[test]
    fn a_circle_may_go_through_files_of_folders() {
        check(
            &[
                ("a", "mod x;"),
                ("b", "mod y;"),
                ("a/x", "use crate::b::y::Y;"),
                ("a/z", ""),
                ("b/y", "use crate::a::z::Z;"),
            ],
            &["a/x uses Y of b/y", "b/y uses Z of a/z"],
        );
    }

    #[test]
    fn what_a_folder_gives_out_is_its_files() {
        let front = "mod x;\nmod z;\npub use x::{X, Y};\npub(crate) use z::Z;";
        check(
            &[
                ("a", front),
                ("a/x", "use super::Z;"),
                ("a/z", "use crate::a::{self, X};"),
            ],
            &["a/x uses Z of a/z", "a/z uses X of a/x"],
        );
        check(&[("a", front), ("a/x", "use super::Z;"), ("a/z", "")], &[]);
    }

    #[test]
    fn the_front_of_a_folder_may_use_its_files_and_hold_what_they_share() {
        check(
            &[
                ("a", "fn go(x: self::x::X) {}"),
                ("a/x", "use super::Shared;"),
            ],
            &[],
        );
    }

    #[test]
    fn comments_strings_and_tests_use_nobody() {
        let b = "// crate::a::A\nconst S: &str = \"crate::a \\\" //\"; const C: char = '\"';\n\
                 #[cfg(test)]\nmod tests { use crate::a::A; fn a() {} }\nfn b<'a>(_: &'a str) {}";
        check(&[("a", "use crate::b::B;"), ("b", b)], &[]);
        let raw = "const R: &str = r#\"\"#; use crate::a::A;";
        check(
            &[("a", "use crate::b::B;"), ("b", raw)],
            &["a uses B of b", "b uses A of a"],
        );
    }

    #[test]
    fn who_only_leads_to_a_circle_is_not_named() {
        let circle = [
            ("b", "use crate::c::C;"),
            ("c", "use crate::b::B;"),
            ("a", "use crate::b::B;"),
        ];
        check(&circle, &["b uses C of c", "c uses B of b"]);
    }
}
