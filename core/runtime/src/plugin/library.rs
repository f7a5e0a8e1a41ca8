//! From a file to a checked copy of its plugin table, without calling any of its functions.

#![expect(unsafe_code, reason = "shared libraries are foreign memory")]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::ffi::c_char;
use std::mem::{MaybeUninit, offset_of};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

use unmask_api::abi::{ABI_MAJOR, ENTRY, Plugin};

use super::trust::{Approval, HeldLibrary};
use super::{Granted, PluginError, elf};
use crate::config::REMOTE;

/// The longest name or version that is believed.
const LONGEST_WORD: usize = 64;
/// The longest text on runtimes that is believed: hundreds of packages.
const LONGEST_RUNTIMES: usize = 1 << 18;
/// A table shorter than this lacks functions that every plugin of this major version has.
const SHORTEST_TABLE: usize = offset_of!(Plugin, read_top);

/// What a file exports.
pub(super) struct Exports {
    /// Where its own table lies: the same for the same library.
    pub(super) address: usize,
    /// Our copy of it. What it was too short for is absent; required functions are there.
    pub(super) plugin: &'static Plugin,
    pub(super) name: String,
    pub(super) version: String,
    /// What it says of the libraries that it opens itself; empty if nothing.
    pub(super) runtimes: String,
}

/// Every library that was opened by its content, so that it is opened once: a copy of it is another one to the loader.
///
/// A static, as the loaded libraries are the process's.
static APPROVED: Mutex<BTreeMap<Approval, &'static libloading::Library>> =
    Mutex::new(BTreeMap::new());

/// Maps `library` for good, and reads its table.
pub(super) fn read(library: &Granted) -> Result<Exports, PluginError> {
    let opened = match library.approval() {
        None => mapped(library)?,
        Some(approval) => {
            let mut known = APPROVED.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get(approval).copied() {
                Some(opened) => opened,
                None => {
                    let opened = mapped(library)?;
                    known.insert(approval.clone(), opened);
                    opened
                }
            }
        }
    };
    let path = library.path();
    inspect(entry(path, opened)?, path)
}

/// Tests the table of the plugin at `path`, calling nothing of it.
pub(super) fn inspect(table: NonNull<Plugin>, path: &Path) -> Result<Exports, PluginError> {
    let broken = |what: String| PluginError::Table {
        path: path.to_owned(),
        what,
    };
    if !table.is_aligned() {
        return Err(broken("UNMASK_PLUGIN is not aligned as a table".to_owned()));
    }
    let plugin = copy(table, path)?;
    if let Some(function) = first_missing(&plugin) {
        return Err(broken(format!("its function `{function}` is null")));
    }
    let word = |ptr, what: &str| {
        // SAFETY: by contract null or a static NUL-terminated text, read up to its NUL.
        unsafe { short_text(ptr, LONGEST_WORD) }
            .ok_or_else(|| broken(format!("its {what} is missing, empty or endless")))
    };
    let name = word(plugin.name, "name")?;
    if name == REMOTE {
        return Err(broken(format!(
            "it calls itself `{REMOTE}`, which means models of other servers"
        )));
    }
    let runtimes = match plugin.runtimes.is_null() {
        true => String::new(),
        // SAFETY: by contract a static NUL-terminated text, read up to its NUL.
        false => unsafe { short_text(plugin.runtimes, LONGEST_RUNTIMES) }
            .ok_or_else(|| broken("what it says of its runtimes is empty or endless".to_owned()))?,
    };
    Ok(Exports {
        address: table.addr().get(),
        name,
        version: word(plugin.version, "version")?,
        runtimes,
        plugin: Box::leak(Box::new(plugin)),
    })
}

fn mapped(library: &Granted) -> Result<&'static libloading::Library, PluginError> {
    let refused = |reason: String| PluginError::Open {
        path: library.path().to_owned(),
        reason,
    };
    let held = HeldLibrary::of(library)?;
    if let Some(reason) = elf::cut_short(held.path()) {
        return Err(refused(reason));
    }
    let opened = open(held.path()).map_err(|error| refused(reason(&error, held.path())))?;
    // Never unloaded: threads and thread-local destructors of the plugin may outlive us.
    Ok(Box::leak(Box::new(opened)))
}

