use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;
use unmask_core::engine::Role;

use super::record::{
    GenerationRecord, Head, Line, MessageId, MessageRecord, Record, SightRecord, VERSION,
};

/// What a file holds, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Its first line, if that is whole.
    pub head: Option<Head>,
    /// The name that the user gave last.
    pub title: Option<String>,
    /// Every message in the order of the file, those taken back included.
    pub nodes: Vec<Node>,
    /// Lines that are cut or make no sense.
    pub skipped: usize,
}

/// A message with its place in the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub id: MessageId,
    /// The node before it, as an index; `None` for a first message.
    parent: Option<usize>,
    /// When it was written, if that can be read.
    pub at: Option<Timestamp>,
    /// What was said.
    pub said: Said,
    /// How it is seen.
    pub sight: SightRecord,
    /// Whether it still counts.
    standing: Standing,
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// By the user, or by the program as an instruction.
    Text {
        /// By whom.
        role: Role,
        /// What.
        text: String,
    },
    /// By a model.
    Answer(Box<GenerationRecord>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Stands,
    TakenBack,
}

/// What every line of every version has.
#[derive(Deserialize)]
struct Kind {
    t: String,
}

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
            match serde_json::from_slice::<Line>(line) {
                Ok(line) => conversation.take(line, &mut places),
                Err(_) if is_of_another_kind(line) => (),
                Err(_) => conversation.skipped += 1,
            }
        }
        conversation
    }

    fn take(&mut self, line: Line, places: &mut HashMap<MessageId, usize>) {
        let at = line.at.parse().ok();
        match line.record {
            Record::Head(head) => self.head = self.head.take().or(Some(head)),
            Record::Msg(MessageRecord {
                id,
                parent,
                role,
                text,
            }) => self.add(id, parent, at, Said::Text { role, text }, places),
            Record::Gen(it) => self.add(it.id, it.parent, at, Said::Answer(it), places),
            Record::Title { text } => self.title = Some(text),
            Record::Sight { ids, sight } => {
                for index in ids.iter().filter_map(|id| places.get(id)) {
                    self.nodes[*index].sight = sight;
                }
            }
            Record::Del { ids } => {
                for index in ids.iter().filter_map(|id| places.get(id)) {
                    self.nodes[*index].standing = Standing::TakenBack;
                }
            }
        }
    }

    /// A message that is there already is written anew in its place; one whose parent was lost follows the one written before
    /// it.
    fn add(
        &mut self,
        id: MessageId,
        parent: Option<MessageId>,
        at: Option<Timestamp>,
        said: Said,
        places: &mut HashMap<MessageId, usize>,
    ) {
        if let Some(&index) = places.get(&id) {
            self.nodes[index].said = said;
            return;
        }
        let last = self.nodes.len().checked_sub(1);
        let parent = parent.and_then(|id| places.get(&id).copied().or(last));
        places.insert(id, self.nodes.len());
        self.nodes.push(Node {
            id,
            parent,
            at,
            said,
            sight: SightRecord::Seen,
            standing: Standing::Stands,
        });
    }

    /// The messages of the screen: those from the first to the last that the model sees, along the parents, and among them
    /// those that were replaced or undone, which stay in the user's sight.
    #[must_use]
    pub fn seen(&self) -> Vec<&Node> {
        let is_seen = |node: &Node| node.sight == SightRecord::Seen;
        let stands = |node: &Node| node.standing == Standing::Stands;
        let last = self.nodes.iter().rposition(|it| stands(it) && is_seen(it));
        // A parent stands before its children in the file, so this ends.
        let chain: HashSet<usize> =
            std::iter::successors(last, |&index| self.nodes[index].parent).collect();
        let shown = |&(index, node): &(usize, &Node)| chain.contains(&index) || !is_seen(node);
        let nodes = self.nodes.iter().enumerate().filter(shown);
        nodes
            .map(|(_, node)| node)
            .filter(|it| stands(it))
            .collect()
    }

    /// The largest name of a message; 0 if there is none.
    #[must_use]
    pub fn last_id(&self) -> MessageId {
        let ids = self.nodes.iter().map(|node| node.id);
        ids.max().unwrap_or_default()
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
        let given = self.title.as_deref().map(crate::clean::clean_line);
        let given = given.filter(|title| !title.is_empty());
        given.unwrap_or_else(|| {
            let texts = self.seen().into_iter().filter_map(|node| match &node.said {
                Said::Text {
                    role: Role::User,
                    text,
                } => Some(text.as_str()),
                Said::Text { .. } | Said::Answer(_) => None,
            });
            texts.take(1).map(crate::state::first_words).collect()
        })
    }

    /// The model that answered last.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        let answers = self.nodes.iter().rev().filter_map(|node| match &node.said {
            Said::Answer(answer) => Some(answer.model.name.as_str()),
            Said::Text { .. } => None,
        });
        answers.into_iter().find(|name| !name.is_empty())
    }
}

