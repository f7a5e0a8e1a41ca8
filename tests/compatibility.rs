//! Hosts and plugins of different ages: what both know is used, the rest is absent, and another major version is refused.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use unmask_api::{
    Attention, BackendError, CancelFlag, Capabilities, DeviceKind, Estimate, LoadSpec, Probe,
    TokenId, TopRequest, TopRows,
};
use unmask_core::plugin::load;
use unmask_tests::{
    Compiled, OwnedPass, compile_plugin, load_spec, model, open, root, run, session,
};

/// The published headers: where each is kept, and what it hashes to for good.
const FROZEN: [(&str, &str); 2] = [
    (
        "tests/frozen/v1_0",
        "b704db633cdf093dfe37f7f2e632b027ea0480c93b215e58cf86fe0ad81d0c2a",
    ),
    (
        "tests/frozen/v2_0",
        "0adf344c4939a030e65d445a572da145f1d3cca1b81bcf5ca5ebfaf39d587151",
    ),
];

fn old_plugin() -> Compiled {
    compile_plugin("tests/frozen/v2_0/plugin.c")
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
fn a_plugin_of_abi_1_is_refused_by_its_number() {
    let file = compile_plugin("tests/frozen/v1_0/plugin.c");
    let error = load(&file.path).map(|it| it.name().to_owned());
    let error = error.expect_err("it is another contract").to_string();
    assert_eq!(
        error.replace(&file.path.display().to_string(), "FILE"),
        "FILE speaks plugin ABI 1.0, this program speaks 2.1; rebuild it against unmask-sdk or unmask_backend.h of ABI 2"
    );
}

#[test]
fn a_plugin_of_abi_2_0_says_what_it_is() {
    let backend = open(&old_plugin().path);
    assert_eq!((backend.name(), backend.version()), ("old", "2.0.0"));
    assert_eq!(backend.probe(), Probe::Usable { score: 7 });
    let devices = backend.devices();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].kind, DeviceKind::Gpu);
    assert_eq!(
        (devices[0].free_bytes, devices[0].total_bytes),
        (1024, 2048)
    );
    assert_eq!(devices[0].precisions, ["f32", "f16"]);
    assert!(!devices[0].ranked, "it could not say so");
    let estimate = backend.check(&load_spec("llada", 8)).expect("it can be");
    let expected = Estimate {
        weights_bytes: 512,
        cell_bytes: 4,
        threads: 3,
    };
    assert_eq!(estimate, expected);
    let causal = LoadSpec {
        attention: Attention::Causal,
        ..load_spec("llada", 8)
    };
    let error = backend.check(&causal).expect_err("it is refused");
    assert_eq!(error.to_string(), "old: too new for an old card");
}

#[test]
fn a_plugin_of_abi_2_0_loads_and_computes() {
    let file = old_plugin();
    let backend = open(&file.path);
    let heard = Mutex::new(Vec::new());
    let model = backend.load(&load_spec("llada", 8), &|progress| {
        let mut heard = heard.lock().expect("nobody panics");
        heard.push((progress.stage.to_owned(), progress.done, progress.total));
        ControlFlow::Continue(())
    });
    let model = model.expect("it loads");
    let heard = heard.into_inner().expect("nobody panics");
    assert_eq!(heard, [("reading".to_owned(), 1, 2)]);
    let facts = model.facts();
    assert_eq!((facts.vocab, facts.max_positions), (8, 64));
    assert_eq!(
        facts.capabilities,
        Capabilities::BATCH
            | Capabilities::KV_CACHE
            | Capabilities::TOPK_OUTPUT
            | Capabilities::LEFT_PADDING
    );
    assert_eq!(&*facts.precision, "f16");
    assert_eq!(facts.notes, ["old but sound", "and proud of it"]);

    let two = OwnedPass::whole(&[3, 1])
        .and(1, &[5], [2])
        .kept_in([2])
        .seeing(2..3);
    let mut session = session(&*model);
    let logits = run(&mut *session, 8, &two).expect("it computes");
    let best = |row: &[f32]| row.iter().position(|&score| score == 1.0);
    assert_eq!(
        [0, 1, 2].map(|at| best(logits.row(at))),
        [Some(3), Some(1), Some(5)]
    );
    let request = TopRequest {
        rows: &[0, 2],
        asked: &[TokenId(3), TokenId(4)],
        ..TopRequest::default()
    };
    let mut top = TopRows::default();
    top.reset(&request, 1);
    session
        .read_top(&request, top.view())
        .expect("it reads the same output");
    assert_eq!([0, 1].map(|at| top.ids(at)[0]), [3, 5].map(TokenId));
    assert_eq!([0, 1].map(|at| top.asked(at)[0]), [1.0, 0.0]);
    session.copy_slot(1, 0).expect("slots are copied");
    session.clear_slot(1).expect("slots are cleared");
    session.reserve(32).expect("slots grow");
}

