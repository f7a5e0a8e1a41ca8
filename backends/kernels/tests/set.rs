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

#[test]
fn sets_have_an_order_and_names_of_their_own() {
    let all = InstructionSet::ALL;
    assert!(all.is_sorted() && all.first() == Some(&InstructionSet::Portable));
    for (i, set) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|other| other.name() != set.name()));
    }
    assert!(InstructionSet::best().is_available());
}
