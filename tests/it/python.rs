//! Services of the tests, in Python or for Node: each prints its port, and is ended with its test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::environment::Environment;

/// A service that runs.
pub(crate) struct Service {
    process: Child,
    pub(crate) url: String,
}

impl Service {
    /// Starts `service.py` of a workspace, in its folder. It may import `serving`.
    pub(crate) fn start(environment: &Environment, more: &[&str]) -> Service {
        environment.write("serving.py", include_str!("serving.py"));
        let words = [&["service.py"], more].concat();
        Service::run(environment, "python3", &words)
    }

    /// Starts `service.mjs` of a workspace with Node.
    pub(crate) fn start_node(environment: &Environment, more: &[&str]) -> Service {
        Service::run(environment, "node", &[&["service.mjs"], more].concat())
    }

    fn run(environment: &Environment, program: &str, words: &[&str]) -> Service {
        let mut process = Command::new(program)
            .args(words)
            .current_dir(environment.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Service { process, url: format!("http://127.0.0.1:{}", port.trim()) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