#[test]
fn a_plugin_of_abi_2_0_has_none_of_the_optional_abilities() {
    let file = old_plugin();
    let backend = open(&file.path);
    let mut session = session(&*model(&*backend, "llada"));
    let masked = OwnedPass::whole(&[1, 2]).masked(|_, _| true);
    let refused = session.forward(&masked.pass(&CancelFlag::new()));
    assert!(
        matches!(refused, Err(BackendError::Unsupported(_))),
        "{refused:?}"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let exported = backend.export(&load_spec("llada", 8), folder.path(), &|_| {
        ControlFlow::Continue(())
    });
    assert!(
        matches!(exported, Err(BackendError::Unsupported(_))),
        "{exported:?}"
    );
}

/// What hosts of other ages hear of a plugin: `tests/hosts/other.c`.
#[cfg(unix)]
mod hosts {
    use std::path::Path;
    use std::process::Command;

    use super::old_plugin;
    use unmask_tests::{Compiled, c_program, compile_plugin, plugin};

    fn host() -> Compiled {
        c_program(include_str!("hosts/other.c"))
    }

    /// What the plugin answers to `host` if that `knows` less, as much, or more.
    #[track_caller]
    fn said(host: &Compiled, plugin: &Path, knows: &str) -> String {
        let output = Command::new(&host.path).arg(plugin).arg(knows).output();
        let output = output.expect("it was just built");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{knows}: {output:?}\n{said}");
        said
    }

    /// What each of the examples says, whoever asks.
    const EXAMPLE: &str = "\
init 0
probe 0
score 1
device 0
device cpu; kind 0
check 0
weights 0
load 0
facts 0
facts f32; vocabulary 8
a check of tomorrow: -2
a load of tomorrow: -2
open 0
a session of tomorrow: -2
a pass of tomorrow: -2
forward 0
read 0
0.0000 1.0938 0.0000 0.0156 0.0156 0.0000 0.0000 0.0000
0.0000 0.0000 0.0312 0.0000 0.0000 0.0312 0.0000 1.4375
a reading of tomorrow: -2
read the best 0
3 0.0156, 4 0.0156, tail 5.922482, entropy 1.945885, asked 0.0156
7 1.4375, 2 0.0312, tail 1.440204, entropy 1.734215, asked 1.4375
a short reading of tomorrow: -2
copy 0
clear 0
reserve 0
done
";

    #[test]
    fn plugins_of_the_sdk_and_in_c_serve_hosts_that_know_less_as_much_and_more() {
        let (host, in_c) = (host(), compile_plugin("plugins/examples/c/toy.c"));
        for file in [plugin("example-toy"), in_c.path.clone()] {
            for knows in ["shorter", "same", "longer"] {
                assert_eq!(
                    said(&host, &file, knows),
                    EXAMPLE,
                    "{knows} {}",
                    file.display()
                );
            }
        }
    }

    #[test]
    fn a_plugin_of_abi_2_0_serves_a_host_that_knows_more() {
        let (host, old) = (host(), old_plugin());
        let said = said(&host, &old.path, "longer");
        let rows = "0.0000 1.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000\n\
                    0.0000 0.0000 1.0000 0.0000 0.0000 0.0000 0.0000 0.0000\n";
        assert!(said.contains(rows) && said.ends_with("done\n"), "{said}");
    }
}
