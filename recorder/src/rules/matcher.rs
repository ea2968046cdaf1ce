//! What a value has to be like.

use redact::placeholder;
use serde_json::Value;

use super::json::{self, JsonRule};
use super::pattern::Pattern;
use crate::canonical::JsonPath;

/// What a value has to be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// These bytes.
    Equal(Vec<u8>),
    /// This text, in small letters or capitals.
    EqualInAnyCase(String),
    /// Has this text in it.
    Contains(String),
    /// Fits a regular expression or a glob.
    Pattern(Pattern),
    /// Says the same JSON.
    Json(JsonRule),
    /// Is JSON with such a place, where a value fits if something is said of it.
    Place(JsonPath, Option<Box<Matcher>>),
    /// Is there.
    Present,
    /// Is not there.
    Absent,
    /// Is not like that; what is not there is not.
    Not(Box<Matcher>),
    /// All of them.
    All(Vec<Matcher>),
    /// One of them.
    Any(Vec<Matcher>),
}

/// A value as it came in, and without its secrets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'v> {
    pub(super) plain: Option<&'v [u8]>,
    pub(super) clean: Option<&'v [u8]>,
}

impl<'v> Seen<'v> {
    /// A value that is all there is to see.
    pub(super) fn same(value: Option<&'v [u8]>) -> Seen<'v> {
        Seen { plain: value, clean: value }
    }
}

/// Whether something stands there in the place of a secret.
pub(crate) fn has_placeholder(text: &[u8]) -> bool {
    matches!(placeholder::generalised(text), std::borrow::Cow::Owned(_))
}

/// The beginning of a text, as far as nothing in it stands in the place of a secret.
pub(super) fn before_placeholder(text: &str) -> &str {
    if !has_placeholder(text.as_bytes()) {
        return text;
    }
    let end = text.find("redacted-").unwrap_or(text.len());
    &text[..end]
}

impl Matcher {
    /// This text.
    pub fn equal(text: &str) -> Matcher {
        Matcher::Equal(text.as_bytes().to_vec())
    }

    /// Whether a value fits, or that there is none.
    pub fn fits(&self, value: Option<&[u8]>) -> bool {
        self.sees(Seen::same(value))
    }

    /// Whether a value fits that came in. What stands in the place of a secret fits every secret of
    /// its kind; all else is held against what came.
    pub(super) fn sees(&self, seen: Seen<'_>) -> bool {
        match self {
            Matcher::Absent => return seen.plain.is_none(),
            Matcher::Not(inner) => return !inner.sees(seen),
            Matcher::All(all) => return all.iter().all(|one| one.sees(seen)),
            Matcher::Any(any) => return any.iter().any(|one| one.sees(seen)),
            _ => {}
        }
        if self.is_redacted() {
            return seen
                .clean
                .is_some_and(|clean| self.fits_kind(&placeholder::generalised(clean)));
        }
        let Some(value) = seen.plain else {
            return matches!(self, Matcher::Equal(wanted) if wanted.is_empty());
        };
        let text = String::from_utf8_lossy(value);
        match self {
            Matcher::Equal(wanted) => wanted == value,
            Matcher::EqualInAnyCase(wanted) => wanted.to_lowercase() == text.to_lowercase(),
            Matcher::Contains(part) => text.contains(part.as_str()),
            Matcher::Pattern(pattern) => pattern.fits(&text),
            Matcher::Json(rule) => {
                serde_json::from_slice(value).is_ok_and(|value: Value| rule.fits(&value))
            }
            Matcher::Place(path, wanted) => serde_json::from_slice(value)
                .is_ok_and(|value: Value| json::has(&value, path, wanted.as_deref())),
            _ => true,
        }
    }

    /// Whether a value fits whose placeholders are cut to their kinds, as ours are here.
    fn fits_kind(&self, value: &[u8]) -> bool {
        let text = String::from_utf8_lossy(value);
        let general = |wanted: &str| {
            let general = placeholder::generalised(wanted.as_bytes());
            String::from_utf8_lossy(&general).into_owned()
        };
        match self {
            Matcher::Equal(wanted) => *placeholder::generalised(wanted) == *value,
            Matcher::EqualInAnyCase(wanted) => {
                general(wanted).to_lowercase() == text.to_lowercase()
            }
            Matcher::Contains(part) => text.contains(&general(part)),
            Matcher::Pattern(pattern) => pattern.fits_kind(&text),
            Matcher::Json(rule) => {
                let wanted = serde_json::from_str(&general(&rule.value.to_string()));
                let rule = wanted.map(|value| JsonRule { value, ..rule.clone() });
                rule.is_ok_and(|rule| {
                    serde_json::from_slice(value).is_ok_and(|value: Value| rule.fits(&value))
                })
            }
            Matcher::Place(path, wanted) => serde_json::from_slice(value)
                .is_ok_and(|value: Value| json::has(&value, path, wanted.as_deref())),
            _ => false,
        }
    }

    /// Whether something stands in it in the place of a secret.
    pub(crate) fn is_redacted(&self) -> bool {
        match self {
            Matcher::Equal(bytes) => has_placeholder(bytes),
            Matcher::EqualInAnyCase(text) | Matcher::Contains(text) => {
                has_placeholder(text.as_bytes())
            }
            Matcher::Pattern(pattern) => has_placeholder(pattern.as_str().as_bytes()),
            Matcher::Json(rule) => json::is_redacted(&rule.value),
            Matcher::Place(path, inner) => {
                has_placeholder(path.to_string().as_bytes())
                    || inner.as_ref().is_some_and(|inner| inner.is_redacted())
            }
            Matcher::Not(inner) => inner.is_redacted(),
            Matcher::All(all) | Matcher::Any(all) => all.iter().any(Matcher::is_redacted),
            Matcher::Present | Matcher::Absent => false,
        }
    }

    /// Whether one of several values fits.
    pub(super) fn sees_one<'v>(&self, mut values: impl Iterator<Item = Seen<'v>>) -> bool {
        match values.next() {
            None => self.fits(None),
            Some(first) => self.sees(first) || values.any(|value| self.sees(value)),
        }
    }

    /// The one text that fits.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Matcher::Equal(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// What everything that fits begins with.
    pub(super) fn beginning(&self) -> &str {
        match self {
            Matcher::Equal(_) => before_placeholder(self.literal().unwrap_or_default()),
            Matcher::Pattern(pattern) => before_placeholder(pattern.beginning()),
            Matcher::All(all) => {
                all.iter().map(Matcher::beginning).max_by_key(|text| text.len()).unwrap_or_default()
            }
            _ => "",
        }
    }
}
