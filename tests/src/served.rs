//! `unmask serve` in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program::{Home, program};

/// `unmask serve`, until it is dropped.
pub struct Served {
    child: Child,
    /// Where it answers, with a slash at its end.
    pub address: String,
}

impl Served {
    /// Starts it in a home, on a port that is free.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(home: &Home, more: &[&str]) -> Self {
        Self::start_in(home, more, &[])
    }

    /// The same with `variables` besides those of the home.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_in(home: &Home, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program())
            .args(["serve", "--port", "0"])
            .args(more)
            .envs(home.environment())
            .envs(variables.iter().copied())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("it was piped");
        let mut address = String::new();
        BufReader::new(output)
            .read_line(&mut address)
            .expect("it says where it listens");
        assert!(address.starts_with("http://"), "no address: {address:?}");
        Self {
            child,
            address: format!("{}/", address.trim()),
        }
    }

    /// Of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
