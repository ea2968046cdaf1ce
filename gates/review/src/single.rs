//! All pages and everything that they show in one file, for places that open a single one.

use std::io::{Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use gate_core::{Error, While, files};
use gate_runs::words;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets;
use crate::export::Written;
use crate::pages::{self, Frame, Shape};
use crate::site::Site;

/// How large it may be. A browser holds all of it.
const MOST: u64 = 512 << 20;

/// How such a file begins.
const MARK: &str = "<!DOCTYPE html><html lang=\"en\" data-gate=\"report\">";

/// The page asks nobody for anything, whatever a run has brought; a page of somebody else's within
/// it runs nothing besides.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    img-src data:; form-action 'none'; base-uri 'none'";

/// Writes it, to a place where nothing is or another such file.
pub(crate) fn write(site: &Site, to: &Path) -> Result<Written, Error> {
    may_be_replaced(to)?;
    let frame = Frame { report: &site.report, shape: Shape::Part };
    let (above, below) = (above(&frame, site), below(&frame, site)?);
    let mut bytes = (above.len() + below.len()) as u64;
    for (digest, kind) in site.files.all() {
        let path = site.stored.store.path(digest);
        let file = path.metadata().while_doing(|| format!("reading {}", path.display()))?;
        let around = before(&digest.to_string(), kind.media_type()).len() + AFTER.len();
        bytes += file.len().div_ceil(3) * 4 + around as u64;
    }
    if bytes > MOST {
        let (size, most) = (words::size(bytes), words::size(MOST));
        let error = format!("it would be {size} in one file, and {most} is what a browser opens");
        return Err(Error::new(error).hint("--out DIR writes a folder of any size"));
    }
    let folder = to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    files::make_folder(folder)?;
    files::write_piecewise(to, folder, |out| {
        out.write_all(above.as_bytes())?;
        for (digest, kind) in site.files.all() {
            let file = site.stored.store.get(digest)?;
            out.write_all(before(&digest.to_string(), kind.media_type()).as_bytes())?;
            {
                let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
                encoder.write_all(&file)?;
                // Only this says what became of the last bytes.
                encoder.finish()?;
            }
            out.write_all(AFTER.as_bytes())?;
        }
        Ok(out.write_all(below.as_bytes())?)
    })?;
    Ok(Written { files: 1, bytes })
}

fn may_be_replaced(to: &Path) -> Result<(), Error> {
    let Ok(file) = std::fs::File::open(to) else { return Ok(()) };
    let mut begins = Vec::new();
    // What cannot be read, such as a folder, is no such file either.
    let _ = file.take(MARK.len() as u64).read_to_end(&mut begins);
    if begins == MARK.as_bytes() {
        return Ok(());
    }
    Err(Error::new(format!("{} is there already, and is no report", to.display()))
        .hint("name a new file, such as report.html"))
}

/// A block that holds a file. A browser runs nothing of this type.
fn before(digest: &str, media_type: &str) -> String {
    let element =
        html! { script type="text/plain" id={ "file-" (digest) } data-type=(media_type) {} };
    element.into_string().replace(AFTER, "")
}
const AFTER: &str = "</script>";

/// Everything above the files: the pages.
fn above(frame: &Frame<'_>, site: &Site) -> String {
    let icon = STANDARD.encode(assets::text("icon.svg"));
    let css = ["page.css", "review.css"].map(assets::text).concat();
    let pages: Vec<(String, String)> = pages::all(frame, site).collect();
    let head = html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { "gate report" }
            link rel="icon" href={ "data:image/svg+xml;base64," (icon) };
            style { (PreEscaped(css)) }
            script type="application/json" id="settings" { (pages::data(&frame.settings())) }
        }
    };
    let body = html! {
        (frame.head("index.html"))
        noscript { main { p { "A report in one file needs scripts; the folder that " code { "gate report --out" } " writes shows most of it without." } } }
        div #page {}
        @for (_, page) in &pages { (PreEscaped(page)) }
    };
    debug_assert!(MARK.starts_with(&DOCTYPE.into_string()));
    format!("{MARK}{}<body>{}", head.into_string(), body.into_string())
}

/// Everything below them: the scripts, which find all the rest there when they run.
fn below(frame: &Frame<'_>, site: &Site) -> Result<String, Error> {
    let proposals: Vec<_> = frame.report.gates.iter().flat_map(|gate| &gate.proposals).collect();
    let called = |name: &str, value: PreEscaped<String>| format!("gate.{name}({});\n", value.0);
    let data =
        [called("items", pages::data(&site.items)), called("proposals", pages::data(&proposals))];
    let mut text = String::new();
    for name in assets::single_scripts() {
        text.push_str(&script(assets::text(name))?.into_string());
        if name == "data.js" {
            text.push_str(&script(&data.concat())?.into_string());
        }
    }
    Ok(text + "</body></html>\n")
}

/// A script within the page, which nothing in it may end.
fn script(text: &str) -> Result<Markup, Error> {
    if text.contains("</script") || text.contains("<!--") {
        return Err(Error::new("a script of the report would end itself"));
    }
    Ok(html! { script { (PreEscaped(text)) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_page_stays_in_it() {
        for name in assets::single_scripts() {
            assert!(script(assets::text(name)).is_ok(), "{name}");
        }
        assert!(script("'</script>'").is_err());
        for name in ["page.css", "review.css"] {
            assert!(!assets::text(name).contains("</"), "{name}");
        }
        let block = before("00ff", "image/png");
        assert_eq!(block, "<script type=\"text/plain\" id=\"file-00ff\" data-type=\"image/png\">");
    }
}
