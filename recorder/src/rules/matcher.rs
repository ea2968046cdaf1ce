//! What a value has to be like.

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

impl Matcher {
    /// This text.
    pub fn equal(text: &str) -> Matcher {
        Matcher::Equal(text.as_bytes().to_vec())
    }

    /// Whether a value fits, or that there is none.
    pub fn fits(&self, value: Option<&[u8]>) -> bool {
        match self {
            Matcher::Absent => return value.is_none(),
            Matcher::Not(inner) => return !inner.fits(value),
            Matcher::All(all) => return all.iter().all(|one| one.fits(value)),
            Matcher::Any(any) => return any.iter().any(|one| one.fits(value)),
            _ => {}
        }
        let Some(value) = value else {
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

    /// Whether one of several values fits.
    pub(super) fn fits_one<'v>(&self, values: impl Iterator<Item = &'v [u8]>) -> bool {
        let values: Vec<&[u8]> = values.collect();
        if values.is_empty() {
            self.fits(None)
        } else {
            values.iter().any(|value| self.fits(Some(value)))
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
            Matcher::Equal(_) => self.literal().unwrap_or_default(),
            Matcher::Pattern(pattern) => pattern.beginning(),
            Matcher::All(all) => {
                all.iter().map(Matcher::beginning).max_by_key(|text| text.len()).unwrap_or_default()
            }
            _ => "",
        }
    }
}
