//! Answers to every request of a kind: what stubs of other tools say that no single request can.
//!
//! A rule whose secrets were taken out is held against requests without theirs, and any secret of a
//! kind fits where one of that kind stood; everything else is held against what came in.
//!
//! Rules are looked up after what was recorded, by method, host and the beginning of the path, so
//! that thousands of them do not have to be tried one by one.

#[cfg(test)]
pub(crate) mod any;
mod clean;
mod json;
mod matcher;
mod pattern;
mod rewrite;
mod runs;

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use crate::canonical::{Address, Origin, pairs};
use crate::message::{Request, Response};
pub(crate) use clean::secret_of;
pub use clean::{Fit, cleaned_rules, fit};
pub use json::JsonRule;
pub use matcher::Matcher;
use matcher::{Seen, before_placeholder};
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

/// A request as it came in, and without its secrets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came<'r> {
    pub(crate) plain: &'r Request,
    pub(crate) clean: &'r Request,
}

impl<'r> Came<'r> {
    /// A request that is all there is to see.
    pub(crate) fn same(request: &'r Request) -> Came<'r> {
        Came { plain: request, clean: request }
    }
}

impl Rule {
    /// Whether a request that goes there fits. What is not known of where it goes does not count.
    pub fn fits(&self, request: &Request, goes_to: &Origin) -> bool {
        self.sees(Came::same(request), goes_to)
    }

    /// Whether it asks for something that was taken out, and a placeholder stands there.
    pub fn is_redacted(&self) -> bool {
        let is_redacted = |matcher: &Matcher| matcher.is_redacted();
        let of_target = match &self.target {
            Target::Any => false,
            Target::Path(matcher) | Target::Address(matcher) => matcher.is_redacted(),
            Target::Template(template, parts) => {
                matcher::has_placeholder(template.as_str().as_bytes())
                    || parts.iter().any(|(_, matcher)| matcher.is_redacted())
            }
        };
        let goes = [&self.method, &self.scheme, &self.host].into_iter().flatten();
        let named = [&self.query, &self.headers, &self.cookies, &self.form].into_iter().flatten();
        let named = named.map(|(_, matcher)| matcher);
        of_target || goes.chain(named).chain(&self.body).any(is_redacted)
    }

    /// What the address of everything that fits begins with; all of it where it is fixed.
    pub(crate) fn address(&self) -> String {
        let url = &self.request.url;
        let fixed = match &self.target {
            Target::Any => return url.clone(),
            Target::Template(template, _) => template.beginning(),
            Target::Path(matcher) | Target::Address(matcher) => match matcher {
                Matcher::Equal(_) => return url.clone(),
                matcher => matcher.beginning(),
            },
        };
        let fixed = before_placeholder(fixed).split('?').next().unwrap_or_default();
        format!("/{}", fixed.trim_start_matches('/'))
    }

    fn sees(&self, came: Came<'_>, goes_to: &Origin) -> bool {
        let one = |matcher: &Option<Matcher>, value: Option<&str>| match (matcher, value) {
            (Some(matcher), Some(value)) => matcher.fits(Some(value.as_bytes())),
            _ => true,
        };
        one(&self.method, Some(&came.plain.method))
            && one(&self.scheme, goes_to.scheme.as_deref())
            && one(&self.host, goes_to.host.as_deref())
            && self.sees_address(came)
            && self.sees_headers(came)
            && self.sees_body(came)
    }

    fn sees_address(&self, came: Came<'_>) -> bool {
        let (plain, clean) = (Address::of(&came.plain.url), Address::of(&came.clean.url));
        let seen = |plain, clean| Seen { plain: Some(plain), clean: Some(clean) };
        let is_there = match &self.target {
            Target::Any => true,
            Target::Path(matcher) => {
                matcher.sees(seen(plain.path.as_bytes(), clean.path.as_bytes()))
            }
            Target::Template(template, parts) => sees_template(template, parts, &plain, &clean),
            Target::Address(matcher) => {
                let (plain, clean) = (whole(&plain), whole(&clean));
                matcher.sees(seen(plain.as_bytes(), clean.as_bytes()))
            }
        };
        let query = |address: &Address<'_>| pairs(address.query.unwrap_or_default());
        is_there && (self.query.is_empty() || see_pairs(&self.query, query(&plain), query(&clean)))
    }

    fn sees_headers(&self, came: Came<'_>) -> bool {
        let values = |request: &'_ Request, name: &str| -> Vec<Vec<u8>> {
            request.headers.all(name).map(<[u8]>::to_vec).collect()
        };
        let has_one = |(name, matcher): &(String, Matcher)| {
            see_values(matcher, &values(came.plain, name), &values(came.clean, name))
        };
        self.headers.iter().all(has_one)
            && (self.cookies.is_empty()
                || see_pairs(&self.cookies, cookies(came.plain), cookies(came.clean)))
    }

