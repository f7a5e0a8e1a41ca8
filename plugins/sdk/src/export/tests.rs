//! The table called as a host would, in process. `init` is left out: it replaces the panic hook of the whole process.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::OnceLock;

use unmask_api::abi::{ErrorSlot, OK, PassTable, Plugin, ProbeRow, SessionTable, size_u32};
use unmask_api::{
    Backend, BackendError, Device, ErrorCode, LoadSpec, LogitsMut, Model, ModelFacts, Pass, Probe,
    Progress, Session, SessionSpec,
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
            precision: "f32".into(),
            capabilities: unmask_api::Capabilities::default(),
            notes: String::new(),
        }
    }
    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(Fake))
    }
}

impl Session for Fake {
    fn forward(&mut self, _: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
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

fn probe(plugin: &Plugin, slot: *mut ErrorSlot) -> ErrorCode {
    let mut row = ProbeRow {
        struct_size: size_u32::<ProbeRow>(),
        score: 0,
        reason: Default::default(),
        remedy: Default::default(),
    };
    let probe = plugin.probe.expect("it is exported");
    // SAFETY: both live for the call, or null.
    ErrorCode::from_status(unsafe { probe(&raw mut row, slot) })
}

#[test]
fn a_call_before_init_is_refused() {
    let mut slot = ErrorSlot::default();
    let code = probe(&table::<Unready>(), &raw mut slot);
    assert_eq!(code, ErrorCode::Invalid);
    assert_eq!(slot.message.read(), "the host did not call `init` first");
}

#[test]
fn a_panic_is_a_status_with_its_text_even_without_an_error_slot() {
    Ready::cell().get_or_init(Ready::make);
    let plugin = table::<Ready>();
    let mut slot = ErrorSlot::default();
    assert_eq!(probe(&plugin, &raw mut slot), ErrorCode::Panicked);
    assert_eq!(
        slot.message.read(),
        "the backend panicked: no probe; its log has more"
    );
    assert_eq!(probe(&plugin, ptr::null_mut()), ErrorCode::Panicked);
}

#[test]
fn a_session_refuses_a_null_pass_and_a_buffer_of_another_size() {
    let plugin = table::<Ready>();
    let model = super::session::handle(Box::new(Fake));
    let spec = SessionTable {
        struct_size: size_u32::<SessionTable>(),
        capacity: 1,
        slots: 1,
        reserved: 0,
    };
    let (mut session, mut slot): (*mut c_void, _) = (ptr::null_mut(), ErrorSlot::default());
    let open = plugin.session_open.expect("it is exported");
    // SAFETY: all live for the call.
    let opened = unsafe { open(model, &raw const spec, &raw mut session, &raw mut slot) };
    assert_eq!(opened, OK);

    let forward = plugin.forward.expect("it is exported");
    let mut out = [0.0_f32; 4];
    let mut run = |pass: *const PassTable, len| {
        // SAFETY: `session` is live, `out` holds at least `len`, the tables are live or null.
        let status = unsafe { forward(session, pass, out.as_mut_ptr(), len, &raw mut slot) };
        (ErrorCode::from_status(status), slot.message.read())
    };
    assert_eq!(
        run(ptr::null(), 3),
        (
            ErrorCode::Invalid,
            "the host's pointer to the pass table is null".to_owned()
        )
    );
    let pass = PassTable {
        struct_size: size_u32::<PassTable>(),
        rows_len: 0,
        tokens_len: 0,
        wanted_len: 1,
        rows: ptr::null(),
        tokens: ptr::null(),
        positions: ptr::null(),
        wanted: ptr::null(),
        cancel: ptr::null(),
    };
    assert_eq!(
        run(&raw const pass, 4),
        (
            ErrorCode::Invalid,
            "the host's buffer holds 4 logits, the pass wants 3".to_owned()
        )
    );
    assert_eq!(
        run(&raw const pass, 3),
        (
            ErrorCode::Invalid,
            "the host's pointer to the wanted rows is null".to_owned()
        )
    );
    // SAFETY: each is freed once, the session first.
    unsafe {
        plugin.session_free.expect("it is exported")(session);
        plugin.model_free.expect("it is exported")(model);
    }
}
