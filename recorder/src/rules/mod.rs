//! Answers to every request of a kind: what stubs of other tools say that no single request can.
//!
//! Rules are looked up after what was recorded, by method, host and the beginning of the path, so
//! that thousands of them do not have to be tried one by one.

mod json;
mod matcher;
mod pattern;

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use crate::canonical::{Address, Origin, pairs};
use crate::message::{Request, Response};
pub use json::JsonRule;
pub use matcher::Matcher;
pub use pattern::{Pattern, Template};

/// Where a rule holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Target {
    /// Everywhere.
    #[default]
    Any,
    /// Where the path fits, whatever the query.
    Path(Matcher),
    /// Where the path fits a template such as `/contacts/{id}`, and each of its parts what is said
    /// of it.
    Template(Template, Vec<(String, Matcher)>),
    /// Where the path with its query fits.
    Address(Matcher),
}

/// An answer to every request that fits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// Its place in the file it comes from.
    pub order: u64,
    /// What it answers, as far as that can be written as one request; a pattern stands as it is.
    pub request: Request,
    /// The method; any when there is none.
    pub method: Option<Matcher>,
    /// `http` or `https`.
    pub scheme: Option<Matcher>,
    /// The host and, unless it is the usual one, its port.
    pub host: Option<Matcher>,
    /// The path.
    pub target: Target,
    /// Parameters of the query, one value of which has to fit.
    pub query: Vec<(String, Matcher)>,
    /// Headers in lower case, one value of which has to fit.
    pub headers: Vec<(String, Matcher)>,
    /// Cookies.
    pub cookies: Vec<(String, Matcher)>,
    /// Fields of a form in the body.
    pub form: Vec<(String, Matcher)>,
    /// The body, its content codings taken off.
    pub body: Vec<Matcher>,
    /// What it answers.
    pub response: Response,
}

impl Rule {
    /// Whether a request that goes there fits. What is not known of where it goes does not count.
    pub fn fits(&self, request: &Request, goes_to: &Origin) -> bool {
        let one = |matcher: &Option<Matcher>, value: Option<&str>| match (matcher, value) {
            (Some(matcher), Some(value)) => matcher.fits(Some(value.as_bytes())),
            _ => true,
        };
        one(&self.method, Some(&request.method))
            && one(&self.scheme, goes_to.scheme.as_deref())
            && one(&self.host, goes_to.host.as_deref())
            && self.fits_address(&Address::of(&request.url))
            && self.fits_headers(request)
            && self.fits_body(request)
    }

    fn fits_address(&self, address: &Address<'_>) -> bool {
        let is_there = match &self.target {
            Target::Any => true,
            Target::Path(matcher) => matcher.fits(Some(address.path.as_bytes())),
            Target::Template(template, parts) => {
                template.parts(address.path).is_some_and(|bound| {
                    parts.iter().all(|(name, matcher)| {
                        let value = bound.iter().find(|(other, _)| other == name);
                        matcher.fits(value.map(|(_, value)| value.as_bytes()))
                    })
                })
            }
            Target::Address(matcher) => {
                let whole = match address.query {
                    Some(query) => format!("{}?{query}", address.path),
                    None => address.path.to_owned(),
                };
                matcher.fits(Some(whole.as_bytes()))
            }
        };
        is_there && fit_pairs(&self.query, &pairs(address.query.unwrap_or_default()))
    }

    fn fits_headers(&self, request: &Request) -> bool {
        let sent: Vec<_> = request.headers.all("cookie").map(String::from_utf8_lossy).collect();
        let cookies: Vec<(String, String)> = sent
            .iter()
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        self.headers.iter().all(|(name, matcher)| matcher.fits_one(request.headers.all(name)))
            && fit_pairs(&self.cookies, &cookies)
    }

