//! Patterns of conditions, in the dialect of the SDK that would read them. One that cannot be read
//! is an error: the SDKs take it for "does not match", and so would hide a broken condition.

use regex::RegexBuilder;

use crate::config::{Error, Node};

/// Whose rules a pattern follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JavaScript's `RegExp`, without the `u` flag's strictness.
    Script,
    /// RE2: linear time, no look-around, classes of ASCII.
    Re2,
}

/// A pattern that is ready.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// As JavaScript has it.
    Script(Box<regress::Regex>),
    /// As RE2 has it.
    Re2(regex::Regex),
}

impl Pattern {
    /// Reads one.
    pub fn read(text: &str, dialect: Dialect, any_case: bool) -> Result<Pattern, String> {
        match dialect {
            Dialect::Script => {
                let flags = if any_case { "i" } else { "" };
                let read = regress::Regex::with_flags(text, flags);
                read.map(|read| Pattern::Script(Box::new(read))).map_err(|error| error.to_string())
            }
            Dialect::Re2 => {
                let read =
                    RegexBuilder::new(&ascii_classes(text)).case_insensitive(any_case).build();
                read.map(Pattern::Re2).map_err(|_| "RE2 cannot read it".to_owned())
            }
        }
    }

    /// Reads one of a configuration.
    pub fn of(node: &Node<'_>, dialect: Dialect, any_case: bool) -> Result<Pattern, Error> {
        let text = node.text()?;
        Pattern::read(text, dialect, any_case)
            .map_err(|why| node.fail(format!("is not a pattern: {why}")))
    }

    /// Whether it is found anywhere in a text.
    pub fn finds(&self, text: &str) -> bool {
        match self {
            Pattern::Script(pattern) => pattern.find(text).is_some(),
            Pattern::Re2(pattern) => pattern.is_match(text),
        }
    }
}

/// RE2's `\d`, `\w`, `\s` and `\b` know ASCII alone; the regex crate's know Unicode.
fn ascii_classes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter != '\\' {
            continue;
        }
        let Some(class) = letters.next() else { break };
        out.pop();
        match class {
            'd' => out.push_str("[0-9]"),
            'D' => out.push_str("[^0-9]"),
            'w' => out.push_str("[0-9A-Za-z_]"),
            'W' => out.push_str("[^0-9A-Za-z_]"),
            's' => out.push_str("[\\t\\n\\x0C\\r ]"),
            'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
            'b' => out.push_str("(?-u:\\b)"),
            // A boundary that is none in ASCII may fall inside of a letter, which is not a text.
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_differ() {
        let check = |pattern: &str, dialect, text: &str, expect: Option<bool>| {
            let found = Pattern::read(pattern, dialect, false).ok().map(|read| read.finds(text));
            assert_eq!(found, expect, "{pattern} in {text}");
        };
        check("^a(?=b)", Dialect::Script, "ab", Some(true));
        check("^a(?=b)", Dialect::Re2, "ab", None);
        check("(?i)AB", Dialect::Re2, "ab", Some(true));
        check("^\\d$", Dialect::Re2, "٣", Some(false));
        check("^[\\d.]+$", Dialect::Re2, "1.5", Some(true));
        check("^\\d$", Dialect::Script, "٣", Some(false));
        check("(", Dialect::Script, "(", None);
        check("a\\/b", Dialect::Script, "a/b", Some(true));
    }
}
