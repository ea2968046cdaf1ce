//! The page where people look and decide. The scripts fill in what is named by `id` here.

use maud::{Markup, html};

use super::Frame;

/// The views, each with its key.
const VIEWS: [(&str, &str, &str); 7] = [
    ("diff", "Diff", "1"),
    ("baseline", "Baseline", "2"),
    ("candidate", "Candidate", "3"),
    ("side", "Side by side", "4"),
    ("swipe", "Swipe", "5"),
    ("onion", "Onion skin", "6"),
    ("blink", "Blink", "7"),
];

pub(crate) fn review(frame: &Frame<'_>) -> Markup {
    let main = html! {
        main.review #main {
            h1.unseen { "Review" }
            noscript { "This page needs scripts; the pages of the gates do without." }
            p #lost role="alert" hidden { "The server does not answer. What you decide now is not kept; start gate review again." }
            (list())
            (item())
            p.unseen #said role="status" aria-live="polite" {}
            (dialogs())
        }
    };
    frame.page("Review", "review.html", &main)
}

fn list() -> Markup {
    html! {
        section.items aria-label="Items" {
            form #filters role="search" {
                input #filter type="search" placeholder="Filter  /" aria-label="Filter by text" autocomplete="off";
                div #verdicts role="group" aria-label="Verdicts" {}
                div #choices {}
                label.check { input #grouped type="checkbox" checked; " Group what changed alike" }
            }
            div.summary {
                span #count { "Loading…" }
                button.small #clear type="button" hidden { "Clear filters" }
                button.small #decide-shown type="button" hidden {}
            }
            div #rows { ul #rows-inner aria-label="Items of the run" {} }
            p #nothing hidden { "Nothing matches these filters." }
        }
    }
}

fn item() -> Markup {
    html! {
        section.viewer #viewer aria-label="The item" {
            header {
                h2 #title {}
                p #message {}
                p.advice #advice {}
                ul.facts #facts {}
            }
            div #decision role="group" aria-label="Decision" hidden {
                p #state {}
                div.buttons {
                    button.accept #accept type="button" { "Accept " kbd { "a" } }
                    button.reject #reject type="button" { "Reject " kbd { "x" } }
                    button #undo type="button" { "Undo " kbd { "u" } }
                    button #group type="button" hidden { span #group-size {} " " kbd { "g" } }
                    span.why-line { span #why {} " " button.link #edit-why type="button" {} }
                    span #staged hidden { span #staged-count {} " " button.small #download type="button" { "Download decisions" } }
                }
                p.refused #refused role="alert" hidden {}
            }
            (tools())
            div.stage {
                div #panes {}
                (beside())
            }
        }
    }
}

fn tools() -> Markup {
    let toggle = |id: &str, text: &str, key: &str| {
        html! { button id=(id) type="button" aria-pressed="false" { (text) " " kbd { (key) } } }
    };
    html! {
        div.tools role="group" aria-label="How it is shown" {
            span.together role="group" aria-label="View" {
                @for (view, name, key) in VIEWS {
                    button type="button" data-view=(view) aria-pressed="false" disabled { (name) " " kbd { (key) } }
                }
            }
            span.together role="group" aria-label="Shown besides" {
                (toggle("aligned", "Aligned", "l"))
                (toggle("boxes", "Boxes", "h"))
                (toggle("masks", "Masks", "m"))
            }
            span.together role="group" aria-label="Zoom" {
                button #zoom-out type="button" aria-label="Further away" { "−" }
                output #zoom aria-label="Zoom" { "100 %" }
                button #zoom-in type="button" aria-label="Closer" { "+" }
                button #fit type="button" { "Fit " kbd { "space" } }
            }
            span #view-control {}
            button #help type="button" { "Keys " kbd { "?" } }
        }
    }
}

fn beside() -> Markup {
    html! {
        aside aria-label="Changes" {
            div.summary {
                h3 #changes-count {}
                button.small #previous-change type="button" aria-label="Previous change" title="p" { "↑" }
                button.small #next-change type="button" aria-label="Next change" title="n" { "↓" }
            }
            ol #changes {}
            section #apart-box hidden {
                h3 { "Share a change, to be decided apart" }
                ul #apart {}
            }
        }
    }
}

fn dialogs() -> Markup {
    html! {
        dialog #why-dialog aria-labelledby="why-title" {
            form #why-form method="dialog" {
                h2 #why-title { "Why, and who decides" }
                p { "It is kept with each decision, and asked for once." }
                label { "Reason" input #reason required maxlength="1000" autocomplete="off"; }
                label { "Who decides" input #by required maxlength="200" autocomplete="name"; }
                div.buttons {
                    button.accept type="submit" { "Go on" }
                    button type="button" data-close value="" { "Cancel" }
                }
            }
        }
        dialog #confirm-dialog aria-labelledby="confirm-title" {
            h2 #confirm-title {}
            p #confirm-text {}
            ul #confirm-items {}
            div.buttons {
                button.accept #confirm-accept type="button" data-close value="approved" {}
                button.reject #confirm-reject type="button" data-close value="rejected" {}
                button type="button" data-close value="" { "Cancel" }
            }
        }
        dialog #help-dialog aria-labelledby="help-title" {
            h2 #help-title { "Keys" }
            div #help-keys {}
            div.buttons { button type="button" data-close value="" { "Close" } }
        }
    }
}