    fn sees_body(&self, came: Came<'_>) -> bool {
        if self.body.is_empty() && self.form.is_empty() {
            return true;
        }
        // One that lies in a file of its own is too large to be looked at.
        let (Some(plain), Some(clean)) = (came.plain.body.bytes(), came.clean.body.bytes()) else {
            return false;
        };
        let body = |bytes| Some(bytes).filter(|bytes: &&[u8]| !bytes.is_empty());
        let seen = Seen { plain: body(plain), clean: body(clean) };
        let form = |bytes: &[u8]| pairs(&String::from_utf8_lossy(bytes));
        self.body.iter().all(|matcher| matcher.sees(seen))
            && (self.form.is_empty() || see_pairs(&self.form, form(plain), form(clean)))
    }
}

/// The path with its query.
fn whole(address: &Address<'_>) -> String {
    match address.query {
        Some(query) => format!("{}?{query}", address.path),
        None => address.path.to_owned(),
    }
}

fn sees_template(
    template: &Template,
    wanted: &[(String, Matcher)],
    plain: &Address<'_>,
    clean: &Address<'_>,
) -> bool {
    let general = |text: &str| {
        let general = redact::placeholder::generalised(text.as_bytes());
        String::from_utf8_lossy(&general).into_owned()
    };
    let parts = |template: &Template, path: &str| template.parts(path);
    let bound = if matcher::has_placeholder(template.as_str().as_bytes()) {
        let of_kind = Template::new(&general(template.as_str()));
        let bound = parts(&of_kind, &general(clean.path));
        bound.clone().zip(bound)
    } else {
        // What was taken out may have stood where the template is fixed.
        parts(template, plain.path)
            .map(|bound| (bound.clone(), parts(template, clean.path).unwrap_or(bound)))
    };
    let Some((plain, clean)) = bound else { return false };
    let value = |bound: &[(String, String)], name: &str| {
        let found = bound.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_bytes().to_vec())
    };
    wanted.iter().all(|(name, matcher)| {
        let (plain, clean) = (value(&plain, name), value(&clean, name));
        matcher.sees(Seen { plain: plain.as_deref(), clean: clean.as_deref() })
    })
}

fn cookies(request: &Request) -> Vec<(String, String)> {
    let sent: Vec<_> = request.headers.all("cookie").map(String::from_utf8_lossy).collect();
    sent.iter()
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn see_pairs(
    wanted: &[(String, Matcher)],
    plain: Vec<(String, String)>,
    clean: Vec<(String, String)>,
) -> bool {
    let of = |pairs: &[(String, String)], name: &str| -> Vec<Vec<u8>> {
        let pairs = pairs.iter().filter(|(other, _)| other == name);
        pairs.map(|(_, value)| value.as_bytes().to_vec()).collect()
    };
    let is_seen = |(name, matcher): &(String, Matcher)| {
        see_values(matcher, &of(&plain, name), &of(&clean, name))
    };
    wanted.iter().all(is_seen)
}

/// Whether one of several values fits. They stand at the same places with and without secrets.
fn see_values(matcher: &Matcher, plain: &[Vec<u8>], clean: &[Vec<u8>]) -> bool {
    let clean = if plain.len() == clean.len() { clean } else { plain };
    let both = plain.iter().zip(clean);
    matcher.sees_one(both.map(|(plain, clean)| Seen { plain: Some(plain), clean: Some(clean) }))
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
    pub(crate) fn find(&self, came: Came<'_>, goes_to: &Origin) -> Option<usize> {
        let mut candidates = self.candidates(came.plain, goes_to);
        candidates.sort_unstable();
        candidates.into_iter().find(|at| self.rules[*at].sees(came, goes_to))
    }

    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
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
        Target::Path(matcher) => match fixed(matcher) {
            Some(text) => Below::Exactly(text.to_owned()),
            None => folder(matcher.beginning()),
        },
        Target::Template(template, _) => folder(before_placeholder(template.beginning())),
        Target::Address(matcher) => match fixed(matcher) {
            Some(text) => Below::Exactly(Address::of(text).path.to_owned()),
            None => folder(matcher.beginning().split('?').next().unwrap_or_default()),
        },
    };
    let fixed = |matcher: &Option<Matcher>| fixed(matcher.as_ref()?).map(str::to_owned);
    Place { method: fixed(&rule.method), host: fixed(&rule.host), path }
}

/// The one text that fits, unless it stands for many.
fn fixed(matcher: &Matcher) -> Option<&str> {
    matcher.literal().filter(|_| !matcher.is_redacted())
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
