//! Who synthetic visitors are, and which arm each belongs in.

use std::collections::{BTreeMap, HashMap};

use bucketing::{Assign, Subject};
use gate_core::{Context, Error};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::seen::{Visitor, Way};
use crate::settings::{KnownBy, NUMBER, ProviderSpec, Settings};

/// How many ids are tried for each visitor before the arms of browsers are dealt as they fall.
const TRIES: u32 = 200;

/// What stands for itself in a cookie, a header and an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// An id as it is sent.
pub(super) fn encoded(id: &str) -> String {
    utf8_percent_encode(id, PLAIN).to_string()
}

/// The experiment as the service's SDKs know it.
pub(crate) struct Replica {
    own: Box<dyn Assign>,
    /// The same for SDKs that hash another encoding of a text, by its name.
    others: Vec<(&'static str, Box<dyn Assign>)>,
    /// The name of an arm in the spec by the service's.
    names: HashMap<String, String>,
    /// The page, for rules that look at it, and what else they are told.
    page: String,
    attributes: Map<String, Value>,
}

impl Replica {
    /// Reads the service's configuration.
    pub(crate) fn new(spec: &Settings, page: &str, cx: &Context) -> Result<Replica, Error> {
        let Some(provider) = &spec.provider else {
            return Err(Error::new("nothing says which service puts visitors into arms")
                .hint("say it in provider"));
        };
        let config = match &provider.config {
            None => Value::Null,
            Some(path) => {
                let path = cx.spec_folder().join(path);
                let bytes = gate_core::files::read(&path)?;
                serde_json::from_slice(&bytes).map_err(|error| {
                    Error::new(format!("{} is no JSON: {error}", path.display()))
                        .hint("export the configuration again, as it comes from the service")
                })?
            }
        };
        Replica::of(spec, provider, &config, page)
    }

    pub(super) fn of(
        spec: &Settings,
        provider: &ProviderSpec,
        config: &Value,
        page: &str,
    ) -> Result<Replica, Error> {
        let service = bucketing::find(&provider.kind).map_err(wrong)?;
        let key = &provider.experiment;
        let own = service.prepare(config, key, &provider.settings).map_err(wrong)?;
        let usual = provider.settings.get("encoding").map(String::as_str);
        let usual = usual.or(service.encodings.first().map(|first| first.name()));
        let mut others = Vec::new();
        for encoding in service.encodings.iter().filter(|one| Some(one.name()) != usual) {
            let mut settings = provider.settings.clone();
            settings.insert("encoding".to_owned(), encoding.name().to_owned());
            others.push((encoding.name(), service.prepare(config, key, &settings).map_err(wrong)?));
        }
        let mut names: HashMap<String, String> = HashMap::new();
        for arm in spec.split.keys() {
            let there = provider.arms.get(arm).unwrap_or(arm);
            names.insert(there.clone(), arm.clone());
        }
        let known = spec.before_launch.as_ref().and_then(|before| before.known_by.as_ref());
        let attributes = known.map(|known| known.attributes.clone()).unwrap_or_default();
        Ok(Replica { own, others, names, page: page.to_owned(), attributes })
    }

    /// The name in the spec of an arm that the service or a beacon names.
    pub(crate) fn name(&self, arm: &str) -> String {
        self.names.get(arm).cloned().unwrap_or_else(|| arm.to_owned())
    }

    /// The arm that this id belongs in.
    #[cfg(test)]
    pub(super) fn predicted(&self, id: &str) -> Option<String> {
        self.arm(&*self.own, id)
    }

    fn arm(&self, experiment: &dyn Assign, id: &str) -> Option<String> {
        // Whatever the service calls it: a visitor is known by one id.
        let subject = Subject::of(id).with(&self.attributes).known_as(experiment.unit());
        let subject = Subject { url: Some(&self.page), ..subject };
        experiment.assign(&subject).arm.map(|arm| self.name(arm))
    }

    /// A visitor with this id.
    fn visitor(&self, id: String, way: Way) -> Visitor {
        let predicted = self.arm(&*self.own, &id);
        let otherwise: BTreeMap<String, Option<String>> = self
            .others
            .iter()
            .map(|(name, other)| ((*name).to_owned(), self.arm(&**other, &id)))
            .filter(|(_, arm)| *arm != predicted)
            .collect();
        Visitor {
            id,
            way,
            predicted,
            otherwise,
            looks: Vec::new(),
            events: Vec::new(),
            has_converted: false,
            failed: None,
        }
    }
}

fn wrong(error: bucketing::Error) -> Error {
    let (place, message) = (&error.place, &error.message);
    let made = Error::new(format!("the configuration of the service: {place}: {message}"));
    match error.hint {
        Some(hint) => made.hint(hint),
        None => made,
    }
}

/// So many visitors, the first ones in browsers. As many of these are in each arm, as far as that
/// can be; the others fall as they fall.
pub(crate) fn visitors(
    replica: &Replica,
    spec: &Settings,
    known: &KnownBy,
    (all, browsers): (u32, u32),
    seed: u64,
) -> Vec<Visitor> {
    let arms: Vec<&str> =
        spec.arms().into_iter().filter(|arm| spec.split[*arm].fraction() > 0.0).collect();
    // The same for the same seed, and another for each run.
    let mark = format!("{:06x}", seed & 0xff_ffff);
    let mut dealt = 0_u32;
    let mut next = |way: Way| {
        let form = &known.ids[dealt as usize % known.ids.len()];
        dealt += 1;
        replica.visitor(form.replace(NUMBER, &format!("{mark}-{dealt}")), way)
    };
    let mut visitors: Vec<Visitor> = Vec::new();
    for at in 0..browsers {
        let wanted = arms[at as usize % arms.len()];
        let mut one = next(Way::Browser);
        for _ in 0..TRIES {
            if one.predicted.as_deref() == Some(wanted) {
                break;
            }
            one = next(Way::Browser);
        }
        visitors.push(one);
    }
    visitors.extend((browsers..all).map(|_| next(Way::Request)));
    visitors
}
