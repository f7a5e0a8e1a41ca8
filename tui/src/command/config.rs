//! `unmask config`: where the files are, whether they can be used, and files to begin with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use unmask::diagnostic::Diagnostic;
use unmask::preferences::{self, COMMENTED, FILE_NAME, Preferences};
use unmask::run::read_themes;
use unmask::themes::{Colours, ThemeFile, Themes};
use unmask_core::config::{self, Config, EMBEDDED, Environment, Overrides, Presets, user_file};
use unmask_core::partial::{Existing, put};
use unmask_core::regular_file::{SMALL, read_text};

use super::output::notes;
use super::signals::Interrupts;
use super::{Usage, code, log, print, print_note};
use crate::cli::{ConfigCommand, SchemaOf};

/// Names the file of the screen; for tests and for trying another.
const VARIABLE: &str = "UNMASK_UI_CONFIG";

pub(super) fn run(
    command: &ConfigCommand,
    overrides: &Overrides,
    environment: &Environment,
) -> anyhow::Result<u8> {
    match command {
        ConfigCommand::Path => path(environment),
        ConfigCommand::Check => check(overrides, environment),
        ConfigCommand::Init => init(environment),
        ConfigCommand::Schema(arguments) => schema(arguments.of),
    }
}

/// The file of the screen; `None` for an account without a home.
fn screen_file(environment: &Environment) -> Option<PathBuf> {
    match std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => Some(environment.expand(Path::new(&path))),
        None => Some(user_file(environment)?.with_file_name(FILE_NAME)),
    }
}

/// The folder of themes, beside the file of the screen.
pub(super) fn themes_folder(environment: &Environment) -> Option<PathBuf> {
    Some(screen_file(environment)?.with_file_name("themes"))
}

/// What the user wants of the screen, and what is wrong with how it is said. No file is as good as an empty one.
pub(super) fn preferences(environment: &Environment) -> (Preferences, Vec<Diagnostic>) {
    let named = |path: &Path| match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    };
    read(environment, named)
}

fn read(
    environment: &Environment,
    named: impl Fn(&Path) -> String,
) -> (Preferences, Vec<Diagnostic>) {
    let (mut preferences, mut diagnostics) = match screen_file(environment) {
        None => (Preferences::default(), Vec::new()),
        Some(path) => match read_text(&path, SMALL) {
            Ok(text) => Preferences::parse(&named(&path), &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Preferences::default(), Vec::new())
            }
            Err(error) => {
                let diagnostic = Diagnostic {
                    place: named(&path),
                    text: format!("cannot be read: {error}"),
                };
                (Preferences::default(), vec![diagnostic])
            }
        },
    };
    diagnostics.extend(preferences.obey(|name| std::env::var(name).ok()));
    (preferences, diagnostics)
}

fn path(environment: &Environment) -> anyhow::Result<u8> {
    let models = user_file(environment).ok_or_else(no_home)?;
    let presets = Presets::path(environment).ok_or_else(no_home)?;
    let screen = screen_file(environment).ok_or_else(no_home)?;
    let themes = themes_folder(environment).ok_or_else(no_home)?;
    let log = log::path(environment).ok_or_else(no_home)?;
    let mut text = String::new();
    for (what, path) in [
        ("models, denoising", models),
        ("presets", presets),
        ("screen, keys", screen),
        ("themes", themes),
        ("log", log),
    ] {
        let state = if path.exists() { "" } else { "  (not there)" };
        text += &format!("{what:<18} {}{state}\n", path.display());
    }
    print(&text)?;
    Ok(code::DONE)
}

