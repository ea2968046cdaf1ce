//! Which arm an experiment or feature-flag service puts a user into, to the bit as the service's
//! own SDKs compute it.
//!
//! One file (or folder) for each service reads the service's own configuration and prepares one
//! experiment or flag; a prepared one is asked for subject after subject. Pure: no clock, no
//! randomness, no input or output. Where the service draws lots or asks the clock, the answer says
//! that it cannot be predicted.
//!
//! What a configuration holds beyond what is read is let be; an operator, a matcher or a strategy
//! that is not known is an error with its place, as it would decide who is in.

#![expect(
    clippy::float_cmp,
    reason = "the services compare doubles so, and so do replicas of them"
)]
#![expect(clippy::option_option, reason = "not said, and said and not known, are two things")]
#![expect(clippy::match_bool, reason = "two outcomes side by side")]

mod addresses;
mod assignment;
mod config;
mod hashes;
mod named;
mod pattern;
mod providers;
mod script;
mod subject;
mod times;
mod versions;

pub mod absmartly;
pub mod eppo;
pub mod firebase;
pub mod flagd;
pub mod flagsmith;
pub mod generic;
pub mod growthbook;
pub mod launchdarkly;
pub mod optimizely;
pub mod posthog;
pub mod split;
pub mod statsig;
pub mod unleash;

use std::collections::BTreeMap;

use serde_json::Value;

pub use assignment::{Arm, Assignment, Bucket, Why};
pub use config::{Error, Node};
pub use hashes::Encoding;
pub use named::{Given, Input};
pub use providers::{Difference, all, differs, find};
pub use subject::Subject;

/// An experiment or flag that is ready to be asked.
pub trait Assign: std::fmt::Debug + Send + Sync {
    /// Where a subject is put.
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p>;

    /// The arms that it knows, in the configuration's order.
    fn arms(&self) -> &[Arm];

    /// The attribute that is hashed, by the service's name.
    fn unit(&self) -> &str;
}

/// The service's own number for named inputs of its hash, and the arm when weights were among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Hashed {
    /// In the service's numbers.
    pub bucket: Bucket,
    /// By the weights.
    pub arm: Option<String>,
}

type Prepare = fn(&Node<'_>, &str, &Given<'_>) -> Result<Box<dyn Assign>, Error>;

/// A service.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its name in specs and on the command line.
    pub name: &'static str,
    /// What it is and which configuration is read, for help.
    pub about: &'static str,
    /// What can be set for [`Provider::prepare`].
    pub settings: &'static [Input],
    /// The inputs of its hash, for [`Provider::hash`].
    pub inputs: &'static [Input],
    /// What its SDKs hash of a text, the usual first.
    pub encodings: &'static [Encoding],
    prepare: Prepare,
    hash: fn(&Given<'_>) -> Result<Hashed, Error>,
}

impl Provider {
    /// Reads the service's configuration and prepares the experiment or flag with this key.
    pub fn prepare(
        &self,
        config: &Value,
        key: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Assign>, Error> {
        (self.prepare)(&Node::root(config), key, &Given::new(settings, self.settings)?)
    }

    /// The bucket for these inputs.
    pub fn hash(&self, inputs: &BTreeMap<String, String>) -> Result<Hashed, Error> {
        (self.hash)(&Given::new(inputs, self.inputs)?)
    }
}

/// A key that the configuration does not have, with those that it has.
fn no_such<'k>(what: &str, key: &str, known: impl IntoIterator<Item = &'k str>) -> Error {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    let error = Error::new(key, format!("there is no such {what} in the configuration"));
    match known.len() {
        0 => error.hint(format!("it has no {what} at all")),
        1..=12 => error.hint(format!("it has {}", known.join(", "))),
        more => error.hint(format!("it has {} and {} more", known[..12].join(", "), more - 12)),
    }
}