    fn fits_body(&self, request: &Request) -> bool {
        if self.body.is_empty() && self.form.is_empty() {
            return true;
        }
        // One that lies in a file of its own is too large to be looked at.
        let Some(bytes) = request.body.bytes() else { return false };
        let body = Some(&bytes[..]).filter(|bytes| !bytes.is_empty());
        self.body.iter().all(|matcher| matcher.fits(body))
            && (self.form.is_empty()
                || fit_pairs(&self.form, &pairs(&String::from_utf8_lossy(bytes))))
    }
}

fn fit_pairs(wanted: &[(String, Matcher)], there: &[(String, String)]) -> bool {
    wanted.iter().all(|(name, matcher)| {
        let values = there.iter().filter(|(other, _)| other == name);
        matcher.fits_one(values.map(|(_, value)| value.as_bytes()))
    })
}

/// Where a rule is filed: method, host and path as far as they are fixed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    method: Option<String>,
    host: Option<String>,
    path: Below,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Below {
    Exactly(String),
    /// Ends with a slash.
    Folder(String),
}

/// Rules, those first that come first.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    places: HashMap<Place, Vec<usize>>,
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>) -> Rules {
        let mut places: HashMap<Place, Vec<usize>> = HashMap::new();
        for (at, rule) in rules.iter().enumerate() {
            places.entry(place(rule)).or_default().push(at);
        }
        Rules { rules, places }
    }

    /// The place of the first rule that a request fits.
    pub(crate) fn find(&self, request: &Request, goes_to: &Origin) -> Option<usize> {
        let mut candidates = self.candidates(request, goes_to);
        candidates.sort_unstable();
        candidates.into_iter().find(|at| self.rules[*at].fits(request, goes_to))
    }

    pub(crate) fn answer(&self, request: &Request, goes_to: &Origin) -> Option<&Response> {
        self.find(request, goes_to).map(|at| &self.rules[at].response)
    }

    fn candidates(&self, request: &Request, goes_to: &Origin) -> Vec<usize> {
        let path = Address::of(&request.url).path;
        let folders = path.match_indices('/').map(|(at, _)| Below::Folder(path[..=at].to_owned()));
        let mut belows = vec![Below::Exactly(path.to_owned()), Below::Folder(String::new())];
        belows.extend(folders);
        let mut found = Vec::new();
        for method in [Some(request.method.to_ascii_uppercase()), None] {
            for host in [goes_to.host.clone(), None] {
                for path in &belows {
                    let place =
                        Place { method: method.clone(), host: host.clone(), path: path.clone() };
                    found.extend(self.places.get(&place).into_iter().flatten());
                }
                if host.is_none() {
                    break;
                }
            }
        }
        if goes_to.host.is_none() {
            // Who does not say where a request goes may mean any host.
            let elsewhere = self
                .places
                .iter()
                .filter(|(place, _)| place.host.is_some() && belows.contains(&place.path));
            found.extend(elsewhere.flat_map(|(_, rules)| rules));
        }
        found
    }
}

fn place(rule: &Rule) -> Place {
    let path = match &rule.target {
        Target::Any => Below::Folder(String::new()),
        Target::Path(matcher) => match matcher.literal() {
            Some(text) => Below::Exactly(text.to_owned()),
            None => folder(matcher.beginning()),
        },
        Target::Template(template, _) => folder(template.beginning()),
        Target::Address(matcher) => match matcher.literal() {
            Some(text) => Below::Exactly(Address::of(text).path.to_owned()),
            None => folder(matcher.beginning().split('?').next().unwrap_or_default()),
        },
    };
    let fixed = |matcher: &Option<Matcher>| matcher.as_ref()?.literal().map(str::to_owned);
    Place { method: fixed(&rule.method), host: fixed(&rule.host), path }
}

fn folder(beginning: &str) -> Below {
    let end = beginning.rfind('/').map_or(0, |at| at + 1);
    Below::Folder(beginning[..end].to_owned())
}

/// A part of a path as it is meant.
fn unescaped(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
