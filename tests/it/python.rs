//! Services of the tests, in Python: each prints its port, and is ended with its test.

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
        let mut process = Command::new("python3")
            .arg("service.py")
            .args(more)
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
