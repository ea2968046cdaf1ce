//! The style and the scripts of the pages, which are part of the binary.

use axum::extract::Path;

use crate::server::{Answered, answer, nowhere};

/// A file of the pages.
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) text: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($media_type:expr, $name:literal) => {
        Asset {
            name: $name,
            media_type: $media_type,
            text: include_str!(concat!("../assets/", $name)),
        }
    };
}

/// All of them; scripts in the order in which they run. A page in files brings its data between
/// `data.js` and the one after it.
pub(crate) const ALL: [Asset; 18] = [
    asset!("image/svg+xml", "icon.svg"),
    Asset { name: "page.css", media_type: CSS, text: gate_pages::STYLE },
    asset!(CSS, "review.css"),
    asset!(SCRIPT, "page.js"),
    asset!(SCRIPT, "data.js"),
    asset!(SCRIPT, "route.js"),
    asset!(SCRIPT, "filters.js"),
    asset!(SCRIPT, "list.js"),
    asset!(SCRIPT, "align.js"),
    asset!(SCRIPT, "camera.js"),
    asset!(SCRIPT, "changes.js"),
    asset!(SCRIPT, "panes.js"),
    asset!(SCRIPT, "viewer.js"),
    asset!(SCRIPT, "decide.js"),
    asset!(SCRIPT, "keys.js"),
    asset!(SCRIPT, "start.js"),
    asset!(SCRIPT, "tools.js"),
    asset!(SCRIPT, "single.js"),
];

/// The scripts of a page with forms, in the order in which they run.
pub(crate) const ASKING: [&str; 2] = ["page.js", "tools.js"];

/// What pages in files have no use for.
pub(crate) const ELSEWHERE: [&str; 2] = ["tools.js", "single.js"];

/// The scripts of the review page, in the order in which they run.
pub(crate) fn review_scripts() -> impl Iterator<Item = &'static str> {
    let scripts = ALL.iter().filter(|asset| asset.media_type == SCRIPT);
    scripts.map(|asset| asset.name).filter(|name| !ELSEWHERE.contains(name))
}

/// The same in a file that holds everything.
pub(crate) fn single_scripts() -> impl Iterator<Item = &'static str> {
    // It is there before anybody asks for a file or an address.
    review_scripts().flat_map(|name| match name {
        "page.js" => vec![name, "single.js"],
        _ => vec![name],
    })
}

/// The text of one.
pub(crate) fn text(name: &str) -> &'static str {
    ALL.iter().find(|asset| asset.name == name).map_or("", |asset| asset.text)
}

pub(crate) async fn serve(Path(name): Path<String>) -> Answered {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => answer(asset.media_type, asset.text),
        None => nowhere(),
    }
}
