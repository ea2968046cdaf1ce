//! The same ids in the SDKs of several languages, which do not all hash the same of a text.

use std::collections::BTreeMap;

use bucketing::{Difference, Encoding, differs};
use stats::random::Random;

use super::config::Service;
use super::ids::Listed;
use crate::seen::allocation::Sdks;
use crate::settings::{ProviderSpec, Sdk};

/// How many ids are made up to see whether any would differ.
const MADE_UP: usize = 1000;

/// How the SDK of a language reads an id; none where that is not known.
fn encoding(service: &str, sdk: Sdk) -> Option<Encoding> {
    let by_bytes = matches!(sdk, Sdk::Go | Sdk::Rust);
    match (service, sdk) {
        ("growthbook", Sdk::Javascript) => Some(Encoding::Utf16),
        ("growthbook", Sdk::Python) => Some(Encoding::CodePoints),
        // What the others do has not been tried.
        ("growthbook", _) => by_bytes.then_some(Encoding::Utf8),
        ("unleash", Sdk::Javascript) => Some(Encoding::LowBytes),
        ("absmartly", Sdk::Javascript) => Some(Encoding::Cesu8),
        ("flagd", Sdk::Javascript) => Some(Encoding::Overlapping),
        ("unleash" | "absmartly" | "flagd", _) => Some(Encoding::Utf8),
        _ => None,
    }
}

/// Compares them, where the service's SDKs differ at all.
pub(super) fn compared(
    provider: &ProviderSpec,
    service: &Service,
    ids: &Listed,
    seed: u64,
) -> Option<Sdks> {
    let known = service.provider.encodings;
    if known.len() < 2 || service.provider.name == "generic" {
        return None;
    }
    let mut ways: Vec<(String, Encoding)> = Vec::new();
    for sdk in &provider.sdks {
        let Some(encoding) = encoding(service.provider.name, *sdk) else { continue };
        let name = format!("{sdk:?}");
        match ways.iter_mut().find(|(_, known)| *known == encoding) {
            Some((names, _)) => names.push_str(&format!(", {name}")),
            None => ways.push((name, encoding)),
        }
    }
    let is_said = !provider.sdks.is_empty();
    if !is_said {
        ways = known.iter().map(|one| (one.name().to_owned(), *one)).collect();
    }
    let encodings: Vec<Encoding> = ways.iter().map(|(_, encoding)| *encoding).collect();
    let different = |ids: &[String]| -> Vec<Difference> {
        let ids = ids.iter().map(String::as_str);
        let (config, key) = (&service.config, &provider.experiment);
        differs(service.provider, config, key, &plain(service), &encodings, ids).unwrap_or_default()
    };
    let own = different(&ids.ids);
    let made_up = made_up(seed);
    let example = own.first().map(|one| {
        let arm = |arm: &Option<String>| arm.clone().unwrap_or_else(|| "none".to_owned());
        (one.id.clone(), one.arms.iter().map(arm).collect())
    });
    Some(Sdks {
        is_said,
        ways: ways.iter().map(|(name, one)| (name.clone(), one.name().to_owned())).collect(),
        tried: ids.odd.wide,
        differ: own.len() as u64,
        example,
        made_up: MADE_UP as u64,
        made_up_differ: different(&made_up).len() as u64,
    })
}

fn plain(service: &Service) -> BTreeMap<String, String> {
    let mut settings = service.settings.clone();
    settings.remove("encoding");
    settings
}

/// Names with letters of many alphabets, and a number each.
fn made_up(seed: u64) -> Vec<String> {
    const STARTS: [&str; 6] = ["josé", "用户", "ユーザー", "müller", "клиент", "😀"];
    let mut random = Random::new(seed ^ 0x5eed);
    (0..MADE_UP)
        .map(|at| format!("{}{}", STARTS[at % STARTS.len()], random.below(1_000_000)))
        .collect()
}
