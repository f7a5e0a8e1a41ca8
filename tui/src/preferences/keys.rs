use toml::de::{DeTable, DeValue};

use crate::keymap::{self, Chord, Context, Keymap, Rebinding};
use crate::remark::{self, Document, Remark};
use crate::slash;

/// Reads `[keys]`: tables of places with commands and their keys. If two commands want one key, every key stays as it was.
pub(super) fn read(
    document: &Document<'_>,
    table: &DeTable<'_>,
    keymap: &mut Keymap,
    remarks: &mut Vec<Remark>,
) {
    let mut wishes = Vec::new();
    for (key, value) in document.within(table) {
        match (place(key.name), value.get_ref()) {
            (Ok(context), DeValue::Table(commands)) => {
                for (key, value) in document.within(commands) {
                    match wish(context, key.name, value.get_ref()) {
                        Ok(wish) => wishes.push((wish, key)),
                        Err(why) => remarks.push(key.remark(why)),
                    }
                }
            }
            (Ok(_), _) => {
                let place = key.name;
                remarks.push(key.remark(format!("`{place}` is a table: [keys.{place}]")));
            }
            (Err(why), _) => remarks.push(key.remark(why)),
        }
    }
    let only: Vec<Rebinding> = wishes.iter().map(|(wish, _)| wish.clone()).collect();
    if let Err(error) = keymap.rebind(&only) {
        let blamed = wishes.iter().rfind(|(wish, _)| error.is_about(wish));
        remarks.extend(blamed.map(|(_, key)| key.remark(error.to_string())));
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

fn wish(context: Context, name: &str, value: &DeValue<'_>) -> Result<Rebinding, String> {
    let commands = slash::bindable();
    let names: Vec<String> = commands
        .iter()
        .map(|it| keymap::command_name(*it))
        .collect();
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
        command,
        chords,
    })
}

fn named(kind: &str, name: &str, names: &[String]) -> Result<usize, String> {
    let found = names.iter().position(|it| it == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        remark::unknown(kind, name, &names)
    })
}
