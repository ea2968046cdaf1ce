//! From HTTP Archives (HAR 1.2), as developer tools save them, to a visit with its pages.

use std::collections::BTreeMap;
use std::time::Duration;

use gate_core::values::DurationValue;
use gate_core::{Error, Imported, Json};
use gate_request::Line;
use redact::{Cleaner, Redactor};
use url::Url;

use super::waterfall::{Loaded, parents};
use super::{document, imported, name_of};
use crate::settings::{Asset, Scenario, Settings, Step, Think};

/// Waits below this say more about that browser than about the page, in milliseconds.
const SHORT: f64 = 2.0;
/// Nobody is waited for longer between two pages.
const LONGEST_THOUGHT: f64 = 60_000.0;

pub(super) fn recognises(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Json>(bytes).is_ok_and(|value| value["log"]["entries"].is_array())
}

/// An entry, as far as it matters.
struct Entry<'h> {
    page: &'h str,
    method: &'h str,
    url: Url,
    status: u64,
    is_document: bool,
    initiator: Option<&'h str>,
    /// In milliseconds since some instant.
    begun: f64,
    ended: f64,
}

fn entry(value: &Json) -> Option<Entry<'_>> {
    let begun = value["startedDateTime"].as_str()?.parse::<jiff::Timestamp>().ok()?;
    let begun = begun.as_microsecond() as f64 / 1e3;
    let request = &value["request"];
    let response = &value["response"];
    let kind = response["content"]["mimeType"].as_str().unwrap_or_default();
    let is_document = match value["_resourceType"].as_str() {
        Some(kind) => kind == "document",
        None => kind.starts_with("text/html"),
    };
    Some(Entry {
        page: value["pageref"].as_str().unwrap_or_default(),
        method: request["method"].as_str()?,
        url: Url::parse(request["url"].as_str()?).ok()?,
        status: response["status"].as_u64().unwrap_or(0),
        is_document,
        initiator: value["_initiator"]["url"].as_str(),
        begun,
        ended: begun + value["time"].as_f64().unwrap_or(0.0).max(0.0),
    })
}

pub(super) fn import(bytes: &[u8]) -> Result<Imported, Error> {
    let har: Json = serde_json::from_slice(bytes)
        .map_err(|error| Error::new(format!("it is no JSON: {error}")))?;
    let raw =
        har["log"]["entries"].as_array().ok_or_else(|| Error::new("it has no log.entries"))?;
    let mut entries: Vec<Entry<'_>> = raw.iter().filter_map(entry).collect();
    entries.sort_by(|one, other| one.begun.total_cmp(&other.begun));
    let first = entries
        .iter()
        .find(|one| one.is_document && one.method == "GET" && (200..300).contains(&one.status))
        .ok_or_else(|| {
            Error::new("it has no page that was answered well")
                .hint("save it with the page itself: open the tools first, then load the page")
        })?;
    let origin = first.url.clone();
    let mut import = Import {
        cleaner: Cleaner::new(
            Redactor::new([]).map_err(|_| Error::new("no secrets are too short"))?,
            &[],
            crate::exchanges::fresh_key()?,
        ),
        origin: origin.clone(),
        left_out: Vec::new(),
        foreign: BTreeMap::new(),
        secrets: 0,
    };
    let unread = raw.len() - entries.len();
    if unread > 0 {
        import.left_out.push(format!("{unread} entries that are no requests of HTTP"));
    }
    let steps = import.steps(&entries);
    let host = origin.host_str().unwrap_or("page").trim_start_matches("www.");
    let scenarios = vec![Scenario::of("visitor", steps)];
    let settings = Settings { scenarios, ..Settings::default() };
    import.told();
    let about = format!(
        "# Visitors of {} with what a browser loaded beside it, {}.\n",
        origin.origin().ascii_serialization(),
        "in the order of its waterfall"
    );
    let spec = about + &document(&format!("{}-page", name_of(host)), &settings)?;
    Ok(imported(spec, import.left_out))
}

struct Import {
    cleaner: Cleaner,
    origin: Url,
    left_out: Vec<String>,
    /// How much other hosts were asked for.
    foreign: BTreeMap<String, usize>,
    secrets: usize,
}