/// The table in `library`, which was found as `path`.
fn entry(
    path: &Path,
    library: &'static libloading::Library,
) -> Result<NonNull<Plugin>, PluginError> {
    // SAFETY: only the address is taken: a symbol asked for as a pointer is where the static lies.
    let symbol = unsafe { library.get::<*const Plugin>(ENTRY) };
    let address = symbol.ok().and_then(|found| NonNull::new(found.cast_mut()));
    address.ok_or_else(|| PluginError::NoEntry {
        path: path.to_owned(),
    })
}

/// The loader's words, which the error's Display hides in its source; some loaders begin with the path, which we say anyway.
fn reason(error: &libloading::Error, path: &Path) -> String {
    let words = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let path = format!("{}: ", path.display());
    words
        .strip_prefix(&path)
        .map_or(words.clone(), ToOwned::to_owned)
}

/// Resolves every symbol now, so that a missing one is an error here and not the end of the process at its first call.
#[cfg(unix)]
fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: runs the library's constructors; it is ours, or the user vouches for it.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

/// Searches the plugin's own folder for the libraries that it needs.
#[cfg(windows)]
fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};
    // SAFETY: runs the library's constructors; it is ours, or the user vouches for it.
    unsafe { Library::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }.map(Into::into)
}

/// Checks version and size, then copies as much of the table as both sides know.
fn copy(table: NonNull<Plugin>, path: &Path) -> Result<Plugin, PluginError> {
    let words = table.cast::<[u32; 3]>();
    // SAFETY: by contract the symbol is a static table, and its first three words never move.
    let [major, minor, size] = unsafe { words.read() };
    if major != ABI_MAJOR {
        return Err(PluginError::Version {
            path: path.to_owned(),
            major,
            minor,
        });
    }
    let size = size as usize;
    if size < SHORTEST_TABLE {
        return Err(PluginError::Table {
            path: path.to_owned(),
            what: format!("its table has {size} bytes, at least {SHORTEST_TABLE} are needed"),
        });
    }
    // Only whole fields: after the first words all are pointers.
    let known = size.min(size_of::<Plugin>()) / align_of::<Plugin>() * align_of::<Plugin>();
    let mut copy = MaybeUninit::<Plugin>::zeroed();
    // SAFETY: `known` bytes lie in both tables; all zero is a valid `Plugin` whose functions are absent, and the plugin's
    // part is a valid table by contract.
    unsafe {
        ptr::copy_nonoverlapping(table.as_ptr().cast::<u8>(), copy.as_mut_ptr().cast(), known);
        Ok(copy.assume_init())
    }
}

fn first_missing(plugin: &Plugin) -> Option<&'static str> {
    let functions = [
        ("init", plugin.init.is_some()),
        ("probe", plugin.probe.is_some()),
        ("device", plugin.device.is_some()),
        ("check", plugin.check.is_some()),
        ("model_load", plugin.model_load.is_some()),
        ("model_facts", plugin.model_facts.is_some()),
        ("model_free", plugin.model_free.is_some()),
        ("session_open", plugin.session_open.is_some()),
        ("session_free", plugin.session_free.is_some()),
        ("forward", plugin.forward.is_some()),
        ("read_logits", plugin.read_logits.is_some()),
    ];
    let missing = functions.iter().find(|(_, there)| !there);
    missing.map(|(name, _)| *name)
}

/// The text at `ptr`, bad UTF-8 replaced; `None` if it is null, empty or longer than `longest` bytes.
///
/// # Safety
/// `ptr` is null or readable up to the first NUL.
unsafe fn short_text(ptr: *const c_char, longest: usize) -> Option<String> {
    let start = NonNull::new(ptr.cast_mut().cast::<u8>())?;
    let mut bytes = Vec::new();
    while bytes.len() <= longest {
        // SAFETY: no NUL came before this byte.
        match unsafe { start.add(bytes.len()).read() } {
            0 => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return (!text.is_empty()).then_some(text);
            }
            byte => bytes.push(byte),
        }
    }
    None
}
