//! A plugin whose every answer is read from a list of bytes.

#![expect(unsafe_code, reason = "it stands for C")]

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_void};

use unmask_api::abi::{
    ABI_MAJOR, ABI_MINOR, DeviceRow, ErrorSlot, EstimateRow, FactsRow, HostTable, LoadTable,
    LogitsTable, NO_DEVICE, OK, PassTable, Plugin, ProbeRow, SessionTable, Sink, Status, Text,
    TopTable, size_u32,
};

thread_local! {
    /// What the functions below say; the host calls them on the thread of the test.
    static SCRIPT: RefCell<Script> = RefCell::new(Script::new(Vec::new()));
    /// Handles that were given out and not freed.
    static HANDLES: Cell<i64> = const { Cell::new(0) };
}

/// What is to be said, in order; zeros follow.
pub(super) struct Script {
    bytes: std::vec::IntoIter<u8>,
}

/// Counts what the host holds of the plugin.
pub(super) struct Handles;

impl Handles {
    pub(super) fn left(&self) -> i64 {
        HANDLES.get()
    }
}

/// Lets the plugin of this thread say what the script holds.
pub(super) fn play(script: Script) -> Handles {
    SCRIPT.set(script);
    HANDLES.set(0);
    Handles
}

impl Script {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into_iter(),
        }
    }

    fn byte(&mut self) -> u8 {
        self.bytes.next().unwrap_or(0)
    }

    /// Often small, often at the edges, otherwise anything.
    fn number(&mut self) -> u64 {
        match self.byte() % 8 {
            0..3 => u64::from(self.byte() % 9),
            3 => u64::from(self.byte()) * 17,
            4 => u64::MAX - u64::from(self.byte() % 3),
            5 => u64::from(u32::MAX) - u64::from(self.byte() % 3),
            6 => 1 << (self.byte() % 64),
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    fn word(&mut self) -> u32 {
        self.number() as u32
    }

    /// Mostly success, so that the rest is reached.
    fn status(&mut self) -> Status {
        match self.byte() % 32 {
            0..30 => OK,
            30 => -Status::from(self.byte() % 12),
            _ => self.word() as Status,
        }
    }

    fn score(&mut self) -> f32 {
        match self.byte() {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::from_bits(self.word()),
            3 => -0.0,
            _ => f32::from(self.byte()) / 8.0,
        }
    }

    /// A few bytes, in no alphabet.
    fn words(&mut self) -> Vec<u8> {
        let n = usize::from(self.byte()) % 13;
        (0..n).map(|_| self.byte()).collect()
    }

    /// Mostly one text; also none, several, or one that lies nowhere.
    fn put(&mut self, sink: Sink) {
        let times = match self.byte() % 8 {
            0 => 0,
            1 => usize::from(self.byte()),
            _ => 1,
        };
        let Some(put) = sink.put else { return };
        for _ in 0..times {
            let words = self.words();
            let ptr = match self.byte() {
                0 => std::ptr::null(),
                _ => words.as_ptr(),
            };
            let len = words.len();
            // SAFETY: the host's sink, during its call; the bytes live for it, or are nowhere.
            unsafe { put(sink.context, Text { ptr, len }) };
        }
    }

    /// NUL-terminated or null, and kept for good, as a plugin's texts are.
    fn text(&mut self) -> *const c_char {
        let kind = self.byte();
        let n = match kind % 4 {
            0 => return std::ptr::null(),
            1 => 70,
            _ => usize::from(self.byte() % 20),
        };
        let mut text: Vec<u8> = (0..n).map(|_| self.byte().max(1)).collect();
        text.push(0);
        Vec::leak(text).as_ptr().cast()
    }

    /// A table whose first words, size, texts and functions may each be wrong.
    pub(super) fn wild_table(&mut self) -> Plugin {
        let mut table = self.sound_table();
        macro_rules! spoil {
            ($($field:ident = $value:expr),* $(,)?) => {
                $(if self.byte() % 16 == 7 { table.$field = $value; })*
            };
        }
        spoil! {
            abi_major = self.word(), abi_minor = self.word(), struct_size = self.word(), reserved = self.word(),
            name = self.text(), version = self.text(), runtimes = self.text(), init = None, probe = None, device = None,
            check = None, model_load = None, model_facts = None, model_free = None, session_open = None,
            session_free = None, forward = None, read_logits = None, read_top = None, slot_copy = None,
            slot_clear = None, session_reserve = None, model_export = None,
        }
        table
    }

    /// A table as it should be, perhaps without what is optional.
    pub(super) fn sound_table(&mut self) -> Plugin {
        let has = self.byte();
        Plugin {
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            struct_size: size_u32::<Plugin>(),
            reserved: 0,
            name: c"hostile".as_ptr(),
            version: c"0".as_ptr(),
            runtimes: std::ptr::null(),
            init: Some(init),
            probe: Some(probe),
            device: Some(device),
            check: Some(check),
            model_load: Some(model_load),
            model_facts: Some(model_facts),
            model_free: Some(free),
            session_open: Some(session_open),
            session_free: Some(free),
            forward: Some(forward),
            read_logits: Some(read_logits),
            read_top: (has & 3 != 0).then_some(read_top),
            slot_copy: (has & 24 != 0).then_some(slot_copy),
            slot_clear: Some(on_number),
            session_reserve: Some(on_number),
            model_export: (has & 4 != 0).then_some(model_export),
        }
    }
}

/// Runs `say` with the script, then fails as it says, with whatever words.
///
/// # Safety
/// `error` is the host's slot.
unsafe fn answer(error: *mut ErrorSlot, say: impl FnOnce(&mut Script)) -> Status {
    SCRIPT.with_borrow_mut(|script| {
        say(script);
        // SAFETY: promised by the caller.
        script.put(unsafe { (*error).message });
        script.status()
    })
}

/// As [`answer`]; success gives a handle, or says so and gives none.
///
/// # Safety
/// Both are the host's.
unsafe fn hand_out(error: *mut ErrorSlot, handle: *mut *mut c_void) -> Status {
    let mut given = std::ptr::null_mut();
    // SAFETY: promised by the caller.
    let status = unsafe {
        answer(error, |script| {
            if script.byte() % 8 != 7 {
                given = std::ptr::from_mut(script).cast();
            }
        })
    };
    // SAFETY: as above. After a failure the host owns nothing, whatever is written.
    unsafe { handle.write(given) };
    if status == OK && !given.is_null() {
        HANDLES.set(HANDLES.get() + 1);
    }
    status
}

unsafe extern "C" fn init(host: *const HostTable, error: *mut ErrorSlot) -> Status {
    // SAFETY: the host passes its own table and slot.
    unsafe {
        answer(error, |script| {
            let words = script.words();
            let text = Text {
                ptr: words.as_ptr(),
                len: words.len(),
            };
            if let Some(log) = (*host).log {
                log((*host).context, script.word(), text, text);
            }
        })
    }
}

unsafe extern "C" fn probe(out: *mut ProbeRow, error: *mut ErrorSlot) -> Status {
    // SAFETY: both are the host's.
    unsafe {
        answer(error, |script| {
            (*out).score = script.word();
            script.put((*out).reason);
            script.put((*out).remedy);
        })
    }
}

unsafe extern "C" fn device(index: u32, out: *mut DeviceRow, error: *mut ErrorSlot) -> Status {
    let mut is_last = false;
    // SAFETY: both are the host's.
    let status = unsafe {
        answer(error, |script| {
            is_last = index > 1 && script.byte() % 2 == 0;
            (*out).kind = script.word();
            (*out).total_bytes = script.number();
            (*out).free_bytes = script.number();
            (*out).ranked = (*out).kind & 1;
            script.put((*out).id);
            script.put((*out).name);
            script.put((*out).precisions);
        })
    };
    match is_last {
        true => NO_DEVICE,
        false => status,
    }
}

unsafe extern "C" fn check(
    _: *const LoadTable,
    out: *mut EstimateRow,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: both are the host's.
    unsafe {
        answer(error, |script| {
            (*out).threads = script.word();
            (*out).weights_bytes = script.number();
            (*out).cell_bytes = script.number();
        })
    }
}

unsafe extern "C" fn model_load(
    spec: *const LoadTable,
    model: *mut *mut c_void,
    error: *mut ErrorSlot,
) -> Status {
    let (words, done, total) =
        SCRIPT.with_borrow_mut(|script| (script.words(), script.number(), script.number()));
    let stage = Text {
        ptr: words.as_ptr(),
        len: words.len(),
    };
    // SAFETY: all are the host's; the text lives for the call. It may ignore that it is asked to stop.
    unsafe {
        if let Some(progress) = (*spec).progress {
            progress((*spec).context, stage, done, total);
        }
        hand_out(error, model)
    }
}

unsafe extern "C" fn model_export(_: *const LoadTable, _: Text, error: *mut ErrorSlot) -> Status {
    // SAFETY: it is the host's.
    unsafe { answer(error, |_| ()) }
}

unsafe extern "C" fn model_facts(
    _: *const c_void,
    out: *mut FactsRow,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: both are the host's.
    unsafe {
        answer(error, |script| {
            (*out).vocab = script.word();
            (*out).max_positions = script.word();
            (*out).memory_bytes = script.number();
            (*out).cell_bytes = script.number();
            (*out).capabilities = script.number();
            script.put((*out).precision);
            script.put((*out).notes);
        })
    }
}

unsafe extern "C" fn free(_: *mut c_void) {
    HANDLES.set(HANDLES.get() - 1);
}

unsafe extern "C" fn session_open(
    _: *const c_void,
    _: *const SessionTable,
    session: *mut *mut c_void,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: both are the host's.
    unsafe { hand_out(error, session) }
}

unsafe extern "C" fn forward(_: *mut c_void, _: *const PassTable, error: *mut ErrorSlot) -> Status {
    // SAFETY: the host's slot.
    unsafe { answer(error, |_| ()) }
}

unsafe extern "C" fn slot_copy(_: *mut c_void, _: u32, _: u32, error: *mut ErrorSlot) -> Status {
    // SAFETY: the host's slot.
    unsafe { answer(error, |_| ()) }
}

unsafe extern "C" fn on_number(_: *mut c_void, _: u32, error: *mut ErrorSlot) -> Status {
    // SAFETY: the host's slot.
    unsafe { answer(error, |_| ()) }
}

unsafe extern "C" fn read_logits(
    _: *mut c_void,
    out: *const LogitsTable,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: the host's table and slot, and room for `logits_len` scores.
    unsafe {
        let out = &*out;
        answer(error, |script| {
            std::slice::from_raw_parts_mut(out.logits, out.logits_len).fill_with(|| script.score());
        })
    }
}

unsafe extern "C" fn read_top(
    _: *mut c_void,
    out: *const TopTable,
    error: *mut ErrorSlot,
) -> Status {
    // SAFETY: the host's table, with room for `rows_len` rows of `k`.
    unsafe {
        let out = &*out;
        let (rows, n) = (out.rows_len as usize, out.k as usize);
        answer(error, |script| {
            // As it should be, the best first; then perhaps one number that is not.
            let spoilt = usize::from(script.byte() % 8);
            let good = script.byte() % 2 == 0;
            for at in 0..rows * n {
                let (id, score) = ((at % n) as u32, (n - at % n) as f32);
                let is_kept = good && at != spoilt;
                out.ids
                    .add(at)
                    .write(if is_kept { id } else { script.word() });
                let score = if is_kept { score } else { script.score() };
                out.logits.add(at).write(score);
            }
            for row in 0..rows {
                let is_kept = good && row + 6 != spoilt;
                let listed: f64 = (1..n).map(|rank| (-(rank as f64)).exp()).sum();
                let tail = if is_kept {
                    listed
                } else {
                    script.score().into()
                };
                let entropy = if is_kept { 0.0 } else { script.score().into() };
                out.tail.add(row).write(tail);
                out.entropy.add(row).write(entropy);
            }
        })
    }
}
