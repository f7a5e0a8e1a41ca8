//! What the design holds against others' errors, as one table: each row of its chapter on security is a row here, through the
//! program and real sockets. What waits for clocks is a test of the server's own crate (`patience`), connections a peer are
//! one of `accept`, and every combination of Host, Origin, type and key one of `route`.

mod others;
mod rules;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;
use unmask_tests::program::Home;

use crate::server::{Server, read};

const KEY: &str = "0123456789abcdefghijklmnopq";
const OTHER_KEY: &str = "zyxwvutsrqponmlkjihgfedcba9";
const SECRET: &str = "nobody but us two";

/// Servers that the rows ask.
struct Rig {
    open: Server,
    /// It has keys and can be reached from elsewhere, its log holds no prompts.
    keyed: Server,
}

struct Row {
    /// As the design has it.
    against: &'static str,
    shown: fn(&Rig),
}

const fn row(against: &'static str, shown: fn(&Rig)) -> Row {
    Row { against, shown }
}

impl Rig {
    fn new() -> Self {
        let open = Server::start_with(&["--models", "all"], models);
        let flags = ["--host", "0.0.0.0", "--models", "all", "--key-file", "keys"];
        let mut keyed = Server::start_with(&flags, |home| {
            models(home);
            keys(home.path(), &format!("ann {KEY}\nben {OTHER_KEY}\n"), 0o600);
        });
        keyed.address = keyed.address.replace("0.0.0.0", "127.0.0.1");
        Self { open, keyed }
    }

    fn head(&self, method: &str, path: &str, headers: &str) -> String {
        head(&self.open.address, method, path, headers)
    }

    fn keyed_head(&self, method: &str, path: &str, headers: &str) -> String {
        head(&self.keyed.address, method, path, headers)
    }

    fn get_as(&self, host: &str, path: &str, headers: &str) -> u16 {
        read(
            self.open
                .connect(head(host, "GET", path, headers).as_bytes()),
        )
        .status
    }
}

fn head(host: &str, method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

fn chat(more: Value) -> String {
    crate::answers::body("Hello!", more)
}

/// The demo model, and one whose folder is not there.
fn models(home: &Home) {
    let folder = home.path().join("config/unmask");
    std::fs::create_dir_all(&folder).expect("it can be made");
    let file = "active_model_key = \"demo\"\n[available_models.demo]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n\
                [available_models.gone]\nframework = \"candle\"\nmodel_id = \"/there-is-no-such/folder\"\n";
    std::fs::write(folder.join("model_config.toml"), file).expect("it can be written");
}

fn keys(home: &Path, text: &str, mode: u32) {
    let file = home.join("keys");
    std::fs::write(&file, text).expect("the home is ours");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode))
            .expect("the file is ours");
    }
    #[cfg(not(unix))]
    let _ = mode;
}

fn log(server: &Server) -> String {
    std::fs::read_to_string(server.home().state("unmask.log")).expect("there is a log")
}

/// The id of an answer whose turn runs.
fn first_id(stream: &mut std::net::TcpStream) -> String {
    use std::io::Read as _;
    let (mut said, mut bytes) = (String::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut bytes).expect("it is answered");
        assert!(n > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..n]));
        if said.contains("\"role\":\"assistant\"")
            && let Some((_, rest)) = said.split_once("\"id\":\"")
            && let Some((id, _)) = rest.split_once('"')
        {
            return id.to_owned();
        }
    }
}

#[test]
fn what_others_got_wrong_is_held_against_us() {
    let rig = Rig::new();
    for row in others::ROWS.iter().chain(&rules::ROWS) {
        let shown = catch_unwind(AssertUnwindSafe(|| (row.shown)(&rig)));
        assert!(shown.is_ok(), "{}", row.against);
    }
}
