//! Regular expressions and templates of paths.

use regex::Regex;

use super::unescaped;

/// How large a regular expression may become when it is compiled, in bytes.
const COMPILED: usize = 1 << 20;

/// A regular expression that has to fit a whole text.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
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
        let regex = regex::RegexBuilder::new(&format!("^(?:{text})$"))
            .size_limit(COMPILED)
            .build()
            .map_err(|_| format!("`{text}` is no regular expression that is known here"))?;
        Ok(Pattern { text: text.to_owned(), regex })
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
