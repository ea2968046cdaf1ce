//! The services that are known.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::Error;
use crate::{Encoding, Provider, Subject};

/// All of them; a new one is a file and a line here.
pub fn all() -> &'static [Provider] {
    &[
        crate::growthbook::PROVIDER,
        crate::unleash::PROVIDER,
        crate::optimizely::PROVIDER,
        crate::launchdarkly::PROVIDER,
        crate::posthog::PROVIDER,
        crate::statsig::PROVIDER,
        crate::split::PROVIDER,
        crate::eppo::PROVIDER,
        crate::flagd::PROVIDER,
        crate::absmartly::PROVIDER,
        crate::firebase::PROVIDER,
        crate::flagsmith::PROVIDER,
        crate::generic::PROVIDER,
    ]
}

/// The one with this name.
pub fn find(name: &str) -> Result<&'static Provider, Error> {
    all().iter().find(|provider| provider.name == name).ok_or_else(|| {
        let names: Vec<&str> = all().iter().map(|provider| provider.name).collect();
        Error::new("provider", format!("\"{name}\" is not known"))
            .hint(format!("it is one of {}", names.join(", ")))
    })
}

/// An id that SDKs of one service would put into different places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The id.
    pub id: String,
    /// The arm in each encoding, in the order asked for.
    pub arms: Vec<Option<String>>,
}

/// Which of these ids get another arm in one of these encodings than in another.
pub fn differs<'i>(
    provider: &Provider,
    config: &Value,
    key: &str,
    settings: &BTreeMap<String, String>,
    encodings: &[Encoding],
    ids: impl IntoIterator<Item = &'i str>,
) -> Result<Vec<Difference>, Error> {
    let prepare = |encoding: &Encoding| {
        let mut settings = settings.clone();
        settings.insert("encoding".to_owned(), encoding.name().to_owned());
        provider.prepare(config, key, &settings)
    };
    let prepared = encodings.iter().map(prepare).collect::<Result<Vec<_>, _>>()?;
    let mut different = Vec::new();
    for id in ids.into_iter().filter(|id| !id.is_ascii()) {
        let arm = |experiment: &dyn crate::Assign| {
            let subject = Subject::of(id).known_as(experiment.unit());
            experiment.assign(&subject).arm.map(str::to_owned)
        };
        let arms: Vec<Option<String>> =
            prepared.iter().map(|experiment| arm(&**experiment)).collect();
        if arms.windows(2).any(|pair| pair[0] != pair[1]) {
            different.push(Difference { id: id.to_owned(), arms });
        }
    }
    Ok(different)
}
