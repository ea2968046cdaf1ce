//! Names that people give to arms, metrics and tables.

use gate_core::spec::did_you_mean;

/// What a name may look like, for hints.
pub(super) const HINT: &str = "a name has up to 64 letters, digits, `_`, `-` and `.`";

/// Names stand in ids of checks and in headings.
pub(super) fn is_good(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    (1..=64).contains(&name.chars().count()) && name.chars().all(plain) && name.trim() == name
}

/// "did you mean", or all of them.
pub(super) fn suggest<'n>(wrong: &str, known: impl Iterator<Item = &'n String> + Clone) -> String {
    did_you_mean(wrong, known.clone().map(String::as_str))
        .unwrap_or_else(|| format!("there are: {}", list(known)))
}

/// All of them, with commas.
pub(super) fn list<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
