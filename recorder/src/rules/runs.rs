//! What of a regular expression stands for itself: the texts that a secret may be written in.

/// A part of a regular expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Letters that stand for themselves: as they are written, and as they are meant.
    Run(String, String),
    /// A class of letters, with how often it may come.
    Class(String),
    /// All else: groups, alternatives, anything at all.
    Other(String),
}

impl Part {
    /// As it is written.
    pub(super) fn source(&self) -> &str {
        match self {
            Part::Run(source, _) | Part::Class(source) | Part::Other(source) => source,
        }
    }
}

/// Takes a regular expression apart, so that its parts one behind the other are the same again.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\\' => escape_length(rest),
            '[' => class_length(rest),
            '(' => group_length(rest),
            '{' => rest.find('}').map_or(1, |end| end + 1),
            letter => letter.len_utf8(),
        };
        let (source, after) = rest.split_at(length);
        rest = after;
        // What may come more or less than once is no text.
        let is_repeated = rest.starts_with(['*', '+', '?', '{']);
        match (first, meant(source)) {
            ('*' | '+' | '?' | '{', _) => repeat(&mut parts, source),
            ('(' | ')' | '|' | '^' | '$' | '.', _) => parts.push(Part::Other(source.to_owned())),
            (_, Some(letter)) if !is_repeated => run(&mut parts, source, letter),
            _ => parts.push(Part::Class(source.to_owned())),
        }
    }
    parts
}

/// The letter that one stands for, escaped or not; none for a class such as `\d`.
fn meant(source: &str) -> Option<char> {
    let mut letters = source.chars();
    let first = letters.next()?;
    let letter = match (first, letters.next()) {
        ('\\', Some(letter)) if !letter.is_alphanumeric() => letter,
        ('\\', _) | (_, Some(_)) => return None,
        (letter, None) => letter,
    };
    letters.next().is_none().then_some(letter)
}

fn escape_length(text: &str) -> usize {
    let letter = text[1..].chars().next();
    let short = 1 + letter.map_or(0, char::len_utf8);
    let has_braces = matches!(letter, Some('p' | 'P' | 'x' | 'u' | 'U'));
    match text[short..].strip_prefix('{').and_then(|rest| rest.find('}')) {
        Some(end) if has_braces => short + end + 2,
        _ => short,
    }
}

fn class_length(text: &str) -> usize {
    let (mut depth, mut is_escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => depth += 1,
            // Where a class begins, a closing bracket is one of its letters.
            ']' if matches!(&text[..at], "[" | "[^") => {}
            ']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// `(`, `(?:`, `(?s:`, `(?P<name>`.
fn group_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("(?") else { return 1 };
    rest.find([':', '>', ')']).map_or(1, |end| end + 3)
}

fn run(parts: &mut Vec<Part>, source: &str, letter: char) {
    if let Some(Part::Run(written, text)) = parts.last_mut() {
        written.push_str(source);
        text.push(letter);
    } else {
        parts.push(Part::Run(source.to_owned(), letter.to_string()));
    }
}

fn repeat(parts: &mut Vec<Part>, sign: &str) {
    match parts.last_mut() {
        Some(Part::Class(source) | Part::Other(source)) => source.push_str(sign),
        _ => parts.push(Part::Other(sign.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(parts: &[Part]) -> String {
        parts.iter().map(Part::source).collect()
    }

    #[test]
    fn texts_are_told_from_the_rest() {
        let check = |text: &str, expect: &[&str]| {
            let parts = parts(text);
            let runs: Vec<&str> = parts
                .iter()
                .filter_map(|part| match part {
                    Part::Run(_, text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(runs, expect, "{text}");
            assert_eq!(written(&parts), text);
        };
        check("Bearer kP3", &["Bearer kP3"]);
        check(r"kim@example\.com/(?s:.*)", &["kim@example.com/"]);
        check(r"/users/[^/]+/\d{2,3}x", &["/users/", "/", "x"]);
        check("abc?d", &["ab", "d"]);
        check(r"ab\.?", &["ab"]);
        check(r"[]a]b[[:alpha:]\]]c", &["b", "c"]);
        check("(a1|b2){2}", &["a1", "b2"]);
        check(r"(?i)(?P<n>x)\p{Greek}y\x{41}", &["x", "y"]);
        check(r"\\", &["\\"]);
        check("é+x", &["x"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in r"[a-c\\.\[\](){}|*+?^$é@-]{0,24}") {
            prop_assert_eq!(written(&parts(&text)), text);
        }
    }
}
