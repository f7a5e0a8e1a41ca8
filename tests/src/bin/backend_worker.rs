//! A worker for isolated backends, as the program's own subcommand is one: for tests without the program.

fn main() -> std::io::Result<()> {
    let channel = std::env::args().nth(1).unwrap_or_default();
    unmask_core::plugin::isolate::serve(channel)
}