/// True for a whole line of a kind that this version does not know.
fn is_of_another_kind(line: &[u8]) -> bool {
    serde_json::from_slice::<Kind>(line).is_ok_and(|kind| !KINDS.contains(&kind.t.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"t":"head","v":1,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","program":"unmask 0.1.0","at":"2026-11-24T12:04:00Z"}"#;

    fn message(id: u64, parent: &str, text: &str) -> String {
        format!(
            r#"{{"t":"msg","id":{id},"parent":{parent},"role":"user","text":"{text}","at":""}}"#
        )
    }

    fn answer(id: u64, parent: u64, text: &str) -> String {
        format!(r#"{{"t":"gen","id":{id},"parent":{parent},"text":"{text}"}}"#)
    }

    fn texts(conversation: &Conversation) -> Vec<&str> {
        let said = conversation.seen().into_iter().map(|node| &node.said);
        said.map(|said| match said {
            Said::Text { text, .. } => text.as_str(),
            Said::Answer(answer) => answer.text.as_str(),
        })
        .collect()
    }

    #[track_caller]
    fn check(lines: &[String], skipped: usize, expected: &[&str]) {
        let file = format!("{HEAD}\n{}\n", lines.join("\n"));
        let conversation = Conversation::read(file.as_bytes());
        assert_eq!(
            (conversation.skipped, texts(&conversation)),
            (skipped, expected.to_vec())
        );
    }

    #[test]
    fn the_parents_of_the_last_message_are_seen_and_other_branches_are_not() {
        check(
            &[
                message(1, "null", "a"),
                answer(2, 1, "b"),
                answer(3, 1, "c"),
                message(4, "3", "d"),
            ],
            0,
            &["a", "c", "d"],
        );
    }

    #[test]
    fn a_lost_parent_costs_that_message_alone() {
        check(
            &[
                message(1, "null", "a"),
                answer(2, 1, "b"),
                "{\"t\":\"msg\",\"id\":3,\"par".to_owned(),
                answer(4, 3, "d"),
            ],
            1,
            &["a", "b", "d"],
        );
    }

    #[test]
    fn messages_taken_back_are_not_seen() {
        check(
            &[
                message(1, "null", "a"),
                message(2, "1", "b"),
                r#"{"t":"del","ids":[2,9]}"#.to_owned(),
            ],
            0,
            &["a"],
        );
    }

    #[test]
    fn what_was_replaced_or_undone_stays_in_sight() {
        check(
            &[
                message(1, "null", "a"),
                answer(2, 1, "b"),
                answer(3, 1, "c"),
                r#"{"t":"sight","ids":[2],"sight":"replaced"}"#.to_owned(),
                message(4, "3", "d"),
                r#"{"t":"sight","ids":[4],"sight":"undone"}"#.to_owned(),
                message(5, "3", "e"),
            ],
            0,
            &["a", "b", "c", "d", "e"],
        );
    }

    #[test]
    fn a_message_written_again_takes_its_own_place() {
        check(
            &[
                message(1, "null", "a"),
                answer(2, 1, "half"),
                message(3, "2", "c"),
                answer(2, 1, "whole"),
            ],
            0,
            &["a", "whole", "c"],
        );
    }

    #[test]
    fn kinds_to_come_are_no_errors() {
        check(
            &[
                message(1, "null", "a"),
                r#"{"t":"pin","at":3}"#.to_owned(),
                r#"{"t":"title"}"#.to_owned(),
                "[1]".to_owned(),
            ],
            2,
            &["a"],
        );
    }

    #[test]
    fn a_message_that_is_its_own_parent_is_read() {
        check(
            &[message(1, "1", "a"), message(2, "2", "b")],
            0,
            &["a", "b"],
        );
    }

    #[test]
    fn a_cut_at_any_byte_loses_one_record_at_most() {
        let lines = [
            HEAD.to_owned(),
            message(1, "null", "é漢"),
            answer(2, 1, "b"),
            message(3, "2", "c"),
        ];
        let file = lines.join("\n") + "\n";
        for cut in 0..file.len() {
            let read = Conversation::read(&file.as_bytes()[..cut]);
            let whole = file.as_bytes()[..cut].split(|&byte| byte == b'\n').count() - 1;
            let found = usize::from(read.head.is_some()) + read.nodes.len();
            assert!(found >= whole && read.skipped <= 1, "cut at {cut}");
        }
    }

    #[test]
    fn a_byte_missing_anywhere_loses_two_records_at_most() {
        let lines = [
            HEAD.to_owned(),
            message(1, "null", "a"),
            answer(2, 1, "b"),
            message(3, "2", "c"),
        ];
        let file = lines.join("\n") + "\n";
        for at in 0..file.len() {
            let mut bytes = file.clone().into_bytes();
            bytes.remove(at);
            let read = Conversation::read(&bytes);
            let found = usize::from(read.head.is_some()) + read.nodes.len();
            assert!(found + 2 >= lines.len(), "without byte {at}");
        }
    }
}
