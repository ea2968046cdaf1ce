//! Specs out of the files of other tools.

mod backstop;
mod fields;
mod yaml;

#[cfg(test)]
mod tests;

use gate_core::Importer;

/// `gate import backstop`.
pub(crate) fn backstop() -> Importer {
    Importer {
        format: "backstop",
        about: "the configuration of BackstopJS (backstop.json)",
        recognises: backstop::recognises,
        import: backstop::import,
        fetch: None,
    }
}
