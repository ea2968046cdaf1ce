//! The page where people look and decide. Its content is made by the script.

use maud::{Markup, html};

use super::Frame;

pub(crate) fn review(frame: &Frame<'_>) -> Markup {
    let main = html! {
        main.review #main data-page="review" {
            noscript { "This page needs scripts; the pages of the gates do without." }
        }
    };
    frame.page("Review", "review.html", &main)
}
