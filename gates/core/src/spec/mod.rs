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

/// Every secret that a tree names, with the path to where it stands.
pub fn secrets_in(node: &Node) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    collect_secrets(node, &mut Vec::new(), &mut found);
    found
}

fn collect_secrets(node: &Node, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    let mut below = |part: &str, node: &Node| {
        path.push(part.to_owned());
        collect_secrets(node, path, found);
        path.pop();
    };
    match node {
        Node::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| below(&index.to_string(), item));
        }
        Node::Map(fields) => fields.iter().for_each(|(name, value)| below(name, value)),
        Node::Text(text) => {
            // What is not well formed is reported when the field is read.
            let template = crate::values::Template::parse(text).unwrap_or_default();
            found.extend(template.secrets().map(|name| (path.clone(), name.to_owned())));
        }
        _ => {}
    }
}

/// The `with` of a spec, together with the way its placeholders are read.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// The tree below `with`; [`Node::Null`] when there is none.
    pub node: &'a Node,
    /// How placeholders are treated.
    pub reading: &'a Reading<'a>,
}

impl With<'_> {
    /// The settings as JSON, with plain variables filled in and secrets left as
    /// `${secret:NAME}`: for a kind whose fields are not known here.
    pub fn to_json(&self) -> Result<serde_json::Value, ReadError> {
        self.reading.json(self.node).map_err(|mut error| {
            error.path.push("with".to_owned());
            error.path.reverse();
            error
        })
    }

    /// Reads the settings as a `T`; the error's path begins at `with`.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, ReadError> {
        self.reading.read(self.node).map_err(|mut error| {
            error.path.insert(0, "with".to_owned());
            error
        })
    }
}
