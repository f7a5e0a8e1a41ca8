//! What a Python package index says of a package: the simple repository API, as JSON or as HTML.

use serde::Deserialize;

/// The media types that are understood, the wanted one first.
pub(super) const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

#[derive(Deserialize)]
struct Page {
    files: Vec<IndexFile>,
}

#[derive(Deserialize)]
struct IndexFile {
    filename: String,
    url: String,
}

/// The address of the package's page on the index at `index`.
pub(super) fn page(index: &str, package: &str) -> String {
    format!("{}/{}/", index.trim_end_matches('/'), normal(package))
}

/// A package's name as an index spells it.
fn normal(package: &str) -> String {
    let words = package.split(['-', '_', '.']).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// The address of `file` on a package's `page`, which came from `base`.
pub(super) fn address(page: &str, base: &str, file: &str) -> Option<String> {
    let found = match serde_json::from_str::<Page>(page) {
        Ok(page) => {
            let entry = page.files.into_iter().find(|it| it.filename == file);
            entry.map(|entry| entry.url)
        }
        Err(_) => links(page).find(|link| is_to(link, file)),
    };
    let address = found?;
    let address = address.split('#').next().unwrap_or_default();
    Some(join(base, address))
}

/// Every address that the page links to.
fn links(page: &str) -> impl Iterator<Item = String> + '_ {
    let behind = page.split("href=").skip(1);
    behind.filter_map(|text| {
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let address = text[1..].split(quote).next()?;
        Some(address.replace("&amp;", "&"))
    })
}

fn is_to(link: &str, file: &str) -> bool {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    last.replace("%2B", "+").replace("%2b", "+") == file
}

/// `address` as seen from the page at `base` (RFC 3986, section 5.2, for addresses that indexes use).
fn join(base: &str, address: &str) -> String {
    if address.contains("://") {
        return address.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    if let Some(other) = address.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut parts: Vec<&str> = Vec::new();
    if !address.starts_with('/') {
        parts.extend(path.split('/'));
        parts.pop();
    }
    for part in address.trim_start_matches('/').split('/') {
        match part {
            "." => (),
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://index.example/root/simple/p/";

    #[track_caller]
    fn check(page: &str, address_of_file: Option<&str>) {
        assert_eq!(
            address(page, BASE, "p-1.0-py3-none-any.whl").as_deref(),
            address_of_file
        );
    }

    #[test]
    fn a_page_is_read_as_json_and_as_html() {
        check(
            r#"{"files": [{"filename": "p-1.0.tar.gz", "url": "https://files.example/p-1.0.tar.gz"},
               {"filename": "p-1.0-py3-none-any.whl", "url": "https://files.example/a/p-1.0-py3-none-any.whl"}]}"#,
            Some("https://files.example/a/p-1.0-py3-none-any.whl"),
        );
        check(
            r#"<a href="https://files.example/p-1.0.tar.gz#sha256=1">p</a>
               <a href="https://files.example/b/p-1.0-py3-none-any.whl#sha256=2" rel=x>p</a>"#,
            Some("https://files.example/b/p-1.0-py3-none-any.whl"),
        );
        check("<a href='p-1.0.tar.gz'>p</a>", None);
        check("{\"files\": []}", None);
    }

    #[test]
    fn addresses_are_taken_from_the_page() {
        let links = [
            (
                "../../files/p.whl",
                "https://index.example/root/files/p.whl",
            ),
            ("p.whl", "https://index.example/root/simple/p/p.whl"),
            ("./p.whl", "https://index.example/root/simple/p/p.whl"),
            ("/files/p.whl", "https://index.example/files/p.whl"),
            ("//other.example/p.whl", "https://other.example/p.whl"),
            ("http://other.example/p.whl", "http://other.example/p.whl"),
            ("../../../../../p.whl", "https://index.example/p.whl"),
        ];
        for (link, address) in links {
            assert_eq!(join(BASE, link), address, "{link}");
        }
    }

    #[test]
    fn a_packages_page_is_called_as_indexes_spell_it() {
        let simple = "https://index.example/simple";
        assert_eq!(
            page(simple, "My_Package.x"),
            format!("{simple}/my-package-x/")
        );
        assert_eq!(page(&format!("{simple}/"), "p"), format!("{simple}/p/"));
    }
}
