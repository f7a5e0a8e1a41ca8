//! Says `cfg(mlx)` where the network is built, so that the sources need not repeat on which systems MLX there is, and where the
//! library lies that `linux/cargo.sh` has fetched.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(mlx)");
    println!("cargo::rerun-if-changed=build.rs");
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let metal = has("METAL") && target("OS") == "macos" && target("ARCH") == "aarch64";
    if metal || (has("LINUX_CPU") && target("OS") == "linux") {
        println!("cargo::rustc-cfg=mlx");
    }
    if let Ok(libraries) = env::var("DEP_MLX_LIBRARIES") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    }
}
