//! From the entries of a spec to the pages that are photographed.
//!
//! A list is fetched once, when a gate is planned. What was found is written down as the plan's
//! units, and measuring looks at nothing else, so that all shards of a run agree on the pages.

mod approved;
mod fetch;
mod files;
mod sitemap;
mod storybook;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use gate_core::{Context, Digest, Error, Level, UnitId};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::settings::{Against, PageSpec, Pattern, Settings, Source, is_name, name_of};
use fetch::Site;

/// The longest list that is taken as it is.
const LIMIT_UNLESS_SAID: usize = 200;

/// A page that is photographed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Which entry of the spec it comes from.
    pub(crate) entry: usize,
    /// Names its checks and files.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) address: Address,
}

/// Where a page is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Address {
    /// On the site: a path with its query, beginning with `/`.
    Site(String),
    /// In a file: a path relative to the spec.
    File(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Site(path) => f.write_str(path),
            Address::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl Page {
    /// Says all that measuring needs to know: `0 pricing /pricing`.
    pub(crate) fn unit(&self) -> UnitId {
        UnitId(format!("{} {} {}", self.entry, self.name, self.address))
    }

    /// The page that a unit stands for.
    pub(crate) fn of(unit: &UnitId) -> Result<Page, Error> {
        let wrong = || Error::new(format!("`{}` is no page of this gate", unit.0));
        let mut parts = unit.0.splitn(3, ' ');
        let entry = parts.next().and_then(|entry| entry.parse().ok()).ok_or_else(wrong)?;
        let name = parts.next().filter(|name| is_name(name)).ok_or_else(wrong)?.to_owned();
        let address = match parts.next().ok_or_else(wrong)? {
            path if path.starts_with('/') => Address::Site(path.to_owned()),
            address => Address::File(address.strip_prefix("file:").ok_or_else(wrong)?.to_owned()),
        };
        Ok(Page { entry, name, address })
    }

    /// Its path or file, for people.
    pub(crate) fn path(&self) -> &str {
        match &self.address {
            Address::Site(path) | Address::File(path) => path,
        }
    }
}

/// All pages of a spec, and those of its lists that were approved and are listed no longer.
pub(crate) async fn plan(settings: &Settings, cx: &Context) -> Result<Vec<Page>, Error> {
    let mut pages = listed(settings, cx).await?;
    let missing = approved::missing(settings, &pages, cx)?;
    pages.extend(missing);
    Ok(pages)
}

/// All pages of a spec, as its lists are now.
pub(crate) async fn listed(settings: &Settings, cx: &Context) -> Result<Vec<Page>, Error> {
    let mut found = Vec::new();
    for (entry, spec) in settings.pages.iter().enumerate() {
        let page = |address, name: Option<&String>| Found { entry, address, name: name.cloned() };
        match &spec.source {
            Source::Path { path, name } => {
                found.push(page(Address::Site(path.clone()), Some(name)));
            }
            Source::Files { pattern, name } => {
                let matching = files::matching(pattern, cx.spec_folder())?;
                let files = chosen(spec, matching, pattern, cx, |file| vec![file.clone()])?;
                found.extend(files.into_iter().map(|f| page(Address::File(f), name.as_ref())));
            }
            Source::Sitemap(_) | Source::Storybook(_) => {
                let listed = fetched(settings, entry, spec, cx).await?;
                found.extend(listed.into_iter().map(|path| page(Address::Site(path), None)));
            }
        }
    }
    Ok(named(found, settings))
}

/// The paths that a list of the site gives; those that the version before lists, too, when there
/// is one: a page that has gone is a difference that somebody wants to know of.
async fn fetched(
    settings: &Settings,
    entry: usize,
    spec: &PageSpec,
    cx: &Context,
) -> Result<Vec<String>, Error> {
    let before = match &settings.against {
        Against::Baselines => None,
        Against::Promotion => cx.baseline(),
        Against::Environment(name) => Some(cx.environment(name)?),
    };
    let now = cx.candidate()?;
    let mut paths: Vec<String> = Vec::new();
    for environment in [Some(now), before].into_iter().flatten() {
        let site = Site::new(environment, settings, entry, cx)?;
        match one_list(&site, spec, cx).await? {
            Some(found) => paths.extend(found),
            None if environment.name == now.name => {
                let what = listing(spec);
                return Err(Error::new(format!("{} has no {what}", now.name))
                    .hint(format!("is its address right? it was looked for at {what}")));
            }
            None => {
                let text = format!("{} has no {} to compare with", environment.name, listing(spec));
                cx.log(Level::Warn, text);
            }
        }
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn listing(spec: &PageSpec) -> &str {
    match &spec.source {
        Source::Sitemap(path) | Source::Storybook(path) | Source::Path { path, .. } => path,
        Source::Files { pattern, .. } => pattern,
    }
}

/// What one site lists; none when there is no such list.
async fn one_list(
    site: &Site<'_>,
    spec: &PageSpec,
    cx: &Context,
) -> Result<Option<Vec<String>>, Error> {
    let name = &site.environment.name;
    match &spec.source {
        Source::Storybook(path) => {
            let Some((folder, stories)) = storybook::list(site, path).await? else {
                return Ok(None);
            };
            let what = format!("{path} of {name}");
            let chosen = chosen(spec, stories, &what, cx, |story| vec![story.id(), story.full()])?;
            Ok(Some(chosen.iter().map(|story| story.path(&folder)).collect()))
        }
        _ => {
            let path = listing(spec);
            let Some(found) = sitemap::list(site, path).await? else { return Ok(None) };
            let base = &site.environment.url;
            let located = sitemap::located(found, base);
            let what = format!("{path} of {name}");
            let kept = chosen(spec, located, &what, cx, sitemap::Located::names)?;
            sitemap::one_host(&kept)
                .map_err(|error| error.while_doing(format_args!("reading {what}")))?;
            Ok(Some(kept.into_iter().map(|located| located.path).collect()))
        }
    }
}

/// Those of a list that its spec wants. None at all is an error, and so are more than anybody
/// has said.
fn chosen<T: Ord + Clone>(
    spec: &PageSpec,
    mut all: Vec<T>,
    what: &str,
    cx: &Context,
    names: impl Fn(&T) -> Vec<String>,
) -> Result<Vec<T>, Error> {
    let (include, exclude, limit) = spec.wanted();
    let (include, exclude) = (set(include)?, set(exclude)?);
    let listed = all.len();
    all.retain(|one| {
        let names = names(one);
        let any = |set: &GlobSet| names.iter().any(|name| set.is_match(name));
        (include.is_empty() || any(&include)) && !any(&exclude)
    });
    all.sort();
    all.dedup();
    if all.is_empty() {
        return Err(match listed {
            0 => Error::new(format!("{what} lists no page")),
            _ => Error::new(format!("`include` and `exclude` leave none of {listed} in {what}"))
                .hint("patterns look like `/blog/**`, and `*` does not go beyond a `/`"),
        });
    }
    match limit {
        None if all.len() > LIMIT_UNLESS_SAID => {
            let count = all.len();
            Err(Error::new(format!("{what} lists {count} pages, and no limit was set"))
                .hint(format!("write `limit: {count}` for all of them, or choose with `include`")))
        }
        Some(limit) if all.len() > limit as usize => {
            let text = format!("{what}: {limit} of {} pages are looked at", all.len());
            cx.log(Level::Warn, text);
            all.truncate(limit as usize);
            Ok(all)
        }
        _ => Ok(all),
    }
}

fn set(patterns: &[Pattern]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern.as_str()).literal_separator(true).build();
        set.add(glob.map_err(|error| Error::new(error.to_string()))?);
    }
    set.build().map_err(|error| Error::new(error.to_string()))
}

/// A page before it has a name.
struct Found {
    entry: usize,
    address: Address,
    name: Option<String>,
}

/// Each page once, with a name of its own.
///
/// An entry for a single page goes before a list that has the page, too; it is there to say more
/// about it. Two pages of lists whose paths give the same name get a part of their path's digest
/// at the end: a number would change when another page comes or goes, and with it the picture
/// that it is compared with.
fn named(found: Vec<Found>, settings: &Settings) -> Vec<Page> {
    let is_single =
        |page: &Found| settings.pages.get(page.entry).is_some_and(|spec| !spec.is_list());
    let (single, listed): (Vec<_>, Vec<_>) = found.into_iter().partition(is_single);
    let mut seen = BTreeSet::new();
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    let mut pages: Vec<(Page, bool)> = Vec::new();
    for Found { entry, address, name } in single.into_iter().chain(listed) {
        let from_list = settings.pages[entry].is_list();
        // Somebody who writes a page twice, under two names, wants it twice.
        if !seen.insert(address.clone()) && from_list {
            continue;
        }
        let (name, given) = match name {
            Some(name) => (name, true),
            None => (default_name(&address), false),
        };
        // Some file systems take upper and lower case for the same.
        *taken.entry(name.to_ascii_lowercase()).or_default() += 1;
        pages.push((Page { entry, name, address }, given));
    }
    let distinct = |(mut page, given): (Page, bool)| {
        if !given && (taken[&page.name.to_ascii_lowercase()] > 1 || !is_name(&page.name)) {
            let digest = Digest::of(page.address.to_string().as_bytes()).to_string();
            page.name.truncate(73);
            page.name = format!("{}-{}", page.name, &digest[..6]);
        }
        page
    };
    pages.into_iter().map(distinct).collect()
}

fn default_name(address: &Address) -> String {
    let name = match address {
        Address::Site(path) => match path.split_once("iframe.html?id=") {
            Some((_, id)) => id.trim_end_matches("&viewMode=story").to_owned(),
            None => name_of(path),
        },
        Address::File(path) => name_of(path.rsplit_once('.').map_or(path, |(stem, _)| stem)),
    };
    let good = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    name.trim_start_matches('.').chars().map(good).collect()
}

/// The environments that pages are fetched from: none for files.
pub(crate) fn needs_site(settings: &Settings) -> bool {
    settings.pages.iter().any(|page| !matches!(page.source, Source::Files { .. }))
}

#[cfg(test)]
mod tests;
