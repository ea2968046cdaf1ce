//! Taking the secrets out of rules.

use redact::{Cleaner, placeholder};

use super::matcher::has_placeholder;
use super::rewrite::Place;
use super::{Matcher, Rule, Target};
use crate::Result;
use crate::canonical::{pairs, written_pair};
use crate::clean::without_secrets;
use crate::import::describe;
use crate::message::{Interaction, Request, Response};

/// How often rules are gone through: what is learnt in one may stand in those before it.
const PASSES: usize = 3;
/// Stands for a host where a rule names none.
const NOWHERE: &str = "redacted.invalid";

/// What became of what a rule asks for when its secrets were taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It asks for what it did.
    Same,
    /// Where it asked for a secret, any secret of its kind fits.
    AnyOfKind,
    /// What it asked for was told to be a secret by something else than the request: where that is
    /// not seen again, nothing fits.
    Perhaps,
}

/// The rules without their secrets, and how many of them had one. Bodies that are not in memory
/// stay as they are.
pub fn cleaned_rules(rules: &[Rule], cleaner: &Cleaner) -> Result<(Vec<Rule>, usize)> {
    let mut all = Vec::new();
    for _ in 0..PASSES {
        let before = cleaner.generation();
        all = rules.iter().map(|rule| cleaned(rule, cleaner)).collect::<Result<Vec<_>>>()?;
        if cleaner.generation() == before {
            break;
        }
    }
    let changed = rules.iter().zip(&all).filter(|(before, after)| before != after).count();
    Ok((all, changed))
}

/// What became of what a rule asks for. `fresh` is a cleaner that has learnt nothing.
pub fn fit(before: &Rule, after: &Rule, fresh: &Cleaner) -> Result<Fit> {
    if asked(before)? == asked(after)? {
        return Ok(Fit::Same);
    }
    let is_path = |matcher: &Matcher| matches!(matcher, Matcher::Place(path, _) if has_placeholder(path.to_string().as_bytes()));
    let is_told_elsewhere = asked(&cleaned(before, fresh)?)? != asked(after)?;
    let is_hidden = is_told_elsewhere || after.body.iter().any(is_path);
    Ok(if is_hidden { Fit::Perhaps } else { Fit::AnyOfKind })
}

/// What a rule asks for, its placeholders cut to their kinds.
fn asked(rule: &Rule) -> Result<Rule> {
    let asked = Rule {
        order: 0,
        request: Request::default(),
        response: Response::default(),
        ..rule.clone()
    };
    asked.rewritten(&|_, text| changed(placeholder::generalised(text)))
}

/// What of a rule's matchers would be taken out: a kind of personal data, or a secret; none when
/// nothing would.
pub(crate) fn secret_of(rule: &Rule, cleaner: &Cleaner) -> Option<&'static str> {
    let about = About::of(rule, cleaner);
    let found = std::cell::Cell::new(None);
    // What cannot be written without its secret has one, too.
    let _ = rule.rewritten(&|place, text| {
        let clean = about.clean(place, text)?;
        let kinds = ["email", "phone", "person"];
        let is_new = |kind: &&&str| {
            let start = format!("redacted-{kind}-");
            let count = |text: &[u8]| memchr::memmem::find_iter(text, start.as_bytes()).count();
            count(&clean) > count(text)
        };
        let kind = kinds.iter().find(is_new).copied().unwrap_or("secret-name");
        if found.get().is_none() {
            found.set(Some(kind));
        }
        Some(clean)
    });
    found.get()
}

fn cleaned(rule: &Rule, cleaner: &Cleaner) -> Result<Rule> {
    let about = About::of(rule, cleaner);
    let mut clean = rule.rewritten(&|place, text| about.clean(place, text))?;
    let mut request = rule.request.clone();
    if clean != *rule {
        // What it stands for is what it says.
        let url = address(&clean).unwrap_or("/").to_owned();
        request = Request { method: request.method, url, ..Request::default() };
        describe(&clean, &mut request);
    }
    // A pattern is no address: what was left in it is no secret.
    let url = request.url.clone();
    if !is_exact(rule) {
        request.url = format!("https://{}/", about.host);
    }
    let response = rule.response.clone();
    let Interaction { request, response } =
        without_secrets(&Interaction { request, response }, cleaner);
    clean.request = if is_exact(rule) { request } else { Request { url, ..request } };
    clean.response = response;
    Ok(clean)
}

/// Whether what a rule says of the address is one.
fn is_exact(rule: &Rule) -> bool {
    match &rule.target {
        Target::Any => true,
        Target::Template(..) => false,
        Target::Path(matcher) | Target::Address(matcher) => matcher.literal().is_some(),
    }
}

