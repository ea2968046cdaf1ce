//! Cutting a line into words.

use std::fmt;

use gate_core::Json;

/// One word of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Word {
    /// As it stands: `jsonpath`, `==`, `count`.
    Bare(String),
    /// In quotation marks, its escapes undone.
    Text(String),
    /// Between slashes.
    Regex(String),
    /// `{{name}}`.
    Variable(String),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Bare(text) => f.write_str(text),
            Word::Text(text) => write!(f, "\"{text}\""),
            Word::Regex(text) => write!(f, "/{text}/"),
            Word::Variable(name) => write!(f, "{{{{{name}}}}}"),
        }
    }
}

/// What an assert or a filter is given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    /// A text with variables in it.
    Text(String),
    /// A whole value that a variable has.
    Variable(String),
    /// A number, a truth value or null.
    Value(Json),
}

/// The words of a line, one after the other.
#[derive(Debug)]
pub(crate) struct Words<'t> {
    text: &'t str,
    at: usize,
    behind: usize,
}

impl<'t> Words<'t> {
    pub(crate) fn of(text: &'t str) -> Words<'t> {
        Words { text, at: 0, behind: 0 }
    }

    /// The whole line.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// Where the next word begins, in bytes.
    pub(crate) fn at(&self) -> usize {
        let rest = &self.text[self.at..];
        self.at + (rest.len() - rest.trim_start().len())
    }

    /// Where the last word ended, in bytes.
    pub(crate) fn behind(&self) -> usize {
        self.behind
    }

    /// The next word, which stays.
    pub(crate) fn peek(&mut self) -> Result<Option<Word>, String> {
        let (at, behind) = (self.at, self.behind);
        let word = self.next();
        (self.at, self.behind) = (at, behind);
        word
    }

    /// Takes this word, if it is the next one.
    pub(crate) fn take(&mut self, name: &str) -> Result<bool, String> {
        let is_next = self.peek()? == Some(Word::Bare(name.to_owned()));
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    /// The next word; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Word>, String> {
        let start = self.at();
        let rest = &self.text[start..];
        let (word, length) = match rest.chars().next() {
            None => return Ok(None),
            Some('"') => quoted(rest)?,
            Some('/') => regex(rest)?,
            Some(_) if rest.starts_with("{{") => {
                let end =
                    rest.find("}}").ok_or_else(|| format!("`{rest}` is never closed by }}}}"))?;
                (Word::Variable(rest[2..end].trim().to_owned()), end + 2)
            }
            Some(_) => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (Word::Bare(rest[..end].to_owned()), end)
            }
        };
        self.at = start + length;
        self.behind = self.at;
        if self.text[self.at..].starts_with(|c: char| !c.is_whitespace()) {
            return Err(format!("there has to be a blank after {word}"));
        }
        Ok(Some(word))
    }

    /// A text in quotation marks, which `what` needs.
    pub(crate) fn wanted_text(&mut self, what: &str) -> Result<String, String> {
        match self.next()? {
            Some(Word::Text(text)) => Ok(text),
            Some(word) => Err(format!("`{what}` needs a text in quotation marks, not {word}")),
            None => Err(format!("`{what}` needs a text in quotation marks")),
        }
    }

    /// A regular expression, as text in quotation marks or between slashes.
    pub(crate) fn wanted_regex(&mut self, what: &str) -> Result<regex::Regex, String> {
        let Some(Word::Text(pattern) | Word::Regex(pattern)) = self.next()? else {
            return Err(format!("`{what}` needs a regular expression: /^con_[0-9]+$/"));
        };
        regex::Regex::new(&pattern)
            .map_err(|error| format!("/{pattern}/ is no regular expression: {error}"))
    }

    /// A whole number that is not negative.
    pub(crate) fn wanted_count(&mut self, what: &str) -> Result<usize, String> {
        let wrong = || format!("`{what}` needs a number");
        match self.next()? {
            Some(Word::Bare(text)) => text.parse().map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }

    /// Any value.
    pub(crate) fn wanted_value(&mut self, what: &str) -> Result<Given, String> {
        match self.next()? {
            Some(Word::Text(text)) => Ok(Given::Text(text)),
            Some(Word::Variable(name)) => Ok(Given::Variable(name)),
            Some(Word::Bare(text)) => value(&text).map(Given::Value).ok_or_else(|| {
                format!("`{text}` is no value: write texts in quotation marks, \"{text}\"")
            }),
            Some(Word::Regex(_)) => {
                Err(format!("`{what}` takes no regular expression; `matches` does"))
            }
            None => Err(format!("`{what}` needs a value")),
        }
    }
}

/// A number, a time in milliseconds, a truth value or null.
fn value(text: &str) -> Option<Json> {
    let plain = serde_json::from_str(text).ok().filter(|value: &Json| !value.is_string());
    plain.or_else(|| {
        let time: gate_core::values::DurationValue = text.parse().ok()?;
        Some((time.0.as_secs_f64() * 1000.0).into())
    })
}

fn quoted(rest: &str) -> Result<(Word, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Word::Text(text), at + 1)),
            '\\' => match chars.next().map(|(_, escaped)| escaped) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(escaped @ ('"' | '\\' | '/')) => text.push(escaped),
                _ => return Err(format!("{rest} has a \\ that escapes nothing; write \\\\")),
            },
            c => text.push(c),
        }
    }
    Err(format!("{rest} is never closed by a quotation mark"))
}

fn regex(rest: &str) -> Result<(Word, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '/' => return Ok((Word::Regex(text), at + 1)),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '/') => {
                chars.next();
                text.push('/');
            }
            '\\' => {
                text.push('\\');
                text.extend(chars.next().map(|(_, next)| next));
            }
            c => text.push(c),
        }
    }
    Err(format!("{rest} is never closed by a slash"))
}
