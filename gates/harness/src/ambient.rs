//! The one place of the harness that reads the process's surroundings.
#![expect(clippy::disallowed_methods, reason = "read once at the start, and handed on as data")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use gate_core::{Clock, Timestamp};

/// What the process was started with.
#[derive(Debug, Clone, Default)]
pub struct Ambient {
    /// The environment; what is not UTF-8 is left out.
    pub variables: BTreeMap<String, String>,
    /// The working directory.
    pub folder: PathBuf,
    /// The folder for temporary files.
    pub temporary: PathBuf,
}

impl Ambient {
    /// Reads it.
    pub fn read() -> std::io::Result<Ambient> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Ambient { variables, folder: std::env::current_dir()?, temporary: std::env::temp_dir() })
    }

    /// A variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Whether this is a pipeline, where nothing is decided by the way.
    pub fn is_ci(&self) -> bool {
        self.get("CI").is_some_and(|value| !matches!(value, "" | "0" | "false"))
    }

    /// The clock: the machine's, or the start that `GATE_CLOCK` fixes for tests.
    pub fn clock(&self) -> Result<Clock, String> {
        match self.get("GATE_CLOCK") {
            Some(text) => Ok(Clock::fixed(text.parse::<Timestamp>()?)),
            None => Ok(Clock::machine()),
        }
    }

    /// The seed: a new one, or the one that `GATE_SEED` fixes for tests.
    pub fn seed(&self) -> Result<u64, String> {
        match self.get("GATE_SEED") {
            Some(text) => text.parse().map_err(|_| format!("GATE_SEED is not a number: `{text}`")),
            None => Ok(random()),
        }
    }
}

/// Some bits that no other run has. The standard library seeds its hash maps with such.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}
