//! Regular expressions and templates of paths.

use std::borrow::Cow;

use redact::placeholder;
use regex::Regex;

use super::unescaped;

/// How large a regular expression may become when it is compiled, in bytes; the first of these that
/// is enough says how much room it takes.
const COMPILED: [usize; 3] = [8 << 10, 64 << 10, 1 << 20];

/// A regular expression that has to fit a whole text.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// The same with the kinds of the secrets that it had, where it has placeholders.
    of_kind: Option<Regex>,
    room: usize,
}

fn compiled(text: &str) -> Option<(Regex, usize)> {
    let whole = format!("^(?:{text})$");
    let made = |room: &usize| {
        let regex = regex::RegexBuilder::new(&whole).size_limit(*room).build().ok()?;
        Some((regex, *room))
    };
    COMPILED.iter().find_map(made)
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Pattern {
    /// Of a text in the syntax that Perl, Java and Go share. What looks around or back is not
    /// known here.
    pub fn whole(text: &str) -> Result<Pattern, String> {
        let wrong = || format!("`{text}` is no regular expression that is known here");
        let (regex, mut room) = compiled(text).ok_or_else(wrong)?;
        let mut of_kind = None;
        if let Cow::Owned(general) = placeholder::generalised(text.as_bytes()) {
            let (regex, more) = compiled(&String::from_utf8_lossy(&general)).ok_or_else(wrong)?;
            of_kind = Some(regex);
            room += more;
        }
        Ok(Pattern { text: text.to_owned(), regex, of_kind, room })
    }

    /// The text it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How much room it takes at the most, in bytes.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Of a text that has to fit somewhere.
    pub fn anywhere(text: &str) -> Result<Pattern, String> {
        Pattern::whole(&format!("(?s:.*)(?:{text})(?s:.*)"))
    }

    /// Of a text in which `*` stands for any letters.
    pub fn glob(text: &str) -> Result<Pattern, String> {
        let parts: Vec<String> = text.split('*').map(regex::escape).collect();
        Pattern::whole(&parts.join("(?s:.*)"))
    }

    /// Whether it fits.
    pub fn fits(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether it fits a text whose placeholders are cut to their kinds.
    pub(super) fn fits_kind(&self, text: &str) -> bool {
        self.of_kind.as_ref().unwrap_or(&self.regex).is_match(text)
    }

    /// What everything that fits begins with.
    pub(super) fn beginning(&self) -> &str {
        if self.text.contains('|') {
            return "";
        }
        let special = |letter: char| r"\.+*?()[]{}^$".contains(letter);
        let end = self.text.find(special).unwrap_or(self.text.len());
        // What may be missing does not count.
        let is_optional = self.text[end..].starts_with(['?', '*', '{']);
        let last = self.text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        &self.text[..if is_optional { last } else { end }]
    }
}

/// A path with parts left open, such as `/contacts/{id}/notes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
}

impl Template {
    /// Of a text; each part in braces stands for one part of a path.
    pub fn new(text: &str) -> Template {
        Template { text: text.to_owned() }
    }

    /// The text it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the open parts are in a path, when it fits.
    pub fn parts(&self, path: &str) -> Option<Vec<(String, String)>> {
        let mut bound = Vec::new();
        let (mut wanted, mut there) = (self.text.split('/'), path.split('/'));
        loop {
            let (one, other) = match (wanted.next(), there.next()) {
                (None, None) => return Some(bound),
                (Some(one), Some(other)) => (one, other),
                _ => return None,
            };
            match one.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(_) if other.is_empty() => return None,
                Some(name) => bound.push((name.to_owned(), unescaped(other))),
                None if one == other => {}
                None => return None,
            }
        }
    }

    pub(super) fn beginning(&self) -> &str {
        self.text.split('{').next().unwrap_or_default()
    }
}
