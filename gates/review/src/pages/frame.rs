//! What all pages have around them.

use gate_core::{Digest, Report};
use gate_runs::clean;
use maud::{DOCTYPE, Markup, html};
use serde_json::json;

use crate::assets;
use crate::files::Kind;
use crate::tools::Tools;

/// What a page needs to know of where it is shown.
pub(crate) struct Frame<'a> {
    pub(crate) report: &'a Report,
    pub(crate) shape: Shape<'a>,
}

/// Where a page is shown, and what there is besides it.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// By the server.
    Served {
        /// What a page repeats on every write.
        csrf: &'a str,
        /// Who decides, unless somebody says otherwise.
        by: &'a str,
        tools: &'a Tools,
    },
    /// As a file among others.
    Files {
        /// Scripts with the data of the review page.
        data: &'a [String],
    },
    /// As one of the pages of a file that holds everything.
    Part,
}

impl<'a> Frame<'a> {
    /// The tools that can be asked; none where nothing answers.
    pub(crate) fn tools(&self) -> Option<&'a Tools> {
        match self.shape {
            Shape::Served { tools, .. } => Some(tools),
            Shape::Files { .. } | Shape::Part => None,
        }
    }

    /// The address of another page.
    pub(crate) fn link(&self, to: &str) -> String {
        match self.shape {
            Shape::Part => format!("#page={}", to.replacen('#', "&", 1)),
            _ => to.to_owned(),
        }
    }

    /// The address of a file of the run; none in a file that holds everything.
    pub(crate) fn file(&self, digest: &Digest, kind: Kind) -> Option<String> {
        let apart = !matches!(self.shape, Shape::Part);
        apart.then(|| format!("evidence/{digest}.{}", kind.extension()))
    }

    /// What the scripts of a page have to know.
    pub(crate) fn settings(&self) -> serde_json::Value {
        let (csrf, by) = match self.shape {
            Shape::Served { csrf, by, .. } => (Some(csrf), Some(by)),
            Shape::Files { .. } | Shape::Part => (None, None),
        };
        json!({ "run": self.report.run, "csrf": csrf, "by": by })
    }

    /// The links at the head of every page.
    fn links(&self) -> Vec<(&'static str, &'static str)> {
        let mut links = vec![("index.html", "Overview"), ("review.html", "Review")];
        if self.tools().is_some_and(|tools| !tools.all().is_empty()) {
            links.push(("tools.html", "Tools"));
        }
        links
    }

    /// The scripts of a page, in the order in which they run.
    fn scripts(&self, here: &str) -> Vec<String> {
        let asset = |name: &str| format!("assets/{name}");
        if here != "review.html" {
            let asks = self.tools().is_some_and(|tools| !tools.all().is_empty());
            return assets::ASKING.iter().filter(|_| asks).map(|name| asset(name)).collect();
        }
        let data = match self.shape {
            Shape::Files { data } => data,
            Shape::Served { .. } | Shape::Part => &[],
        };
        // A page in a file fetches nothing: its data comes before what asks for it.
        let after = |name| data.iter().filter(move |_| name == "data.js").cloned();
        assets::review_scripts()
            .flat_map(|name| std::iter::once(asset(name)).chain(after(name)))
            .collect()
    }

    /// A whole page.
    pub(crate) fn page(&self, title: &str, here: &str, main: &Markup) -> Markup {
        match self.shape {
            // Scripts are bound to what is there when they start.
            Shape::Part if here == "review.html" => {
                html! { div #review data-title=(title) hidden { (main) } }
            }
            Shape::Part => html! { template data-page=(here) data-title=(title) { (main) } },
            _ => self.document(title, here, main),
        }
    }

    fn document(&self, title: &str, here: &str, main: &Markup) -> Markup {
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
                    script type="application/json" id="settings" { (data(&self.settings())) }
                    @for script in self.scripts(here) { script src=(script) defer {} }
                }
                body {
                    (self.head(here))
                    (main)
                }
            }
        }
    }

    /// What stands above every page.
    pub(crate) fn head(&self, here: &str) -> Markup {
        html! {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                nav aria-label="Pages" {
                    strong.brand { "gate" }
                    @for (to, name) in self.links() {
                        a href=(self.link(to)) aria-current=[(to == here).then_some("page")] { (name) }
                    }
                }
                p.run { "run " (clean::line(&self.report.run)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_leave_its_element() {
        let hostile = "</script><!--<script>&\u{2028}";
        let text = data(&hostile).0;
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
