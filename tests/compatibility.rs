//! Old plugins go on working: a backend built from the header as it was published is loaded and computes.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use unmask_api::{BackendError, CancelFlag, Capabilities, DeviceKind, Probe, TokenId, TopRows};
use unmask_tests::{Compiled, Run, compile_plugin, load_spec, model, open, root, run, session};

/// The published headers: where each is kept, and what it hashes to for good.
const FROZEN: [(&str, &str); 1] = [(
    "tests/frozen/v1_0",
    "b704db633cdf093dfe37f7f2e632b027ea0480c93b215e58cf86fe0ad81d0c2a",
)];

fn old_plugin() -> Compiled {
    compile_plugin("tests/frozen/v1_0/plugin.c")
}

#[test]
fn a_published_header_never_changes() {
    for (folder, sha256) in FROZEN {
        let path = root().join(folder).join("unmask_backend.h");
        let text = fs::read_to_string(path).expect("it is kept");
        // A checkout on Windows may have other line ends.
        let digest = Sha256::digest(text.replace("\r\n", "\n"));
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, sha256, "{folder}");
    }
}

#[test]
fn a_plugin_of_abi_1_0_says_what_it_is() {
    let backend = open(&old_plugin().path);
    assert_eq!((backend.name(), backend.version()), ("old", "1.0.0"));
    assert_eq!(backend.probe(), Probe::Usable { score: 7 });
    let devices = backend.devices();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].kind, DeviceKind::Gpu);
    assert_eq!(
        (devices[0].free_bytes, devices[0].total_bytes),
        (1024, 2048)
    );
    assert_eq!(devices[0].precisions, ["f32", "f16"]);
}

#[test]
fn a_plugin_of_abi_1_0_loads_and_computes() {
    let file = old_plugin();
    let backend = open(&file.path);
    let heard = Mutex::new(Vec::new());
    let model = backend.load(&load_spec("llada", 8), &|told| {
        let mut heard = heard.lock().expect("nobody panics");
        heard.push((told.stage.to_owned(), told.done, told.total));
        ControlFlow::Continue(())
    });
    let model = model.expect("it loads");
    let heard = heard.into_inner().expect("nobody panics");
    assert_eq!(heard, [("reading".to_owned(), 1, 2)]);
    let facts = model.facts();
    assert_eq!((facts.vocab, facts.max_positions), (8, 64));
    assert_eq!(
        facts.capabilities,
        Capabilities::BATCH | Capabilities::TOPK_OUTPUT | Capabilities::LEFT_PADDING
    );
    assert_eq!((&*facts.precision, &*facts.notes), ("f16", "old but sound"));

    let two = Run::whole(&[3, 1]).and(1, &[5], 2..3, 2..3);
    let mut session = session(&*model);
    let logits = run(&mut *session, 8, &two).expect("it computes");
    let best = |row: &[f32]| row.iter().position(|&score| score == 1.0);
    assert_eq!(
        [0, 1, 2].map(|at| best(logits.row(at))),
        [Some(3), Some(1), Some(5)]
    );
    let mut top = TopRows::default();
    top.reset(3, 1);
    session
        .forward_top(&two.pass(&CancelFlag::new()), top.view())
        .expect("it computes");
    assert_eq!([0, 1, 2].map(|at| top.ids(at)[0]), [3, 1, 5].map(TokenId));
}

#[test]
fn a_plugin_of_abi_1_0_has_none_of_the_later_abilities() {
    let file = old_plugin();
    let backend = open(&file.path);
    drop(model(&*backend, "llada"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exported = backend.export(&load_spec("llada", 8), folder.path(), &|_| {
        ControlFlow::Continue(())
    });
    assert!(
        matches!(exported, Err(BackendError::Unsupported(_))),
        "{exported:?}"
    );
}
