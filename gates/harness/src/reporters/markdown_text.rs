//! Texts that nobody vouches for, as parts of a markdown page.

use super::clean;

/// A text as plain words within a line: no markup, link, picture, mention or table cell of its
/// own. `chars` bounds its length.
///
/// A backslash keeps markdown's own signs from working, but GitHub and GitLab look for mentions,
/// issue numbers and addresses afterwards, in what was rendered; an empty comment in between
/// keeps these apart and cannot be seen.
pub(super) fn inline(text: &str, chars: usize) -> String {
    let text = clean::line(text);
    let text = clean::shorten(&text, chars);
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Formulas: GitHub takes no backslash for an answer here.
            '$' => out.push_str("<span>$</span>"),
            '@' | '#' => put!(out, "\\{c}{APART}"),
            ':' if after.starts_with("//") => put!(out, ":{APART}"),
            '.' if before.to_ascii_lowercase().ends_with("www") => put!(out, ".{APART}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => put!(out, "\\{c}"),
            // These make a list or a heading of what they begin.
            '-' | '+' | '=' if before.trim().is_empty() => put!(out, "\\{c}"),
            '.' | ')' if is_number(before) && !after.starts_with(char::is_alphanumeric) => {
                put!(out, "\\{c}");
            }
            _ => out.push(c),
        }
    }
    out
}

fn is_number(text: &str) -> bool {
    text.trim().chars().all(|c| c.is_ascii_digit())
}

const APART: &str = "<!-- -->";

/// A text as it is, in a fence that none of its lines can close; long lines are wrapped, because
/// a fence does not wrap them. `chars` bounds its length.
pub(super) fn fenced(text: &str, chars: usize) -> String {
    let text = clean::shorten(text, chars);
    let rows = clean::wrap(&clean::lines(&text), 100).join("\n");
    let fence = "`".repeat(longest_run(&rows).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", rows.trim_end())
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A command or a path, to be copied, in a fence.
pub(super) fn command(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}sh\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        assert_eq!(inline(input, 100), expect);
    }

    #[test]
    fn inline_texts_are_words_only() {
        check("plain words (漢字), 0.5-1. Yes!", "plain words (漢字), 0.5-1. Yes!");
        check("a | b\nc", r"a \| b c");
        check("<b> & `x` *y* ![z](data:i)", r"&lt;b&gt; &amp; \`x\` \*y\* !\[z\](data:i)");
        check("@you #12", r"\@<!-- -->you \#<!-- -->12");
        check("http://x WWW.y.z", "http:<!-- -->//x WWW.<!-- -->y.z");
        check("$x$", "<span>$</span>x<span>$</span>");
        check("- a", r"\- a");
        check("12. a", r"12\. a");
        check("12.5 a", "12.5 a");
        assert_eq!(inline("harbour", 3), "har… (4 more characters)");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("a\n```\n````x", 100), "`````text\na\n```\n````x\n`````\n");
        assert_eq!(fenced("one", 100), "```text\none\n```\n");
    }
}