/// Tells of everything that is wrong with any of the files.
fn check(overrides: &Overrides, environment: &Environment) -> anyhow::Result<u8> {
    let mut wrong: Vec<String> = Vec::new();
    let mut fine: Vec<String> = Vec::new();
    match Config::load(overrides, environment) {
        Ok(config) => fine.push(config.source.to_string()),
        Err(error) => wrong.push(format!("{:#}", anyhow::Error::from(error))),
    }
    match (Presets::load(environment), Presets::path(environment)) {
        (Ok(_), Some(path)) if path.exists() => fine.push(path.display().to_string()),
        (Ok(_), _) => (),
        (Err(error), _) => wrong.push(format!("{:#}", anyhow::Error::from(error))),
    }
    let (preferences, diagnostics) = read(environment, |path| path.display().to_string());
    match screen_file(environment).filter(|path| path.exists()) {
        Some(path) if diagnostics.is_empty() => fine.push(path.display().to_string()),
        Some(_) | None => (),
    }
    wrong.extend(diagnostics.iter().map(ToString::to_string));
    let folder = themes_folder(environment);
    let files = folder
        .map(|folder| read_themes(&folder))
        .unwrap_or_default();
    check_themes(&preferences.theme, files, &mut fine, &mut wrong);
    print(
        &fine
            .iter()
            .map(|path| format!("{path}: fine\n"))
            .collect::<String>(),
    )?;
    for text in &wrong {
        print_note(text);
    }
    Ok(if wrong.is_empty() {
        code::DONE
    } else {
        code::USAGE
    })
}

fn check_themes(
    chosen: &str,
    files: Vec<ThemeFile>,
    fine: &mut Vec<String>,
    wrong: &mut Vec<String>,
) {
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let themes = Themes {
        files,
        ..Themes::default()
    };
    for (name, path) in names.iter().zip(paths) {
        match themes.theme(name, Colours::UNKNOWN) {
            Ok((_, diagnostics)) if diagnostics.is_empty() => fine.push(path),
            Ok((_, diagnostics)) => wrong.extend(diagnostics.iter().map(ToString::to_string)),
            Err(why) => wrong.push(format!("{path}: {why}")),
        }
    }
    if let Err(why) = themes.theme(chosen, Colours::UNKNOWN) {
        wrong.push(why);
    }
    // A diagnostic of a parent comes with each of its children.
    wrong.sort();
    wrong.dedup();
}

fn schema(of: SchemaOf) -> anyhow::Result<u8> {
    let schema = match of {
        SchemaOf::Models => config::schema(),
        SchemaOf::Screen => preferences::schema(),
    };
    print(&format!("{schema:#}\n"))?;
    Ok(code::DONE)
}

/// Writes the files that are not there, each with its schema beside it, which its first line names for editors.
fn init(environment: &Environment) -> anyhow::Result<u8> {
    let models = user_file(environment).ok_or_else(no_home)?;
    let screen = screen_file(environment).ok_or_else(no_home)?;
    // A signal waits until a file is in its place.
    let interrupts = Interrupts::watch()?;
    let mut written = 0;
    let files = [
        (screen, COMMENTED, preferences::schema()),
        (models, EMBEDDED, config::schema()),
    ];
    for (path, text, schema) in files {
        let beside = path.with_extension("schema.json");
        let name = beside.file_name().unwrap_or_default().to_string_lossy();
        let text = format!("#:schema ./{name}\n{text}");
        if write_new(&path, &text, environment)? {
            write_schema(&beside, &format!("{schema:#}\n"), environment)?;
            print(&format!("wrote {}\n", path.display()))?;
            written += 1;
        } else {
            print_note(&format!(
                "{} is there already; it stays as it is",
                path.display()
            ));
        }
        interrupts.check("writing the files")?;
    }
    match written {
        0 => Err(Usage("there is nothing to write".to_owned()).into()),
        _ => Ok(code::DONE),
    }
}

/// One of an older version is replaced.
fn write_schema(path: &Path, text: &str, environment: &Environment) -> anyhow::Result<()> {
    let notes = notes(environment);
    put(path, text.as_bytes(), Existing::Replaced, notes.as_ref())
        .map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// False if there is a file already.
fn write_new(path: &Path, text: &str, environment: &Environment) -> anyhow::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    match put(
        path,
        text.as_bytes(),
        Existing::Kept,
        notes(environment).as_ref(),
    ) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

fn no_home() -> Usage {
    Usage(format!(
        "this account has no home; name a file in {VARIABLE}"
    ))
}
