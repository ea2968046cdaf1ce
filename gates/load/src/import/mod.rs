//! Specs out of the files of other tools.

mod har;
mod k6;
mod literal;
mod openapi;
mod page;
mod waterfall;

#[cfg(test)]
mod tests;

use gate_core::{Error, Imported, Importer};

use crate::settings::Settings;

/// `gate import har`.
pub(crate) fn har() -> Importer {
    Importer {
        format: "har",
        about: "what a browser loaded (HAR), as a landing page with its assets",
        recognises: har::recognises,
        import: har::import,
        fetch: None,
    }
}

/// `gate import page`.
pub(crate) fn page() -> Importer {
    Importer {
        format: "page",
        about: "a page by its address (URL), opened in Chromium, as a landing page with its assets",
        // A file of this kind is that of `har`.
        recognises: |_| false,
        import: har::import,
        fetch: Some(page::fetch),
    }
}

/// `gate import k6`.
pub(crate) fn k6() -> Importer {
    Importer {
        format: "k6",
        about: "the options of a k6 script (stages, scenarios, thresholds)",
        recognises: k6::recognises,
        import: k6::import,
        fetch: None,
    }
}

/// `gate import openapi`.
pub(crate) fn openapi() -> Importer {
    Importer {
        format: "openapi",
        about: "the GET paths of an OpenAPI document (3.0, 3.1; JSON or YAML)",
        recognises: openapi::recognises,
        import: openapi::import,
        fetch: None,
    }
}

/// A document of a spec, without what is as it is when nothing is said.
fn document(name: &str, settings: &Settings) -> Result<String, Error> {
    let wrong = |error: serde_yaml::Error| Error::new(error.to_string());
    let usual = serde_yaml::to_value(Settings::default()).map_err(wrong)?;
    let mut with = serde_yaml::to_value(settings).map_err(wrong)?;
    if let Some(fields) = with.as_mapping_mut() {
        fields.retain(|name, value| usual.get(name) != Some(value));
    }
    serde_yaml::to_string(&Document { gate: "load", name, with }).map_err(wrong)
}

#[derive(serde::Serialize)]
struct Document<'a> {
    gate: &'a str,
    name: &'a str,
    with: serde_yaml::Value,
}

/// A name that a gate may have, out of any text.
fn name_of(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let short: String = name.chars().take(40).collect();
    short.trim_end_matches('-').to_owned()
}

fn imported(spec: String, left_out: Vec<String>) -> Imported {
    Imported { spec, left_out }
}
