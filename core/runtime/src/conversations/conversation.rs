use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::name::first_words;
use super::record::{
    GenerationRecord, Head, MessageId, MessageRecord, Record, RecordLine, VERSION, Visibility,
};
use crate::Canvas;
use crate::clean::clean_line;
use crate::message::Role;

/// What a file holds, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Its first line, if that is whole.
    pub head: Option<Head>,
    /// The name that the user gave last.
    pub title: Option<String>,
    /// Every message in the order of the file, those taken back included.
    pub nodes: Vec<MessageNode>,
    /// Lines that are cut or make no sense.
    pub skipped: usize,
}

/// A message with its place in the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageNode {
    /// Its name.
    pub id: MessageId,
    /// The node before it, as an index; `None` for a first message.
    parent: Option<usize>,
    /// When it was written, if that can be read.
    pub at: Option<Timestamp>,
    /// What was said.
    pub said: MessageContent,
    /// How it is seen.
    pub visibility: Visibility,
    /// Whether it still counts.
    standing: Standing,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageContent {
    /// By the user, or by the program as an instruction.
    Text {
        /// By whom.
        role: Role,
        /// What.
        text: String,
        /// True for a text whose blanks were to be filled.
        has_blanks: bool,
    },
    /// By a model.
    Answer(Box<GenerationRecord>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Stands,
    TakenBack,
}

/// The canvas of a stopped answer, which can go on once its model is there.
#[derive(Debug, Clone, PartialEq)]
pub struct StoppedCanvas {
    /// The answer.
    pub id: MessageId,
    /// The key of its model.
    pub model: String,
    /// What was on it.
    pub canvas: Canvas,
}

/// What every line of every version has.
#[derive(Deserialize)]
struct Kind {
    t: String,
}

/// More new messages than any conversation gets.
const ROOM: u64 = 1 << 32;

const KINDS: [&str; 6] = ["head", "msg", "gen", "title", "sight", "del"];

impl Conversation {
    /// Reads a file. What cannot be read is counted, and lost alone.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut conversation = Self::default();
        let mut places = HashMap::new();
        for line in bytes.split(|&byte| byte == b'\n') {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<RecordLine>(line) {
                Ok(line) => conversation.take(line, &mut places),
                Err(_) if is_of_another_kind(line) => (),
                Err(_) => conversation.skipped += 1,
            }
        }
        conversation
    }

    fn take(&mut self, line: RecordLine, places: &mut HashMap<MessageId, usize>) {
        let at = line.at.parse().ok();
        match line.record {
            Record::Head(head) => self.head = self.head.take().or(Some(head)),
            Record::Msg(MessageRecord {
                id,
                parent,
                role,
                text,
                has_blanks,
            }) => {
                let said = MessageContent::Text {
                    role,
                    text,
                    has_blanks,
                };
                self.add(id, parent, at, said, places);
            }
            Record::Gen(it) => self.add(it.id, it.parent, at, MessageContent::Answer(it), places),
            Record::Title { text } => self.title = Some(text),
            Record::Visibility { ids, visibility } => {
                for index in ids.iter().filter_map(|id| places.get(id)) {
                    self.nodes[*index].visibility = visibility;
                }
            }
            Record::Del { ids } => {
                for index in ids.iter().filter_map(|id| places.get(id)) {
                    self.nodes[*index].standing = Standing::TakenBack;
                }
            }
        }
    }

    /// The message that `node` follows, as the file says.
    #[must_use]
    pub fn parent_of(&self, node: &MessageNode) -> Option<MessageId> {
        Some(self.nodes.get(node.parent?)?.id)
    }

    /// A message that is there already is written anew in its place; one whose parent was lost follows the one written before
    /// it.
    fn add(
        &mut self,
        id: MessageId,
        parent: Option<MessageId>,
        at: Option<Timestamp>,
        said: MessageContent,
        places: &mut HashMap<MessageId, usize>,
    ) {
        if let Some(&index) = places.get(&id) {
            self.nodes[index].said = said;
            return;
        }
        let last = self.nodes.len().checked_sub(1);
        let parent = parent.and_then(|id| places.get(&id).copied().or(last));
        places.insert(id, self.nodes.len());
        self.nodes.push(MessageNode {
            id,
            parent,
            at,
            said,
            visibility: Visibility::Seen,
            standing: Standing::Stands,
        });
    }

    /// The messages of the screen: those from the first to the last that the model sees, along the parents, and among them
    /// those that were replaced or undone, which stay in the user's sight.
    #[must_use]
    pub fn seen(&self) -> Vec<&MessageNode> {
        let is_seen = |node: &MessageNode| node.visibility == Visibility::Seen;
        let stands = |node: &MessageNode| node.standing == Standing::Stands;
        let last = self.nodes.iter().rposition(|it| stands(it) && is_seen(it));
        // A parent stands before its children in the file, so this ends.
        let chain: HashSet<usize> =
            std::iter::successors(last, |&index| self.nodes[index].parent).collect();
        let shown =
            |&(index, node): &(usize, &MessageNode)| chain.contains(&index) || !is_seen(node);
        let nodes = self.nodes.iter().enumerate().filter(shown);
        nodes
            .map(|(_, node)| node)
            .filter(|it| stands(it))
            .collect()
    }

    /// The canvases of stopped answers among the [seen](Self::seen) messages.
    #[must_use]
    pub fn stopped(&self) -> Vec<StoppedCanvas> {
        self.seen().into_iter().filter_map(stopped).collect()
    }

    /// The name of a message behind which new ones are counted: the largest, or, in a file with names where the numbers
    /// end, the largest with room behind it; 0 if there is none.
    #[must_use]
    pub fn last_id(&self) -> MessageId {
        let mut ids: Vec<u64> = self.nodes.iter().map(|node| node.id.0).collect();
        ids.extend([0, u64::MAX]);
        ids.sort_unstable();
        let mut gaps = ids.windows(2).rev();
        let roomy = gaps.find(|gap| gap[1] - gap[0] > ROOM);
        // There is one: no file has so many messages that all gaps are narrow.
        MessageId(roomy.map_or(0, |gap| gap[0]))
    }

    /// True if `other` has the same message of this name.
    pub(super) fn has_as_in(&self, other: &Self, id: MessageId) -> bool {
        let of = |it: &Self| {
            let node = it.nodes.iter().find(|node| node.id == id)?;
            Some((node.at, node.said.clone()))
        };
        of(self).is_some_and(|here| of(other) == Some(here))
    }

    /// The format, if it is one that this version does not read.
    #[must_use]
    pub fn newer_format(&self) -> Option<u32> {
        self.head
            .as_ref()
            .map(|head| head.v)
            .filter(|&v| v > VERSION)
    }

    /// What it is called: the name the user gave, else the first words said.
    #[must_use]
    pub fn name(&self) -> String {
        let given = self.title.as_deref().map(clean_line);
        let given = given.filter(|title| !title.is_empty());
        given.unwrap_or_else(|| {
            let texts = self.seen().into_iter().filter_map(|node| match &node.said {
                MessageContent::Text {
                    role: Role::User,
                    text,
                    ..
                } => Some(text.as_str()),
                MessageContent::Text { .. } | MessageContent::Answer(_) => None,
            });
            texts.take(1).map(first_words).collect()
        })
    }

    /// The model that answered last.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        let answers = self.nodes.iter().rev().filter_map(|node| match &node.said {
            MessageContent::Answer(answer) => Some(answer.model.name.as_str()),
            MessageContent::Text { .. } => None,
        });
        answers.into_iter().find(|name| !name.is_empty())
    }
}

fn stopped(node: &MessageNode) -> Option<StoppedCanvas> {
    let MessageContent::Answer(answer) = &node.said else {
        return None;
    };
    Some(StoppedCanvas {
        id: node.id,
        model: answer.model.key.clone(),
        canvas: answer.canvas.as_ref()?.canvas()?,
    })
}

/// True for a whole line of a kind that this version does not know.
fn is_of_another_kind(line: &[u8]) -> bool {
    serde_json::from_slice::<Kind>(line).is_ok_and(|kind| !KINDS.contains(&kind.t.as_str()))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
