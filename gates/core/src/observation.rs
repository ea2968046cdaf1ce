//! `gate-observation/v1`: what one attempt saw, as it lies in the store.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::schema_tag;
use crate::{Digest, Error, Inputs, Outcome, Store, UnitId};

schema_tag!(ObservationSchema, "gate-observation/v1");

/// A stored observation, with all that a judgement of it may look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Always `gate-observation/v1`.
    pub schema: ObservationSchema,
    /// The gate that measured.
    pub gate: String,
    /// Its kind.
    pub kind: String,
    /// The units that were measured.
    pub units: Vec<UnitId>,
    /// The recorded inputs.
    pub inputs: Inputs,
    /// The files of the store that the observation speaks of.
    pub refs: Vec<Digest>,
    /// What the gate saw, in its own shape.
    pub seen: Value,
    /// The outcome, from a plug-in that judges while it measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Outcome>,
}

impl Observation {
    /// Keeps the observation in the store.
    pub fn keep(&self, store: &Store) -> Result<Digest, Error> {
        store.put(&serde_json::to_vec_pretty(self)?)
    }

    /// Reads an observation back.
    pub fn load(store: &Store, digest: &Digest) -> Result<Observation, Error> {
        let bytes = store.get(digest)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(format!("the stored observation {} cannot be read: {error}", digest.short()))
        })
    }
}
