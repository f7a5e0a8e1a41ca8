//! Files as nobody writes them, for tests: `PROPTEST_CASES` asks for more than a few.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

/// Most that a file may take; far above what a slow machine needs.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|it| it.parse().ok()).unwrap_or(64);
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

/// Runs `read`, which may take a moment; again if it took long, since what others do on the machine only adds.
#[track_caller]
pub(crate) fn in_time(what: &str, mut read: impl FnMut()) {
    let mut took = Duration::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        read();
        took = took.min(begun.elapsed());
        if took < PATIENCE {
            return;
        }
    }
    panic!("{what} takes {took:?}");
}

/// What a byte change may be.
type ByteChange = (prop::sample::Index, usize, u8);

pub(crate) fn byte_changes() -> impl Strategy<Value = Vec<ByteChange>> {
    prop::collection::vec(
        (any::<prop::sample::Index>(), 0_usize..3, any::<u8>()),
        1..6,
    )
}

/// Replaces, inserts and cuts off.
pub(crate) fn change(bytes: &mut Vec<u8>, changes: Vec<ByteChange>) {
    for (at, kind, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => bytes.truncate(at),
        }
    }
}

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(255),
        json!(4_294_967_295_u32),
        json!(1_u64 << 53),
        json!(u64::MAX),
        json!(0.5),
        json!(1e308),
        json!(""),
        json!("a"),
        json!("▁"),
        json!("NaN"),
        json!("x".repeat(100_000)),
        json!("((a{1000}){1000}){1000}"),
        json!("(?:(a+)+)+b"),
        json!([]),
        json!({}),
        json!([[[[[[]]]]]]),
        json!([1, 2, 3]),
        json!({"type": "Sequence"}),
        json!({"Regex": "(a*)*"}),
        json!({"String": ""}),
        json!({"content": "b"}),
    ]
}

/// Changes one place of `value`, which `draws` choose.
pub(crate) fn mutate(value: &mut Value, draws: &mut dyn Iterator<Item = usize>) {
    let mut draw = |below: usize| draws.next().unwrap_or(0) % below.max(1);
    let goes_on = draw(8) > 0;
    match value {
        Value::Object(fields) if goes_on && !fields.is_empty() => {
            let key = fields.keys().nth(draw(fields.len())).cloned();
            let key = key.expect("there is such a key");
            match draw(12) {
                0 => drop(fields.remove(&key)),
                1 => {
                    let other = fields.values().nth(draw(fields.len())).cloned();
                    fields.insert(key, other.expect("there is such a value"));
                }
                _ => mutate(&mut fields[&key], draws),
            }
        }
        Value::Array(list) if goes_on && !list.is_empty() => {
            let at = draw(list.len());
            match draw(12) {
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                _ => mutate(&mut list[at], draws),
            }
        }
        _ => *value = values().swap_remove(draw(values().len())),
    }
}
