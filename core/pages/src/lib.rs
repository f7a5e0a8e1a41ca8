//! The files of unmask's pages in the browser: no code but what puts a script into one page.
//!
//! `wire.js` folds the events of a run as the runtime's `fold` does, `token.js` and `tokens.css` show a token. On them stand two
//! pages: `replay.*`, one recorded run, which `unmask export trace --to html` writes and which runs from `file://`, offline;
//! `compare.*`, two of them, as `unmask compare --html` writes; and `app/`, the page that `unmask serve` answers with. Neither asks anybody else for anything.
//!
//! ```
//! let page = unmask_pages::PAGE_FILES.iter().find(|file| file.name == "index.html");
//! assert!(page.is_some_and(|file| file.media_type.starts_with("text/html")));
//! // What stands within a page has no modules left.
//! assert!(!unmask_pages::replay_script().contains("\nimport "));
//! ```

/// Folds events into canvases: an ES module.
pub const WIRE: &str = include_str!("wire.js");
/// A token as both pages show it: an ES module beside [`WIRE`].
pub const TOKEN: &str = include_str!("token.js");
/// The page of a recorded run: an ES module beside both.
pub const REPLAY: &str = include_str!("replay.js");
/// How it looks.
pub const REPLAY_STYLE: &str = concat!(include_str!("tokens.css"), include_str!("replay.css"));
/// Its frame, with `{{policy}}`, `{{title}}`, `{{style}}`, `{{said}}`, `{{answer}}`, `{{foot}}`, `{{trace}}` and `{{script}}` left open.
pub const REPLAY_FRAME: &str = include_str!("replay.html");

/// The page of two recorded runs: an ES module beside [`WIRE`] and [`TOKEN`].
pub const COMPARE: &str = include_str!("compare.js");
/// How it looks.
pub const COMPARE_STYLE: &str = concat!(
    include_str!("tokens.css"),
    include_str!("replay.css"),
    include_str!("compare.css")
);
/// Its frame, with the places of [`REPLAY_FRAME`] left open, those of a run once for `a` and once for `b`.
pub const COMPARE_FRAME: &str = include_str!("compare.html");

/// A file of the page of `unmask serve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageFile {
    /// Where the page asks for it, under `/page/`; `index.html` also stands at `/`, where the addresses in it are right.
    pub name: &'static str,
    /// For the header `content-type`.
    pub media_type: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! page_files {
    ($($name:literal $(from $path:literal)?: $media_type:expr,)*) => {
        &[$(PageFile {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(page_files!(@ $name $($path)?)),
        },)*]
    };
    (@ $name:literal) => { $name };
    (@ $name:literal $path:literal) => { $path };
}

/// All files of the page. Besides them it asks for `/page/settings.json`, the table of settings.
pub const PAGE_FILES: &[PageFile] = page_files! {
    "index.html" from "app/index.html": "text/html; charset=utf-8",
    "wire.js": SCRIPT,
    "token.js": SCRIPT,
    "tokens.css": STYLE,
    "app/app.css": STYLE,
    "app/icon.svg": "image/svg+xml",
    "app/arrived.js": SCRIPT,
    "app/effects.js": SCRIPT,
    "app/export.js": SCRIPT,
    "app/folded.js": SCRIPT,
    "app/main.js": SCRIPT,
    "app/markdown.js": SCRIPT,
    "app/request.js": SCRIPT,
    "app/sse.js": SCRIPT,
    "app/state.js": SCRIPT,
    "app/update.js": SCRIPT,
    "app/view/cells.js": SCRIPT,
    "app/view/composer.js": SCRIPT,
    "app/view/dom.js": SCRIPT,
    "app/view/frame.js": SCRIPT,
    "app/view/plot.js": SCRIPT,
    "app/view/run.js": SCRIPT,
    "app/view/settings.js": SCRIPT,
    "app/view/token.js": SCRIPT,
    "app/view/transcript.js": SCRIPT,
};

/// All scripts of a recorded run's page as one that stands within it, where modules cannot import each other.
#[must_use]
pub fn replay_script() -> String {
    script(REPLAY)
}

/// The same of two recorded runs.
#[must_use]
pub fn compare_script() -> String {
    script(COMPARE)
}

fn script(page: &str) -> String {
    let body: String = ([WIRE, TOKEN, page].into_iter().flat_map(str::lines))
        .filter(|line| !line.starts_with("import "))
        .map(|line| line.strip_prefix("export ").unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    format!("\"use strict\";\n(() => {{\n{body}}})();\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What lies under `folder`, as the page asks for it.
    fn under(folder: &Path, found: &mut Vec<String>) {
        for entry in folder.read_dir().expect("the sources are there") {
            let path = entry.expect("it can be read").path();
            match path.is_dir() {
                true => under(&path, found),
                false => found.push(path.to_string_lossy().into_owned()),
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        under(&root.join("app"), &mut found);
        let mut there: Vec<String> = found
            .iter()
            .map(|path| path[root.to_string_lossy().len() + 1..].replace('\\', "/"))
            .map(|path| path.replace("app/index.html", "index.html"))
            .chain(["wire.js", "token.js", "tokens.css"].map(str::to_owned))
            .collect();
        there.sort();
        let mut served: Vec<&str> = PAGE_FILES.iter().map(|file| file.name).collect();
        served.sort_unstable();
        assert_eq!(served, there);
    }

    #[test]
    fn the_page_is_small() {
        let bytes: usize = PAGE_FILES.iter().map(|file| file.bytes.len()).sum();
        assert!(bytes < 150_000, "{bytes} bytes");
    }

    #[test]
    fn no_file_of_the_page_names_an_address_or_makes_html_of_texts() {
        let words = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ];
        for file in PAGE_FILES {
            let text = std::str::from_utf8(file.bytes).expect("all files are text");
            let foreign: Vec<&str> = (text.match_indices("://"))
                .map(|(at, _)| &text[at.saturating_sub(6)..(at + 20).min(text.len())])
                .filter(|around| !around.contains("www.w3.org") && !around.contains("https?:"))
                .collect();
            assert_eq!(foreign, [""; 0], "{}", file.name);
            for word in words {
                assert!(!text.contains(word), "{}: {word}", file.name);
            }
        }
    }
}
