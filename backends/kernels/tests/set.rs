//! Which instructions a pool uses.

use std::num::NonZeroUsize;
use std::process::Command;

use unmask_kernels::{InstructionSet, Pool, VARIABLE};

/// Calls itself with the variable set, since the environment of a test is not to be changed.
#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn a_pool_uses_what_the_variable_names() {
    let used = Pool::new(NonZeroUsize::MIN).map(|pool| pool.set());
    if let Ok(name) = std::env::var(VARIABLE) {
        match InstructionSet::available().find(|set| set.name() == name) {
            Some(set) => assert_eq!(used, Ok(set)),
            None if name.is_empty() => assert_eq!(used, Ok(InstructionSet::best())),
            None => assert!(used.is_err(), "{name} is not there"),
        }
        return;
    }
    assert_eq!(used, Ok(InstructionSet::best()));
    for name in InstructionSet::available()
        .map(InstructionSet::name)
        .chain(["sse9", ""])
    {
        let this = std::env::current_exe().expect("it has a path");
        let ran = Command::new(this)
            .args(["--exact", "a_pool_uses_what_the_variable_names"])
            .env(VARIABLE, name)
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(
            ran.status.success() && said.contains("1 passed"),
            "{name:?}: {said}"
        );
    }
}

/// Linux gives no tiles to a process with a stack for signals that they do not fit into. This one starts itself, to have one.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
#[expect(unsafe_code, reason = "no safe interface sets a stack for signals")]
fn what_the_system_refuses_is_left_out_unless_it_is_named() {
    const SMALL: &str = "UNMASK_TEST_SMALL_STACK";
    if std::env::var_os(SMALL).is_none() {
        let this = std::env::current_exe().expect("it has a path");
        let ran = Command::new(this)
            .args([
                "--exact",
                "what_the_system_refuses_is_left_out_unless_it_is_named",
            ])
            .env(SMALL, "1")
            .env_remove(VARIABLE)
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    // Asked first: a query must not be what gets the permission.
    let has_tiles = InstructionSet::Amx.is_available();
    let room = Vec::leak(vec![0_u8; 8192]);
    let stack = libc::stack_t {
        ss_sp: room.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: room.len(),
    };
    // SAFETY: the room is leaked.
    let set = unsafe { libc::sigaltstack(&raw const stack, std::ptr::null_mut()) };
    assert_eq!(set, 0, "a stack without tiles is large enough");
    let best = Pool::new(NonZeroUsize::MIN).expect("there is always one");
    assert!(best.set() < InstructionSet::Amx && best.set() >= InstructionSet::Portable);
    let named = Pool::with_set(NonZeroUsize::MIN, InstructionSet::Amx);
    assert!(named.is_err(), "has tiles: {has_tiles}");
}

#[test]
fn sets_have_an_order_and_names_of_their_own() {
    let all = InstructionSet::ALL;
    assert!(all.is_sorted() && all.first() == Some(&InstructionSet::Portable));
    for (i, set) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|other| other.name() != set.name()));
    }
    assert!(InstructionSet::best().is_available());
}
