use jiff::Timestamp;
use jiff::tz::TimeZone;
use unmask_core::Params;
use unmask_core::conversations::{
    CanvasRecord, Conversation, GenerationRecord, MessageContent, MessageId, MessageNode,
    MessageRecord, ModelRecord, Record, SettingsRecord, Stop, StoppedCanvas,
};
use unmask_core::message::Role;

use crate::screen_time::TimeOfDay;
use crate::state::{Answer, Entry, EntryVisibility, LogKept, MessageKind, Turn};

/// A conversation as the screen shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumed {
    /// Oldest first.
    pub entries: Vec<(MessageId, EntryVisibility, Entry)>,
    /// Which message follows which: its own name, then that of the one before it.
    pub parents: Vec<(MessageId, MessageId)>,
    /// The name that the user gave.
    pub title: Option<String>,
    /// The largest name of a message.
    pub last: MessageId,
    /// The model that answered last; empty if none did.
    pub model: String,
    /// Lines that could not be read.
    pub skipped: usize,
    /// The canvases of stopped answers.
    pub canvases: Vec<StoppedCanvas>,
}

/// What is written of an entry; `None` for what belongs to the screen alone.
#[must_use]
pub fn record_of(entry: &Entry, id: MessageId, parent: Option<MessageId>) -> Option<Record> {
    match entry {
        Entry::You { text, kind, .. } => Some(Record::Msg(MessageRecord {
            id,
            parent,
            role: Role::User,
            text: text.clone(),
            has_blanks: *kind == MessageKind::Blanks,
        })),
        Entry::Answer(answer) => Some(Record::Gen(Box::new(generation(answer, id, parent)))),
        Entry::Failure(_) | Entry::Note(_) => None,
    }
}

fn generation(answer: &Answer, id: MessageId, parent: Option<MessageId>) -> GenerationRecord {
    let turn = answer.trace.as_deref();
    let canvas = turn.map(Turn::canvas).filter(|canvas| !canvas.is_empty());
    let stop = answer.reason.into();
    GenerationRecord {
        id,
        parent,
        text: answer.text.clone(),
        name: answer.name.clone(),
        model: turn.map(model).unwrap_or_default(),
        settings: Some(SettingsRecord::of(
            &answer.params,
            turn.map_or(0, |turn| turn.answer().len()),
        )),
        seed: answer.params.seed,
        stop,
        stats: answer.stats.into(),
        traced: turn.is_some_and(|turn| !turn.log().entries.is_empty())
            || answer.log_kept != LogKept::No,
        canvas: canvas
            .filter(|_| stop == Stop::Stopped)
            .map(CanvasRecord::of),
    }
}

fn model(turn: &Turn) -> ModelRecord {
    let loaded = &turn.loaded;
    ModelRecord {
        key: loaded.key.clone(),
        name: loaded.name.clone(),
        backend: loaded.backend.clone(),
        backend_version: loaded.backend_version.clone(),
        device: loaded.device.clone(),
        precision: loaded.facts.precision.clone(),
    }
}

/// A conversation as the screen shows it in this time zone.
#[must_use]
pub fn resumed(conversation: &Conversation, zone: &TimeZone) -> Resumed {
    let entry = |node: &MessageNode| Some((node.id, node.visibility.into(), entry(node, zone)?));
    let parent = |node: &MessageNode| Some((node.id, conversation.parent_of(node)?));
    Resumed {
        parents: conversation.nodes.iter().filter_map(parent).collect(),
        entries: conversation.seen().into_iter().filter_map(entry).collect(),
        title: conversation.title.clone(),
        last: conversation.last_id(),
        model: conversation.model().unwrap_or_default().to_owned(),
        skipped: conversation.skipped,
        canvases: conversation.stopped(),
    }
}

fn entry(node: &MessageNode, zone: &TimeZone) -> Option<Entry> {
    match &node.said {
        MessageContent::Text {
            role: Role::User,
            text,
            has_blanks,
        } => Some(Entry::You {
            text: text.clone(),
            kind: match has_blanks {
                true => MessageKind::Blanks,
                false => MessageKind::Plain,
            },
            at: node.at.map(|at| clock(at, zone)).unwrap_or_default(),
        }),
        MessageContent::Text {
            role: Role::System | Role::Assistant,
            ..
        } => None,
        MessageContent::Answer(answer) => Some(Entry::Answer(Answer {
            name: answer.name.clone(),
            text: answer.text.clone(),
            reason: answer.stop.into(),
            stats: answer.stats.into(),
            params: Box::new(params(answer)),
            trace: None,
            log_kept: match answer.traced {
                true => LogKept::Yes,
                false => LogKept::No,
            },
        })),
    }
}

fn params(answer: &GenerationRecord) -> Params {
    let seed = answer.seed;
    let settings = answer.settings.as_ref();
    settings.map_or_else(
        || Params {
            seed,
            ..Params::default()
        },
        |settings| settings.params(seed),
    )
}

fn clock(at: Timestamp, zone: &TimeZone) -> TimeOfDay {
    let at = at.to_zoned(zone.clone());
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    TimeOfDay {
        hour: part(at.hour()),
        minute: part(at.minute()),
    }
}
