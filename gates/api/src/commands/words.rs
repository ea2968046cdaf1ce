//! What became of the requests, for people.

use recorder::{Missed, Outcome, UNVOUCHED, miss_words};

/// How many of a list are named.
const NAMED: usize = 10;

/// `1 request`, `2 requests`.
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A length as people say it: `512 B`, `3.4 KiB`, `1.5 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => format!("{:.1} {unit}", bytes as f64 / f64::from(1 << shift)),
        None => format!("{bytes} B"),
    }
}

/// A text of a recording that a terminal does not obey, on one line.
pub(super) fn plain(text: &str) -> String {
    let is_obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if is_obeyed(c) => plain.extend(c.escape_unicode()),
            c => plain.push(c),
        }
    }
    plain
}

/// What went wrong, line by line.
pub(super) fn troubles(outcome: &Outcome) -> String {
    let mut text = String::new();
    for (at, missed) in outcome.missed.iter().enumerate() {
        if at == NAMED {
            text.push_str(&format!("gate: and {} more\n", outcome.missed.len() - NAMED));
            break;
        }
        text.push_str(&miss(missed));
    }
    for note in outcome.notes.iter().take(NAMED) {
        text.push_str(&format!("gate: {note}\n"));
    }
    for failed in outcome.failed.iter().take(NAMED) {
        text.push_str(&format!("gate: {failed}\n"));
    }
    if outcome.failed.iter().any(|failed| failed.contains(UNVOUCHED)) {
        text.push_str(
            "  hint: if its authority is one of your own, name its file: --authorities FILE\n",
        );
    }
    text
}

fn miss(missed: &Missed) -> String {
    let (why, hint) = miss_words(missed.miss.why);
    let mut text = format!("gate: {} {} {why}\n", missed.method, missed.url);
    if let Some(near) = missed.miss.nearest.first() {
        text.push_str(&format!("  nearest: {} {}\n", near.method, near.url));
        for one in near.differences.iter().take(3) {
            let (asked, recorded) = (shown(&one.asked), shown(&one.recorded));
            text.push_str(&format!("    {}: asked {asked}, recorded {recorded}\n", one.part));
        }
    }
    text.push_str(&format!("  hint: {hint}\n"));
    text
}

fn shown(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("`{value}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_shortly() {
        let check = |bytes: u64, expect: &str| assert_eq!(size(bytes), expect);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1536, "1.5 KiB");
        check(3 << 19, "1.5 MiB");
        check(5 << 30, "5.0 GiB");
    }

    #[test]
    fn a_terminal_obeys_nothing() {
        assert_eq!(
            plain("https://a/\u{1b}[2J\n?é=\u{202e}x"),
            "https://a/\\u{1b}[2J\\u{a}?é=\\u{202e}x"
        );
    }
}
