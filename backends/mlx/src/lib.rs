//! Runs networks with [MLX](https://github.com/ml-explore/mlx): on the GPU of Apple silicon, and on Linux's processor for
//! tests.
//!
//! `lib` is the factory, `device` what can be computed on, `session` a loaded model's conversations, `models/` the networks.
//! Below them: `loader` fetches matrices (`matrix`, made of a file's `bytes`) under the `names` that a folder gives them,
//! and `store` keeps quantised ones on the disk; `layers`, `attention`, `rope`, `slot` and `output` are what a pass is made of
//! beside matrix products. `present` is the backend itself; in builds without MLX there is `absent` alone.

#[cfg(not(mlx))]
mod absent;
#[cfg(mlx)]
mod attention;
#[cfg(mlx)]
mod bytes;
#[cfg(mlx)]
mod device;
#[cfg(mlx)]
mod layers;
#[cfg(mlx)]
mod loader;
#[cfg(mlx)]
mod matrix;
#[cfg(mlx)]
mod models;
#[cfg(mlx)]
mod names;
#[cfg(mlx)]
mod output;
#[cfg(mlx)]
mod precision;
#[cfg(mlx)]
mod present;
#[cfg(mlx)]
mod rope;
#[cfg(mlx)]
mod session;
#[cfg(mlx)]
mod slot;
#[cfg(mlx)]
mod store;
#[cfg(all(test, mlx))]
mod tests;

/// The backend; holds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mlx;

unmask_sdk::export_backend! { name: "mlx", version: env!("CARGO_PKG_VERSION"), backend: Mlx }
