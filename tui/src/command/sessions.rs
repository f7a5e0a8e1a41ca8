//! `unmask sessions`: the conversations on disk.

use std::io::{self, IsTerminal as _, Write as _};

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use unmask::amount::counted;
use unmask_core::config::Environment;
use unmask_core::conversations::{
    Condition, Conversation, MessageContent, SessionFile, SessionFolder, Summary, Visibility,
};
use unmask_core::engine::Role;

use super::table::table;
use super::{Usage, code, print};
use crate::cli::{Rm, SessionsCommand, Show, ShowFormat, TableFormat};

/// What an account without a home is told.
pub(super) const NO_FOLDER: &str = "there is no folder for conversations: this account has no home";

pub(super) fn run(environment: &Environment, what: &SessionsCommand) -> anyhow::Result<u8> {
    let folders = environment.folders.as_ref();
    let folders = folders.ok_or_else(|| Usage(NO_FOLDER.to_owned()))?;
    let folder = SessionFolder::within(&folders.data);
    match what {
        SessionsCommand::Ls(arguments) => print(&list(&folder.list()?, arguments.format))?,
        SessionsCommand::Show(arguments) => show(&folder.find(&arguments.id)?, arguments)?,
        SessionsCommand::Rm(arguments) => return remove(&folder.find(&arguments.id)?, arguments),
    }
    Ok(code::DONE)
}

fn list(rows: &[Summary], format: TableFormat) -> String {
    match format {
        TableFormat::Json => {
            let rows = rows.iter().map(object).collect();
            format!("{}\n", Value::Array(rows))
        }
        TableFormat::Text if rows.is_empty() => "no conversation is saved\n".to_owned(),
        TableFormat::Text => {
            let heading = ["id", "written", "messages", "model", "state", "title"];
            let mut all = vec![heading.map(str::to_owned).to_vec()];
            all.extend(rows.iter().map(cells));
            table(&all)
        }
    }
}

fn cells(row: &Summary) -> Vec<String> {
    vec![
        row.id.to_string(),
        written(row),
        row.messages.to_string(),
        row.model.clone(),
        word(row.condition).to_owned(),
        row.title.clone(),
    ]
}

fn object(row: &Summary) -> Value {
    json!({
        "id": row.id.to_string(),
        "title": row.title,
        "written": written_at(row).to_string(),
        "messages": row.messages,
        "model": row.model,
        "state": word(row.condition),
    })
}

fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Free => "free",
        Condition::Here | Condition::InUse => "in use",
        Condition::Unreadable => "unreadable",
    }
}

fn written_at(row: &Summary) -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    let at = now.checked_sub(row.age).unwrap_or(now);
    at.round(jiff::Unit::Second).unwrap_or(at)
}

fn written(row: &Summary) -> String {
    let at = written_at(row).to_zoned(TimeZone::system());
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn show(found: &SessionFile, arguments: &Show) -> anyhow::Result<()> {
    match arguments.format {
        ShowFormat::Jsonl => print(&String::from_utf8_lossy(&found.bytes()?)),
        ShowFormat::Text => {
            let conversation = found.read()?;
            if conversation.skipped > 0 {
                let n = conversation.skipped;
                let lines = counted(n, "line");
                super::print_note(&format!("{lines} of the file could not be read: left out"));
            }
            print(&text(&conversation))
        }
    }
}

/// The conversation for people: who, then what.
fn text(conversation: &Conversation) -> String {
    let mut text = format!("# {}\n", conversation.name());
    for node in conversation.seen() {
        let (who, said) = match &node.said {
            MessageContent::Text { role, text, .. } => (role_word(*role), text),
            MessageContent::Answer(answer) => (answer.name.as_str(), &answer.text),
        };
        let visibility = match node.visibility {
            Visibility::Seen => "",
            Visibility::Replaced => " (replaced)",
            Visibility::Undone => " (undone)",
        };
        text.push_str(&format!("\n{who}{visibility}:\n{}\n", said.trim_end()));
    }
    text
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::System => "System",
        Role::User => "You",
        Role::Assistant => "Model",
    }
}

fn remove(found: &SessionFile, arguments: &Rm) -> anyhow::Result<u8> {
    if !arguments.force && !is_wanted(found)? {
        super::print_note("nothing was removed");
        return Ok(code::GENERATION);
    }
    found.remove()?;
    Ok(code::DONE)
}

/// Asks, if there is somebody to answer.
fn is_wanted(found: &SessionFile) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let text = format!(
            "there is no terminal to ask on; unmask sessions rm {} --force removes it",
            found.id
        );
        return Err(Usage(text).into());
    }
    let name = found.read().map(|read| read.name()).unwrap_or_default();
    let question = format!("Remove {} ({name}) for good? [y/N] ", found.id);
    write!(io::stderr(), "{}", unmask::clean::clean(&question))?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
