//! The one way in for texts that nobody vouches for.
//!
//! What could steer a terminal, reorder the letters on screen or be taken for a command by the
//! program that reads our output is shown as an escape such as `\u{1b}`: nothing is hidden, and
//! nothing of the text around it is lost.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a character is shown as an escape wherever it stands.
pub fn is_hostile(c: char) -> bool {
    matches!(c,
        // C0, DEL and C1: a lone U+009B opens a terminal sequence just as ESC [ does.
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Other line ends, invisible spaces, and letters that cannot be seen.
        | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        // Annotations, and what XML does not allow.
        | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// A text as one line: line ends and tabs become spaces.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r', '\t']) {
        return escape(text);
    }
    let joined: Vec<_> = text.split(['\n', '\r', '\t']).filter(|part| !part.is_empty()).collect();
    Cow::Owned(escape(&joined.join(" ")).into_owned())
}

/// A text with its line ends kept; a tab becomes four spaces.
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r', '\t']) {
        return escape(text);
    }
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    let clean: Vec<_> = text.split('\n').map(escape).collect();
    Cow::Owned(clean.join("\n"))
}

fn escape(line: &str) -> Cow<'_, str> {
    let hostile = line.chars().any(is_hostile);
    if !hostile && !line.contains("##") && !line.trim_start().starts_with("::") {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if is_hostile(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(disarm(&out))
}

/// Takes from a line what build servers obey: GitHub takes `::` at the start of a line and `##[`
/// anywhere for a command, Azure `##vso[` anywhere.
fn disarm(line: &str) -> String {
    let mut line = line.replace("##[", r"#\u{23}[").replace("##vso[", r"#\u{23}vso[");
    let blank = line.len() - line.trim_start().len();
    if line[blank..].starts_with("::") {
        line.replace_range(blank..=blank, r"\u{3a}");
    }
    line
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `columns` columns of a text; what is missing is shown by `…`.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let end = fitting(text, columns.saturating_sub(1));
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

/// The length in bytes of the longest beginning that takes at most `columns` columns.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return at;
        }
    }
    text.len()
}

/// At most `chars` characters of a text, and how many were left out.
pub fn shorten(text: &str, chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let missing = text[end..].chars().count();
            Cow::Owned(format!("{}… ({missing} more characters)", &text[..end]))
        }
    }
}

/// Breaks a clean text at spaces into lines of at most `columns` columns; words that are longer
/// are broken where they have to be.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    for paragraph in text.split('\n') {
        let mut row = String::new();
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            if !row.is_empty() && row.width() + 1 + word.width() > columns {
                out.push(disarm(&row));
                row.clear();
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
            while row.width() > columns {
                let end = fitting(&row, columns).max(row.chars().next().map_or(1, char::len_utf8));
                let rest = row.split_off(end);
                out.push(disarm(&row));
                row = rest;
            }
        }
        if !row.is_empty() || paragraph.trim().is_empty() {
            out.push(disarm(&row));
        }
    }
    out
}

/// A clean text as one word of a command for a POSIX shell.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=-".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        assert_eq!(line(input), expect);
    }

    #[test]
    fn what_steers_a_reader_is_shown() {
        check("plain, ünïcode, 漢字 and 🚢👩‍🔧", "plain, ünïcode, 漢字 and 🚢👩‍🔧");
        check("\x1b]0;title\x07 \x1b[31m", r"\u{1b}]0;title\u{7} \u{1b}[31m");
        check("\u{9b}31m\u{7f}\0", r"\u{9b}31m\u{7f}\u{0}");
        check("abc\u{202e}gnp.exe", r"abc\u{202e}gnp.exe");
        check("one\r\ntwo\tthree\n", "one two three");
        check("::error::x", r"\u{3a}:error::x");
        check("  ::error::x", r"  \u{3a}:error::x");
        check("a ::error::x", "a ::error::x");
        check("a ##[error]x ##vso[y] ## z", r"a #\u{23}[error]x #\u{23}vso[y] ## z");
    }

    #[test]
    fn every_line_of_several_is_disarmed() {
        assert_eq!(lines("a\r\n::x\n\tb\rc"), "a\n\\u{3a}:x\n    b\\u{d}c");
    }

    #[test]
    fn columns_are_counted_as_terminals_do() {
        assert_eq!(cut("漢字漢字", 8), "漢字漢字");
        assert_eq!(cut("漢字漢字", 7), "漢字漢…");
        assert_eq!(cut("漢字漢字", 6), "漢字…");
        assert_eq!(cut("harbour", 0), "…");
        assert_eq!(shorten("harbour", 3), "har… (4 more characters)");
    }

    #[test]
    fn a_break_never_makes_a_command() {
        assert_eq!(wrap("one two :: ::e::x", 7), ["one two", r"\u{3a}:", r"\u{3a}:e::x"]);
        assert_eq!(wrap("abcdefgh\n\nij", 3), ["abc", "def", "gh", "", "ij"]);
        assert_eq!(wrap("漢", 1), ["漢"]);
    }

    #[test]
    fn shell_words_stay_one_word() {
        assert_eq!(shell_word("shop/hero-button"), "shop/hero-button");
        assert_eq!(shell_word("a; rm -rf ~"), "'a; rm -rf ~'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("--all"), "'--all'");
        assert_eq!(shell_word(""), "''");
    }
}
