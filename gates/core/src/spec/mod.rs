//! Specs and `gate.yaml`: from text to types, with a position for every mistake.

mod config;
mod de;
mod diagnosis;
mod document;
mod documents;
mod suggest;
mod yaml;

pub use config::{Config, EnvironmentSpec, PluginSpec, Promotion, SecretSource};
pub use de::{ReadError, Reading};
pub use diagnosis::Diagnosis;
pub use document::{Header, LARGEST_FILE, SpecDocument, SpecFile, header_schema};
pub use suggest::did_you_mean;
pub use yaml::{Node, Position, Spot};

/// The `with` of a spec, together with the way its placeholders are read.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// The tree below `with`; [`Node::Null`] when there is none.
    pub node: &'a Node,
    /// How placeholders are treated.
    pub reading: &'a Reading<'a>,
}

impl With<'_> {
    /// Reads the settings as a `T`; the error's path begins at `with`.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, ReadError> {
        self.reading.read(self.node).map_err(|mut error| {
            error.path.insert(0, "with".to_owned());
            error
        })
    }
}
