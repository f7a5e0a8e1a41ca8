//! The `unmask` binary: reads the command line and hands over to a command, or to the screen.

mod cli;
mod command;

use clap::Parser;

fn main() {
    let code = match cli::Cli::try_parse() {
        Ok(cli) => command::run(&cli),
        Err(error) => command::refuse(&error),
    };
    leave(code);
}

/// Leaves without running the exit handlers of loaded libraries: the engine's thread may still compute in one of them, or
/// be letting go of its model there. All output has been flushed by now.
#[cfg(unix)]
fn leave(code: u8) -> ! {
    signal_hook::low_level::exit(i32::from(code))
}

/// Libraries are not told of the end before threads are gone here.
#[cfg(not(unix))]
fn leave(code: u8) -> ! {
    std::process::exit(i32::from(code))
}