/// What a rule says of the address, as it is written.
fn address(rule: &Rule) -> Option<&str> {
    match &rule.target {
        Target::Any => None,
        Target::Template(template, _) => Some(template.as_str()),
        Target::Path(matcher) | Target::Address(matcher) => match matcher {
            Matcher::Pattern(pattern) => Some(pattern.as_str()),
            matcher => matcher.literal(),
        },
    }
}

/// What has to be known of a rule to tell its secrets.
struct About<'c> {
    cleaner: &'c Cleaner,
    host: String,
    media_type: String,
}

impl About<'_> {
    fn of<'c>(rule: &Rule, cleaner: &'c Cleaner) -> About<'c> {
        let text = |matcher: &Matcher| match matcher {
            Matcher::Contains(text) => Some(text.clone()),
            matcher => matcher.literal().map(str::to_owned),
        };
        let host = rule.host.as_ref().and_then(text).unwrap_or_default();
        let media_type = rule.headers.iter().find(|(name, _)| name == "content-type");
        let media_type = media_type.and_then(|(_, matcher)| text(matcher)).unwrap_or_default();
        About { cleaner, host, media_type }
    }

    /// The text as a request would have it that is looked up; none where it stays.
    fn clean(&self, place: Place<'_>, text: &[u8]) -> Option<Vec<u8>> {
        let clean = match place {
            Place::Goes => return None,
            Place::Address => self.in_address(std::str::from_utf8(text).ok()?),
            Place::Query(name) => {
                let query = written_pair(name, std::str::from_utf8(text).ok()?);
                let clean = self.in_address(&format!("/?{query}"))?;
                value(clean.strip_prefix(b"/?")?)
            }
            Place::Header(name) => changed(self.cleaner.header(&self.host, name, text)),
            Place::Cookie(name) => {
                let before = format!("{name}=").into_bytes();
                let cookie = [&before[..], text].concat();
                let clean = changed(self.cleaner.header(&self.host, "cookie", &cookie))?;
                clean.strip_prefix(&before[..]).map(<[u8]>::to_vec)
            }
            Place::Form(name) => {
                let form = written_pair(name, std::str::from_utf8(text).ok()?);
                value(&self.in_body("application/x-www-form-urlencoded", form.as_bytes())?)
            }
            Place::Body => self.in_whole_body(text),
            Place::Member(name) => self.in_member(name, text),
        };
        clean.filter(|clean| clean != text)
    }

    fn in_address(&self, text: &str) -> Option<Vec<u8>> {
        let host = if self.host.is_empty() { NOWHERE } else { &self.host };
        let slash = if text.starts_with('/') { "" } else { "/" };
        let before = format!("https://{host}{slash}");
        let url = format!("{before}{text}");
        let clean = changed_text(self.cleaner.url(&url))?;
        clean.strip_prefix(&before).map(|clean| clean.as_bytes().to_vec())
    }

    fn in_body(&self, media_type: &str, text: &[u8]) -> Option<Vec<u8>> {
        changed(self.cleaner.body(&self.host, media_type, text))
    }

    /// Many stubs ask for a form or for JSON and do not say so.
    fn in_whole_body(&self, text: &[u8]) -> Option<Vec<u8>> {
        let is_form = !text.is_empty()
            && self.media_type.is_empty()
            && text.split(|byte| *byte == b'&').all(|pair| {
                let name = pair.iter().position(|byte| *byte == b'=').map(|at| &pair[..at]);
                name.is_some_and(|name| {
                    !name.is_empty()
                        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.[]%".contains(b))
                })
            });
        let kind = if is_form { "application/x-www-form-urlencoded" } else { &self.media_type };
        self.in_body(kind, text)
    }

    fn in_member(&self, name: &str, text: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(text).ok()?;
        let whole = serde_json::json!({ name: text }).to_string();
        let clean = self.in_body("application/json", whole.as_bytes())?;
        let clean: serde_json::Value = serde_json::from_slice(&clean).ok()?;
        clean.get(name)?.as_str().map(|clean| clean.as_bytes().to_vec())
    }
}

fn changed(clean: std::borrow::Cow<'_, [u8]>) -> Option<Vec<u8>> {
    match clean {
        std::borrow::Cow::Owned(clean) => Some(clean),
        std::borrow::Cow::Borrowed(_) => None,
    }
}

fn changed_text(clean: std::borrow::Cow<'_, str>) -> Option<String> {
    match clean {
        std::borrow::Cow::Owned(clean) => Some(clean),
        std::borrow::Cow::Borrowed(_) => None,
    }
}

/// The value of the one pair that there is.
fn value(pairs_of: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pairs_of).ok()?;
    pairs(text).into_iter().next().map(|(_, value)| value.into_bytes())
}

#[cfg(test)]
mod tests;
