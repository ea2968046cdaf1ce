//! Who is put into an arm.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A user, a session, a device: what an experiment assigns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// Its id.
    pub id: &'a str,
    /// The attribute that the id is the value of; none for the one that the service itself means
    /// by an id (`id`, `userId`, `key`, ...).
    pub unit: Option<&'a str>,
    /// What else is known of it, in the shape that the service's SDK takes it.
    pub attributes: Option<&'a Map<String, Value>>,
    /// Assignments that were stored before, in the shape of the service's SDK.
    pub stored: Option<&'a Map<String, Value>>,
    /// The page that is being visited.
    pub url: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// Of whom nothing but the id is known.
    pub fn of(id: &'a str) -> Subject<'a> {
        Subject { id, ..Subject::default() }
    }

    /// With these attributes.
    pub fn with(self, attributes: &'a Map<String, Value>) -> Subject<'a> {
        Subject { attributes: Some(attributes), ..self }
    }

    /// With the id under the name of an attribute.
    pub fn known_as(self, unit: &'a str) -> Subject<'a> {
        Subject { unit: Some(unit), ..self }
    }

    /// The id, when this is the attribute that it is the value of; `own` is the service's name.
    #[inline]
    pub fn id_as(&self, name: &str, own: &str) -> Option<&'a str> {
        (self.unit.unwrap_or(own) == name).then_some(self.id)
    }

    /// An attribute; `own` is the service's name for an id.
    pub fn attribute(&self, name: &str, own: &str) -> Option<Cow<'a, Value>> {
        match self.id_as(name, own) {
            Some(id) => Some(Cow::Owned(Value::String(id.to_owned()))),
            None => self.attributes.and_then(|all| all.get(name)).map(Cow::Borrowed),
        }
    }

    /// All attributes as one object, with the id under its name; `own` is the service's.
    pub fn object(&self, own: &str) -> Map<String, Value> {
        let mut all = self.attributes.cloned().unwrap_or_default();
        all.insert(self.unit.unwrap_or(own).to_owned(), Value::String(self.id.to_owned()));
        all
    }
}
