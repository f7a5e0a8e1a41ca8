//! `unmask backend-worker`: one backend in a process of its own, started by the program and not by people.

use anyhow::Context as _;
use unmask_core::plugin::isolate::serve;

use super::code;
use crate::cli::BackendWorker;

pub(super) fn run(arguments: &BackendWorker) -> anyhow::Result<u8> {
    let served = serve(arguments.channel.clone());
    served.context("cannot reach the program that this process is to serve")?;
    Ok(code::DONE)
}
