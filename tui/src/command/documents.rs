//! `unmask completions` and `unmask man`: what the command line says of itself, for shells and for the manual.

use std::fs;

use anyhow::Context as _;
use clap::CommandFactory as _;
use unmask_core::config::Environment;

use super::{code, print};
use crate::cli::{Cli, CompletionsArguments, ManArguments};

pub(super) fn completions(arguments: &CompletionsArguments) -> anyhow::Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "unmask", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(code::DONE)
}

pub(super) fn man(environment: &Environment, arguments: &ManArguments) -> anyhow::Result<u8> {
    let folder = environment.expand(&arguments.folder);
    let writing = || format!("cannot write the manual into {}", folder.display());
    fs::create_dir_all(&folder).with_context(writing)?;
    clap_mangen::generate_to(Cli::command(), &folder).with_context(writing)?;
    Ok(code::DONE)
}
