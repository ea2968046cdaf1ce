//! The report itself.

use gate_core::{Error, Report};

use super::clean::is_hostile;

/// The report, indented. JSON leaves DEL, C1 and bidirectional overrides as they are; they are
/// written as `\u` escapes here, which read back to the same text, so that the document may be
/// shown on a terminal.
pub(super) fn render(report: &Report) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_string_pretty(report)?;
    let mut out = String::with_capacity(text.len() + 1);
    // All of these can stand inside strings only.
    for c in text.replace("##", r"#\u0023").chars() {
        if c != '\n' && is_hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                put!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    Ok(out.into_bytes())
}
