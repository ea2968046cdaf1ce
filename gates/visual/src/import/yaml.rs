//! Writing a spec so that a person likes to read it.

/// A text as YAML has it: plain where that cannot be misread, else in quotes.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if starts && !word && text.chars().all(plain) {
        return text.to_owned();
    }
    // What JSON puts in quotes, YAML reads as the same text.
    serde_json::Value::from(text).to_string()
}

/// Texts as a list in one line.
pub(super) fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// Milliseconds, as people write them.
pub(super) fn duration(millis: f64) -> String {
    let time = std::time::Duration::from_millis(millis.clamp(0.0, 1e9) as u64);
    gate_core::values::DurationValue(time).to_string()
}

/// A text within a comment, in one line.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
