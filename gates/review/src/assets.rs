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

/// All of them; scripts in the order in which they run.
pub(crate) const ALL: [Asset; 2] = [
    Asset { name: "review.css", media_type: CSS, text: include_str!("../assets/review.css") },
    Asset { name: "review.js", media_type: SCRIPT, text: include_str!("../assets/review.js") },
];

/// The scripts, in the order in which they run.
pub(crate) fn scripts() -> impl Iterator<Item = &'static Asset> {
    ALL.iter().filter(|asset| asset.media_type == SCRIPT)
}

pub(crate) async fn serve(Path(name): Path<String>) -> Answered {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => answer(asset.media_type, asset.text),
        None => nowhere(),
    }
}
