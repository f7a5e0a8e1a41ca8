//! Mutated conversation files: what can be read of them is read, and nothing else happens.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::mutation::{byte_changes, cases, change, in_time, mutate};

/// A line of each kind.
fn lines() -> Vec<Value> {
    let model = json!({"key": "demo", "name": "demo", "backend": "candle", "backend_version": "0", "device": "cpu",
        "precision": "f32"});
    let settings = json!({"length": 4, "steps": 4, "block_length": 4, "temperature": 0.5, "remasking": "random",
        "cfg_scale": 1.0, "threshold": 0.9, "factor": 1.0, "cache": "dual"});
    vec![
        json!({"t": "head", "v": 1, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "program": "unmask 0.1.0", "at": "2026-11-24T12:04:00Z"}),
        json!({"t": "msg", "id": 1, "parent": null, "role": "user", "text": "Say more.", "at": "2026-11-24T12:04:00Z"}),
        json!({"t": "gen", "id": 2, "parent": 1, "text": "Half", "name": "demo", "model": model, "settings": settings,
            "seed": 7, "stop": "stopped",
            "stats": {"steps": 4, "nfe": 4, "nfe_saved": 0.0, "committed": 2, "text_tokens": 1, "ms": 9},
            "canvas": {"mask": 0, "tokens": [5, 6, 0, 0], "answer_start": 1, "pinned": [2]}}),
        json!({"t": "title", "text": "A name"}),
        json!({"t": "sight", "ids": [1], "sight": "replaced"}),
        json!({"t": "del", "ids": [9]}),
        json!({"t": "msg", "id": 3, "parent": 2, "role": "user", "text": "On."}),
    ]
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Reads a file and asks everything that is asked of a conversation.
fn read(bytes: &[u8]) -> Conversation {
    let mut read = Conversation::default();
    in_time("a conversation", || {
        read = Conversation::read(bytes);
        for stopped in read.stopped() {
            assert!(stopped.canvas.len() <= bytes.len());
        }
        for node in &read.nodes {
            if let MessageContent::Answer(answer) = &node.said
                && let Some(settings) = &answer.settings
            {
                drop(settings.params(7));
            }
        }
        let free = read.last_id().0;
        let taken = |id| read.nodes.iter().any(|node| node.id.0 == id);
        assert!(!taken(free + 1), "{free} has a message behind it");
        drop((
            read.name(),
            read.model().map(str::to_owned),
            read.newer_format(),
        ));
    });
    read
}

#[test]
fn the_lines_that_are_changed_are_whole() {
    let read = read(text(&lines()).as_bytes());
    assert_eq!((read.skipped, read.nodes.len()), (0, 3));
    assert_eq!(read.stopped().len(), 1);
}

#[test]
fn a_canvas_with_as_many_pins_as_tokens_takes_no_time() {
    let tokens = vec![1; 200_000];
    let pinned: Vec<u32> = (0..200_000).collect();
    let mut lines = lines();
    lines[2]["canvas"] = json!({"mask": 0, "tokens": tokens, "answer_start": 0, "pinned": pinned});
    assert_eq!(read(text(&lines).as_bytes()).stopped().len(), 1);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_conversation_with_other_values_is_read(
        which in 0_usize..7,
        draws in prop::collection::vec(prop::collection::vec(any::<usize>(), 24), 1..4),
    ) {
        let mut lines = lines();
        for draws in draws {
            mutate(&mut lines[which], &mut draws.into_iter());
        }
        read(text(&lines).as_bytes());
    }

    #[test]
    fn a_conversation_with_other_bytes_is_read(changes in byte_changes()) {
        let mut bytes = text(&lines()).into_bytes();
        change(&mut bytes, changes);
        read(&bytes);
    }
}
