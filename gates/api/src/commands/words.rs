//! What became of the requests, for people.

use recorder::{Missed, Outcome, miss_words};

/// How many of a list are named.
const NAMED: usize = 10;

/// `1 request`, `2 requests`.
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
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
    for failed in outcome.failed.iter().take(NAMED) {
        text.push_str(&format!("gate: {failed}\n"));
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
