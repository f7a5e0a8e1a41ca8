use toml::de::{DeTable, DeValue};

use crate::diagnostic::{self, Diagnostic, Document};
use crate::keymap::{self, Chord, Context, Keymap, Rebinding};
use crate::slash;

/// Reads `[keys]`: tables of places with commands and their keys. If two commands want one key, every key stays as it was.
pub(super) fn read(
    document: &Document<'_>,
    table: &DeTable<'_>,
    keymap: &mut Keymap,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut rebindings = Vec::new();
    for (key, value) in document.within(table) {
        match (place(key.name), value.get_ref()) {
            (Ok(context), DeValue::Table(commands)) => {
                for (key, value) in document.within(commands) {
                    match rebinding(context, key.name, value.get_ref()) {
                        Ok(rebinding) => rebindings.push((rebinding, key)),
                        Err(why) => diagnostics.push(key.diagnostic(why)),
                    }
                }
            }
            (Ok(_), _) => {
                let place = key.name;
                diagnostics.push(key.diagnostic(format!("`{place}` is a table: [keys.{place}]")));
            }
            (Err(why), _) => diagnostics.push(key.diagnostic(why)),
        }
    }
    let only: Vec<Rebinding> = rebindings
        .iter()
        .map(|(rebinding, _)| rebinding.clone())
        .collect();
    if let Err(error) = keymap.rebind(&only) {
        let blamed = rebindings
            .iter()
            .rfind(|(rebinding, _)| error.is_about(rebinding));
        diagnostics.extend(blamed.map(|(_, key)| key.diagnostic(error.to_string())));
    }
}

fn place(name: &str) -> Result<Context, String> {
    let places = keymap::all_contexts();
    let names: Vec<String> = places
        .iter()
        .map(|place| keymap::context_name(*place))
        .collect();
    named("place", name, &names).map(|at| places[at])
}

fn rebinding(context: Context, name: &str, value: &DeValue<'_>) -> Result<Rebinding, String> {
    let commands = slash::bindable();
    let names: Vec<String> = commands.iter().map(|it| keymap::command_name(it)).collect();
    let command = commands[named("command", name, &names)?];
    let no_key = || format!("`{name}` is a key like \"ctrl+j\", several in brackets, or \"none\"");
    let chords: Vec<Chord> = match value {
        DeValue::String(none) if none == "none" => Vec::new(),
        DeValue::String(key) => vec![Chord::parse(key)?],
        DeValue::Array(keys) => {
            let chord = |key: &toml::Spanned<DeValue<'_>>| match key.get_ref() {
                DeValue::String(key) => Chord::parse(key),
                _ => Err(no_key()),
            };
            keys.iter().map(chord).collect::<Result<_, _>>()?
        }
        _ => return Err(no_key()),
    };
    Ok(Rebinding {
        context,
        command: command.clone(),
        chords,
    })
}

fn named(kind: &str, name: &str, names: &[String]) -> Result<usize, String> {
    let found = names.iter().position(|it| it == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        diagnostic::unknown(kind, name, &names)
    })
}
