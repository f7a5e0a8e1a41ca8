use super::*;

const HEAD: &str = r#"{"t":"head","v":1,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","program":"unmask 0.1.0","at":"2026-11-24T12:04:00Z"}"#;

fn message(id: u64, parent: &str, text: &str) -> String {
    format!(r#"{{"t":"msg","id":{id},"parent":{parent},"role":"user","text":"{text}","at":""}}"#)
}

fn answer(id: u64, parent: u64, text: &str) -> String {
    format!(r#"{{"t":"gen","id":{id},"parent":{parent},"text":"{text}"}}"#)
}

fn texts(conversation: &Conversation) -> Vec<&str> {
    let said = conversation.seen().into_iter().map(|node| &node.said);
    said.map(|said| match said {
        MessageContent::Text { text, .. } => text.as_str(),
        MessageContent::Answer(answer) => answer.text.as_str(),
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

/// Of a file with messages of these names, one after the other.
#[track_caller]
fn check_last_id(ids: &[u64], expected: u64) {
    let lines: Vec<String> = ids.iter().map(|&id| message(id, "null", "a")).collect();
    let conversation = Conversation::read(lines.join("\n").as_bytes());
    assert_eq!(conversation.skipped, 0);
    assert_eq!(conversation.last_id(), MessageId(expected), "{ids:?}");
    let new = expected + 1..expected + 1_000_000;
    assert!(ids.iter().all(|id| !new.contains(id)), "{ids:?}");
}

#[test]
fn new_names_are_counted_from_where_there_is_room() {
    check_last_id(&[], 0);
    check_last_id(&[1, 2, 3], 3);
    check_last_id(&[1, 1 << 60], 1 << 60);
    check_last_id(&[1, 2, u64::MAX], 2);
    check_last_id(&[1, 2, u64::MAX - 1, u64::MAX], 2);
    check_last_id(&[u64::MAX], 0);
    check_last_id(&[5, u64::MAX - 7], 5);
}
