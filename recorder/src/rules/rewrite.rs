//! A rule with some of its texts changed.

use serde_json::Value;

use super::json::JsonRule;
use super::matcher::Matcher;
use super::pattern::{Pattern, Template};
use super::runs::{Part, parts};
use super::{Rule, Target};
use crate::{Error, Result};

/// The shortest part of a value that may be a secret by itself, in bytes.
const SHORTEST: usize = 8;

/// Where in a request a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'n> {
    /// Method, scheme or host.
    Goes,
    /// The path, or a part of it, with the query or without.
    Address,
    /// The value of a parameter of the query.
    Query(&'n str),
    /// Of a header.
    Header(&'n str),
    /// Of a cookie.
    Cookie(&'n str),
    /// Of a field of a form.
    Form(&'n str),
    /// The body, or a part of it.
    Body,
    /// The value of a member of JSON in the body.
    Member(&'n str),
}

impl Place<'_> {
    /// Whether a secret is all of what stands there.
    fn is_value(self) -> bool {
        !matches!(self, Place::Goes | Place::Address | Place::Body)
    }
}

/// What becomes of a text; none where it stays.
pub(crate) type Change<'c> = dyn Fn(Place<'_>, &[u8]) -> Option<Vec<u8>> + 'c;

impl Rule {
    /// The same with what its matchers say changed; what it stands for and answers stays.
    pub(crate) fn rewritten(&self, change: &Change<'_>) -> Result<Rule> {
        let goes = |matcher: &Option<Matcher>| {
            matcher.as_ref().map(|matcher| matcher.rewritten(Place::Goes, change)).transpose()
        };
        let target = match &self.target {
            Target::Any => Target::Any,
            Target::Path(matcher) => Target::Path(matcher.rewritten(Place::Address, change)?),
            Target::Address(matcher) => Target::Address(matcher.rewritten(Place::Address, change)?),
            Target::Template(template, parts) => {
                let text = changed(Place::Address, template.as_str(), change);
                let parts = named(parts, |_| Place::Address, change)?;
                Target::Template(
                    text.map_or_else(|| template.clone(), |text| Template::new(&text)),
                    parts,
                )
            }
        };
        let body = self.body.iter().map(|matcher| matcher.rewritten(Place::Body, change));
        Ok(Rule {
            order: self.order,
            request: self.request.clone(),
            method: goes(&self.method)?,
            scheme: goes(&self.scheme)?,
            host: goes(&self.host)?,
            target,
            query: named(&self.query, Place::Query, change)?,
            headers: named(&self.headers, Place::Header, change)?,
            cookies: named(&self.cookies, Place::Cookie, change)?,
            form: named(&self.form, Place::Form, change)?,
            body: body.collect::<Result<_>>()?,
            response: self.response.clone(),
        })
    }
}

fn named<'r>(
    pairs: &'r [(String, Matcher)],
    place: impl Fn(&'r str) -> Place<'r>,
    change: &Change<'_>,
) -> Result<Vec<(String, Matcher)>> {
    let one = |(name, matcher): &'r (String, Matcher)| {
        Ok((name.clone(), matcher.rewritten(place(name), change)?))
    };
    pairs.iter().map(one).collect()
}

fn changed(place: Place<'_>, text: &str, change: &Change<'_>) -> Option<String> {
    change(place, text.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// A part of a value is a secret by itself only when it is long enough.
fn changed_part(place: Place<'_>, text: &str, change: &Change<'_>) -> Option<String> {
    let is_short = place.is_value() && text.len() < SHORTEST;
    if is_short { None } else { changed(place, text, change) }
}

impl Matcher {
    fn rewritten(&self, place: Place<'_>, change: &Change<'_>) -> Result<Matcher> {
        let all = |all: &[Matcher]| {
            all.iter().map(|one| one.rewritten(place, change)).collect::<Result<Vec<_>>>()
        };
        Ok(match self {
            Matcher::Equal(bytes) => {
                Matcher::Equal(change(place, bytes).unwrap_or_else(|| bytes.clone()))
            }
            Matcher::EqualInAnyCase(text) => {
                let text = changed(place, text, change).unwrap_or_else(|| text.clone());
                Matcher::EqualInAnyCase(text)
            }
            Matcher::Contains(text) => {
                let text = changed_part(place, text, change).unwrap_or_else(|| text.clone());
                Matcher::Contains(text)
            }
            Matcher::Pattern(pattern) => rewritten_pattern(pattern, place, change)?,
            Matcher::Json(rule) => Matcher::Json(rewritten_json(rule, place, change)?),
            Matcher::Place(path, inner) => {
                let text = changed(Place::Body, &path.to_string(), change);
                let path = match text {
                    Some(text) => text.parse().map_err(Error::new)?,
                    None => path.clone(),
                };
                let place = path.name().map_or(Place::Body, Place::Member);
                let inner = inner.as_ref().map(|inner| inner.rewritten(place, change));
                let inner = inner.transpose()?.map(Box::new);
                Matcher::Place(path.clone(), inner)
            }
            Matcher::Present => Matcher::Present,
            Matcher::Absent => Matcher::Absent,
            Matcher::Not(inner) => Matcher::Not(Box::new(inner.rewritten(place, change)?)),
            Matcher::All(every) => Matcher::All(all(every)?),
            Matcher::Any(one) => Matcher::Any(all(one)?),
        })
    }
}

fn rewritten_json(rule: &JsonRule, place: Place<'_>, change: &Change<'_>) -> Result<JsonRule> {
    let Some(text) = change(place, rule.value.to_string().as_bytes()) else {
        return Ok(rule.clone());
    };
    let value: Value = serde_json::from_slice(&text).map_err(|_| {
        Error::new("a rule asks for JSON that is none any more without the secret in it")
            .hint("leave the rule out, or allow the value under redact.allow of cassette.yaml")
    })?;
    Ok(JsonRule { value, ..rule.clone() })
}

/// The texts in a pattern are changed one by one. Where a secret is all of a value, what stands for
/// it is all that is left of the pattern, which could not fit it any more.
fn rewritten_pattern(pattern: &Pattern, place: Place<'_>, change: &Change<'_>) -> Result<Matcher> {
    let parts = parts(pattern.as_str());
    let mut before = scheme(&parts, place);
    let mut text = String::new();
    let mut is_changed = false;
    let mut after_secret = false;
    for part in &parts {
        let Part::Run(source, meant) = part else {
            // A class behind a secret fitted the rest of it.
            after_secret &= matches!(part, Part::Class(_));
            if !after_secret {
                text.push_str(part.source());
            }
            continue;
        };
        let rest = if after_secret { meant.trim_start_matches(is_in_value) } else { meant };
        if rest.is_empty() {
            continue;
        }
        // All of a pattern that is a mere text is a value.
        let is_all = parts.len() == 1;
        match changed_run(place, &before, rest, is_all, change) {
            Some(clean) if place.is_value() && is_one(&clean) => {
                let scheme = if clean.starts_with(&before) { "" } else { &before };
                return Ok(Matcher::equal(&format!("{scheme}{clean}")));
            }
            Some(clean) => {
                is_changed = true;
                after_secret = ends_with_placeholder(&clean);
                text.push_str(&escaped(&clean));
            }
            None => {
                let is_whole = rest.len() == meant.len();
                text.push_str(&if is_whole { source.clone() } else { escaped(rest) });
                after_secret = false;
            }
        }
        if !place.is_value() && rest.ends_with(['=', ':', '"', ' ']) {
            rest.clone_into(&mut before);
        }
    }
    if !is_changed {
        return Ok(Matcher::Pattern(pattern.clone()));
    }
    Pattern::whole(&text).map(Matcher::Pattern).map_err(Error::new)
}

/// How the secrets in a header are used, such as `Bearer `.
fn scheme(parts: &[Part], place: Place<'_>) -> String {
    let schemes = parts.iter().find_map(|part| match part {
        Part::Run(_, text) => text.split_once(' ').map(|(scheme, _)| format!("{scheme} ")),
        _ => None,
    });
    schemes.filter(|_| matches!(place, Place::Header(_))).unwrap_or_default()
}

/// What becomes of a text in a pattern. By itself it may be no secret, and behind what stands
/// before it be one: a scheme, or a name that it is the value of.
fn changed_run(
    place: Place<'_>,
    before: &str,
    run: &str,
    is_all: bool,
    change: &Change<'_>,
) -> Option<String> {
    let own =
        || if is_all { changed(place, run, change) } else { changed_part(place, run, change) };
    let is_behind = !before.is_empty() && !run.starts_with(before);
    let behind = || {
        if !is_behind || run.len() < SHORTEST {
            return None;
        }
        // A value that is not closed is no value of JSON.
        let quote = if before.ends_with('"') { "\"" } else { "" };
        let clean = changed(place, &format!("{before}{run}{quote}"), change)?;
        let clean = clean.strip_prefix(before)?.strip_suffix(quote)?;
        (clean != run).then(|| clean.to_owned())
    };
    // Without its scheme, what is no secret would be one.
    if place.is_value() && is_behind {
        return behind();
    }
    own().or_else(behind)
}

/// Whether a placeholder is all of a value, with a scheme or without one.
fn is_one(value: &str) -> bool {
    let secret = value.rsplit(' ').next().unwrap_or_default();
    redact::placeholder::is_one(secret.as_bytes())
}

/// Whether a letter may be one of a value in an address, a form or JSON.
fn is_in_value(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.~+%=".contains(letter)
}

/// A text in a pattern. A hyphen means nothing outside of a class, and a placeholder is known by it.
fn escaped(text: &str) -> String {
    regex::escape(text).replace(r"\-", "-")
}

fn ends_with_placeholder(text: &str) -> bool {
    text.rfind("redacted-").is_some_and(|at| redact::placeholder::is_one(&text.as_bytes()[at..]))
}
