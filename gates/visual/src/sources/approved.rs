//! Pages that somebody approved and that a list no longer has.
//!
//! A list that loses pages must not turn into a pass of what is left: where pictures are compared
//! with another version of the site, that version's list has the page still, and where they are
//! compared with approved ones, the approved ones have it.

use std::collections::BTreeMap;

use gate_core::{Context, Error, Level, files};
use serde::Deserialize;

use super::{Address, Page, set};
use crate::settings::{Against, PageSpec, Pattern, Settings, Source};

/// What is needed of the file beside an approved picture.
#[derive(Deserialize)]
struct Sidecar {
    page: String,
    path: String,
}

/// The approved pages of lists that `listed` does not have.
pub(super) fn missing(
    settings: &Settings,
    listed: &[Page],
    cx: &Context,
) -> Result<Vec<Page>, Error> {
    if settings.against != Against::Baselines || !settings.pages.iter().any(PageSpec::is_list) {
        return Ok(Vec::new());
    }
    let mut missing = Vec::new();
    for (name, path) in approved(cx)? {
        if listed.iter().any(|page| page.name == name || page.path() == path) {
            continue;
        }
        for (entry, spec) in settings.pages.iter().enumerate() {
            if let Some(address) = address_in(spec, &path)? {
                let text = format!("{path} was approved and is listed no longer; it is looked at");
                cx.log(Level::Warn, text);
                missing.push(Page { entry, name, address });
                break;
            }
        }
    }
    Ok(missing)
}

/// The approved pages of this gate: their names and paths.
fn approved(cx: &Context) -> Result<BTreeMap<String, String>, Error> {
    let folder = cx.baselines();
    let mut pages = BTreeMap::new();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(pages),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") {
            // A page that cannot be named could be missing from the lists without a word.
            let sidecar: Sidecar =
                serde_json::from_slice(&files::read(&path)?).map_err(|error| {
                    Error::new(format!("{} cannot be read: {error}", cx.workspace().shown(&path)))
                        .hint("it stands beside an approved picture; restore both, or remove both")
                })?;
            pages.insert(sidecar.page, sidecar.path);
        }
    }
    Ok(pages)
}

/// Where a page is, if it is one that this list would have. A limit leaves pages out on purpose.
fn address_in(spec: &PageSpec, path: &str) -> Result<Option<Address>, Error> {
    let (include, exclude, limit) = spec.wanted();
    if limit.is_some() {
        return Ok(None);
    }
    let story = path.split_once("iframe.html?id=");
    let (name, address) = match (&spec.source, story) {
        (Source::Sitemap(_), None) if path.starts_with('/') => {
            (path.split('?').next().unwrap_or_default(), Address::Site(path.to_owned()))
        }
        (Source::Storybook(index), Some((folder, id)))
            if index.rsplit_once('/').is_some_and(|(of, _)| folder == format!("{of}/")) =>
        {
            (id.trim_end_matches("&viewMode=story"), Address::Site(path.to_owned()))
        }
        (Source::Files { pattern, .. }, _)
            if set(&[pattern.parse().map_err(Error::new)?])?.is_match(path) =>
        {
            (path, Address::File(path.to_owned()))
        }
        _ => return Ok(None),
    };
    // Patterns for whole addresses and for titles cannot be held against what was approved; where
    // there are some, it is better to look at one page too many.
    let of_names = |pattern: &Pattern| {
        let text = pattern.as_str();
        !text.contains("://") && (story.is_none() || text.contains("--"))
    };
    let included = include.is_empty() || set(include)?.is_match(name);
    let wanted = included || !include.iter().all(of_names);
    Ok((spec.is_list() && wanted && !set(exclude)?.is_match(name)).then_some(address))
}
