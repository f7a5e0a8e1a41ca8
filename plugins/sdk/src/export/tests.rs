//! The table called as a host would, in process. `init` is left out: it replaces the panic hook of the whole process.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::OnceLock;

use unmask_api::abi::{
    Collected, ErrorSlot, LogitsTable, PassTable, Plugin, ProbeRow, SessionTable, Sink, Status,
    size_u32,
};
use unmask_api::{
    Backend, BackendError, Device, ErrorCode, Estimate, LoadSpec, LogitsMut, Model, ModelFacts,
    Pass, Probe, Progress, Session, SessionSpec,
};

use super::{Export, table};

struct Fake;

impl Backend for Fake {
    fn name(&self) -> &str {
        "fake"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn probe(&self) -> Probe {
        panic!("no {}", "probe")
    }
    fn devices(&self) -> Vec<Device> {
        Vec::new()
    }
    fn check(&self, _: &LoadSpec) -> Result<Estimate, BackendError> {
        Ok(Estimate::default())
    }
    fn load(&self, _: &LoadSpec, _: &Progress<'_>) -> Result<Box<dyn Model>, BackendError> {
        Ok(Box::new(Fake))
    }
}

impl Model for Fake {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: 3,
            max_positions: 1,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: "f32".into(),
            capabilities: unmask_api::Capabilities::default(),
            notes: Vec::new(),
        }
    }
    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(Fake))
    }
}

impl Session for Fake {
    fn forward(&mut self, _: &Pass<'_>) -> Result<(), BackendError> {
        Ok(())
    }
    fn read_logits(&mut self, _: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        out.scores.fill(0.5);
        Ok(())
    }
}

struct Ready;
struct Unready;

macro_rules! export {
    ($type:ty) => {
        impl Export for $type {
            const NAME: &'static CStr = c"fake";
            const VERSION: &'static CStr = c"1";
            const RUNTIMES: Option<&'static CStr> = None;
            fn make() -> Box<dyn Backend> {
                Box::new(Fake)
            }
            fn cell() -> &'static OnceLock<Box<dyn Backend>> {
                static CELL: OnceLock<Box<dyn Backend>> = OnceLock::new();
                &CELL
            }
        }
    };
}
export!(Ready);
export!(Unready);

/// What a call that is given an error slot answers, and what it puts there.
fn call(body: impl FnOnce(*mut ErrorSlot) -> Status) -> (ErrorCode, String) {
    let mut said = Collected::default();
    let mut slot = ErrorSlot {
        struct_size: size_u32::<ErrorSlot>(),
        reserved: 0,
        message: Sink::into(&mut said),
    };
    let code = ErrorCode::from_status(body(&raw mut slot));
    (code, said.first().to_owned())
}

fn probe(plugin: &Plugin, slot: *mut ErrorSlot) -> Status {
    let mut row = ProbeRow {
        struct_size: size_u32::<ProbeRow>(),
        score: 0,
        reason: Sink::NOTHING,
        remedy: Sink::NOTHING,
    };
    let probe = plugin.probe.expect("it is exported");
    // SAFETY: both live for the call, or null.
    unsafe { probe(&raw mut row, slot) }
}

fn invalid(text: &str) -> (ErrorCode, String) {
    (ErrorCode::Invalid, text.to_owned())
}

#[test]
fn a_call_before_init_is_refused() {
    let said = call(|slot| probe(&table::<Unready>(), slot));
    assert_eq!(said, invalid("the host did not call `init` first"));
}

#[test]
fn a_panic_is_a_status_with_its_text_even_without_an_error_slot() {
    Ready::cell().get_or_init(Ready::make);
    let plugin = table::<Ready>();
    let (code, text) = call(|slot| probe(&plugin, slot));
    assert_eq!(code, ErrorCode::Panicked);
    assert_eq!(text, "the backend panicked: no probe; its log has more");
    let code = ErrorCode::from_status(probe(&plugin, ptr::null_mut()));
    assert_eq!(code, ErrorCode::Panicked);
}

#[test]
fn a_session_refuses_null_tables_and_buffers_of_another_size() {
    let plugin = table::<Ready>();
    let model = super::session::handle(Box::new(Fake));
    let mut session: *mut c_void = ptr::null_mut();
    let open = plugin.session_open.expect("it is exported");
    let mut open = |requires| {
        let spec = SessionTable {
            struct_size: size_u32::<SessionTable>(),
            cells: 1,
            slots: 1,
            reserved: 0,
            requires,
        };
        // SAFETY: all live for the call.
        call(|slot| unsafe { open(model, &raw const spec, &raw mut session, slot) })
    };
    let (code, text) = open(4);
    assert_eq!(code, ErrorCode::Unsupported, "{text}");
    assert_eq!(open(0).1, "");

    let forward = plugin.forward.expect("it is exported");
    // SAFETY: `session` is live, the table is null.
    let said = call(|slot| unsafe { forward(session, ptr::null(), slot) });
    assert_eq!(
        said,
        invalid("the host's pointer to the pass table is null")
    );
    // An older host that knows only the first words: the arrays are absent.
    let words = [12_u32, 1, 24];
    // SAFETY: `session` is live; the table is as long as it says.
    let said = call(|slot| unsafe { forward(session, words.as_ptr().cast::<PassTable>(), slot) });
    assert_eq!(said, invalid("the host's pointer to the rows is null"));

    let read = plugin.read_logits.expect("it is exported");
    let (rows, mut out) = ([0], [0.0_f32; 4]);
    let mut read = |len| {
        let table = LogitsTable {
            struct_size: size_u32::<LogitsTable>(),
            rows_len: 1,
            requires: 0,
            rows: rows.as_ptr(),
            logits: out.as_mut_ptr(),
            logits_len: len,
        };
        // SAFETY: `session` is live, `out` holds at least `len`.
        call(|slot| unsafe { read(session, &raw const table, slot) })
    };
    assert_eq!(
        read(4),
        invalid("the host's buffer holds 4 logits, the rows have 3")
    );
    assert_eq!(read(3).1, "");
    assert_eq!(out, [0.5, 0.5, 0.5, 0.0]);
    // SAFETY: each is freed once, the session first.
    unsafe {
        plugin.session_free.expect("it is exported")(session);
        plugin.model_free.expect("it is exported")(model);
    }
}
