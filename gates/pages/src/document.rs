//! A page that is one file: it opens from a disk, asks nobody for anything, and can be printed.

use std::io::Read;
use std::path::Path;

use gate_core::Error;
use gate_runs::clean;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::STYLE;

/// Nothing in the page runs, and it asks nobody for anything.
pub const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/// How such a file begins.
const MARK: &str = "<!DOCTYPE html><html lang=\"en\" data-gate=\"page\">";

/// On paper there is nothing to scroll, and no ground to save ink on.
const PAPER: &str = "@media print {\
    :root { color-scheme: light; --ground: #ffffff; --raised: #ffffff; --ink: #000000; --soft: #444a54; \
      --line: #c8cdd4; --accent: #1456c4; --pass: #17692f; --warn: #7a5200; --inconclusive: #5b3fa3; \
      --fail: #b3211b; }\
    main { max-width: none; padding: 0; }\
    figure.evidence, tr, .check > h2 { break-inside: avoid; }\
    h2, h3 { break-after: avoid; }\
    .scroll { overflow: visible; max-height: none; }\
  }";

/// The whole file.
pub fn document(title: &str, main: &Markup) -> String {
    let rest = html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (clean::line(title)) }
            style { (PreEscaped(STYLE)) (PreEscaped(PAPER)) }
        }
        body { (main) }
    };
    debug_assert!(MARK.starts_with(&DOCTYPE.into_string()));
    format!("{MARK}{}</html>\n", rest.into_string())
}

/// Whether such a page may be written there: where nothing is, or another one.
pub fn may_be_replaced(to: &Path) -> Result<(), Error> {
    let Ok(file) = std::fs::File::open(to) else { return Ok(()) };
    let mut begins = Vec::new();
    // What cannot be read, such as a folder, is no such file either.
    let _ = file.take(MARK.len() as u64).read_to_end(&mut begins);
    if begins == MARK.as_bytes() {
        return Ok(());
    }
    Err(Error::new(format!("{} is there already, and is no page of a run", to.display()))
        .hint("name a new file, such as run.html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_page_stays_in_it() {
        assert!(!STYLE.contains("</") && !PAPER.contains("</"));
        let page = document("</title><script>", &html! { main { p { "<b>" } } });
        assert!(page.starts_with(MARK) && page.ends_with("</html>\n"));
        assert!(!page.contains("<script") && page.contains("&lt;b&gt;"), "{page}");
        assert!(!page.contains("://"), "{page}");
    }
}