impl Import {
    /// A step for each page.
    fn steps(&mut self, entries: &[Entry<'_>]) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut ended: Option<f64> = None;
        let is_page =
            |one: &Entry<'_>| one.is_document && one.method == "GET" && one.status / 100 == 2;
        let own = |import: &Import, one: &Entry<'_>| one.url.origin() == import.origin.origin();
        let starts: Vec<usize> = (0..entries.len())
            .filter(|at| is_page(&entries[*at]) && own(self, &entries[*at]))
            .collect();
        for (number, start) in starts.iter().enumerate() {
            let page = &entries[*start];
            let next = starts.get(number + 1).map_or(f64::INFINITY, |next| entries[*next].begun);
            // Frames are documents, too: they belong to the page that was there before.
            if number > 0 && page.initiator.is_some() && page.page == entries[starts[0]].page {
                continue;
            }
            let parts: Vec<&Entry<'_>> = entries
                .iter()
                .filter(|one| {
                    let is_its =
                        if page.page.is_empty() { one.begun < next } else { one.page == page.page };
                    is_its && one.begun >= page.begun && !std::ptr::eq(*one, page)
                })
                .collect();
            let think = ended.map(|ended| (page.begun - ended).clamp(0.0, LONGEST_THOUGHT));
            let assets = self.assets(page, &parts);
            ended = parts.iter().map(|one| one.ended).chain([page.ended]).reduce(f64::max);
            let time = think.filter(|think| *think >= 100.0).map(|think| millis(think.round()));
            let name = steps.iter().any(|step| step.request.to == self.path(&page.url));
            steps.push(Step {
                name: name.then(|| {
                    let path = self.path(&page.url);
                    let path = path.split('?').next().unwrap_or_default();
                    format!("{path} again ({})", number + 1)
                }),
                think: time.map(|time| Think { least: time, most: time }),
                assets,
                ..Step::of(Line { method: "GET".to_owned(), to: self.path(&page.url) })
            });
        }
        steps
    }

    fn assets(&mut self, page: &Entry<'_>, parts: &[&Entry<'_>]) -> Vec<Asset> {
        let mut loaded: Vec<Loaded> = Vec::new();
        for one in parts {
            if one.url.origin() != self.origin.origin() {
                if matches!(one.url.scheme(), "http" | "https") {
                    let host = one.url.host_str().unwrap_or_default().to_owned();
                    *self.foreign.entry(host).or_default() += 1;
                }
                continue;
            }
            if one.method != "GET" {
                let path = self.path(&one.url);
                self.left_out.push(format!("{} {path}: only GET is safe to repeat", one.method));
                continue;
            }
            if !(200..300).contains(&one.status) && one.status != 304 {
                let path = self.path(&one.url);
                self.left_out.push(format!("GET {path}, which was answered {}", one.status));
                continue;
            }
            let get = self.path(&one.url);
            if loaded.iter().all(|other| other.get != get) {
                let initiator = one.initiator.and_then(|text| Url::parse(text).ok());
                loaded.push(Loaded {
                    get,
                    initiator: initiator.map(|url| self.path(&url)),
                    begun: one.begun - page.begun,
                    ended: one.ended - page.begun,
                });
            }
        }
        let parents = parents(page.ended - page.begun, &loaded);
        let asset = |(one, (parent, wait)): (&Loaded, (Option<usize>, f64))| Asset {
            get: one.get.clone(),
            after: parent.map(|parent: usize| loaded[parent].get.clone()),
            wait: (wait >= SHORT).then(|| DurationValue(millis(wait.round()))),
        };
        loaded.iter().zip(parents).map(asset).collect()
    }

    /// The path with its query, without secrets.
    fn path(&mut self, url: &Url) -> String {
        let clean = self.cleaner.url(url.as_str()).into_owned();
        if clean != url.as_str() {
            self.secrets += 1;
        }
        let url = Url::parse(&clean).unwrap_or_else(|_| url.clone());
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    fn told(&mut self) {
        if !self.foreign.is_empty() {
            let hosts: Vec<String> =
                self.foreign.iter().map(|(host, count)| format!("{host} ({count})")).collect();
            self.left_out.push(format!(
                "requests to other hosts: {}; write their whole addresses as assets, and the hosts \
                 under allow_hosts, if they may be loaded",
                hosts.join(", ")
            ));
        }
        if self.secrets > 0 {
            self.left_out.push(
                "secrets in addresses, for which placeholders stand: give them through a feed or a \
                 capture"
                    .to_owned(),
            );
        }
    }
}

fn millis(time: f64) -> Duration {
    Duration::from_millis(time as u64)
}
