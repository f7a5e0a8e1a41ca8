//! Tells the tests which machine they are built for, so that they find its C compiler.

fn main() -> Result<(), std::env::VarError> {
    let target = std::env::var("TARGET")?;
    println!("cargo::rustc-env=UNMASK_TESTS_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
