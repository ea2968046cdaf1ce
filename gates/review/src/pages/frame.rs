//! What all pages have around them.

use gate_core::{Report, Timestamp, Verdict};
use gate_runs::clean;
use gate_runs::words::symbol;
use maud::{DOCTYPE, Markup, html};
use serde_json::json;

use crate::assets;

/// What a page needs to know of where it is shown.
pub(crate) struct Frame<'a> {
    pub(crate) report: &'a Report,
    /// What a page repeats on every write; none for pages in files.
    pub(crate) csrf: Option<&'a str>,
    /// Who decides, unless somebody says otherwise; none for pages in files.
    pub(crate) by: Option<&'a str>,
    /// Scripts with the data of the review page, for pages in files.
    pub(crate) data: &'a [String],
}

impl Frame<'_> {
    /// A whole page.
    pub(crate) fn page(&self, title: &str, here: &str, main: &Markup) -> Markup {
        let settings = json!({
            "run": self.report.run,
            "csrf": self.csrf,
            "by": self.by,
        });
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · " (clean::line(&self.report.run)) }
                    link rel="icon" href="assets/icon.svg";
                    link rel="stylesheet" href="assets/page.css";
                    @if here == "review.html" { link rel="stylesheet" href="assets/review.css"; }
                    script type="application/json" id="settings" { (data(&settings)) }
                    @if here == "review.html" {
                        @for name in assets::review_scripts() {
                            script src={ "assets/" (name) } defer {}
                            // A page in a file fetches nothing: its data comes before what asks for it.
                            @for part in self.data.iter().filter(|_| name == "data.js") { script src=(part) defer {} }
                        }
                    }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.top {
                        nav aria-label="Pages" {
                            strong.brand { "gate" }
                            @for (href, name) in [("index.html", "Overview"), ("review.html", "Review")] {
                                a href=(href) aria-current=[(href == here).then_some("page")] { (name) }
                            }
                        }
                        p.run { "run " (clean::line(&self.report.run)) }
                    }
                    (main)
                }
            }
        }
    }
}

/// JSON that can stand within a page: nothing in it ends the element around it.
pub(crate) fn data(value: &impl serde::Serialize) -> maud::PreEscaped<String> {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    let safe = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    maud::PreEscaped(safe.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// A verdict as a mark and a word: never by colour alone.
pub(crate) fn verdict(verdict: Option<Verdict>) -> Markup {
    let word = verdict.map_or("nothing", Verdict::word);
    html! {
        span class={ "verdict " (word) } { span aria-hidden="true" { (symbol(verdict)) " " } (word) }
    }
}

/// A sentence, its commands (between backticks) in the letters of a terminal.
pub(crate) fn prose(text: &str) -> Markup {
    let text = clean::lines(text);
    let parts: Vec<&str> = text.split('`').collect();
    // The last backtick may have no fellow.
    let paired = (parts.len() - 1) / 2 * 2;
    html! {
        @for (at, part) in parts.iter().enumerate() {
            @if at > paired { "`" (part) } @else if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A moment, to the minute.
pub(crate) fn moment(at: Timestamp) -> Markup {
    let exact = at.to_string();
    let short = exact.get(..16).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(exact) title=(exact) { (short) " UTC" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_sentences_are_told_apart() {
        let check = |text: &str, expect: &str| assert_eq!(prose(text).into_string(), expect);
        check("run `gate run` or `make`.", "run <code>gate run</code> or <code>make</code>.");
        check("a lone ` stays", "a lone ` stays");
        check("`<b>`", "<code>&lt;b&gt;</code>");
    }

    #[test]
    fn data_cannot_leave_its_element() {
        let hostile = "</script><!--<script>&\u{2028}";
        let text = data(&hostile).0;
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
