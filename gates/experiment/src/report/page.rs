//! As a page of its own: one file that opens from a disk, can be printed, and runs nothing.

use std::path::Path;

use gate_core::{Check, Context, Error, Verdict, files};
use gate_pages::{chart, document, intervals, moment, prose, table, verdict};
use maud::{Markup, PreEscaped, html};

use super::{COME, GLOSSARY, HARM, MORE, NEXT, Report, TIME, TRUST};
use crate::judge::data::charts;

/// What this page has besides the style of all pages.
const STYLE: &str = "\
    main.experiment { max-width: 860px; }\
    .experiment .said { margin: 14px 0 6px; padding: 16px 20px; border-left: 5px solid var(--edge); \
      background: var(--raised); border-radius: var(--radius); }\
    .experiment .said.pass { border-color: var(--pass); }\
    .experiment .said.warn { border-color: var(--warn); }\
    .experiment .said.inconclusive { border-color: var(--inconclusive); }\
    .experiment .said.fail { border-color: var(--fail); }\
    .experiment .said p { margin: 0; font-size: 17px; line-height: 1.4; font-weight: 550; }\
    .experiment .said p.next { margin-top: 8px; font-size: 14px; font-weight: 400; color: var(--soft); }\
    .experiment ul.checks { list-style: none; margin: 8px 0; padding: 0; }\
    .experiment ul.checks li { display: grid; grid-template-columns: 108px 1fr; gap: 2px 12px; \
      padding: 7px 0; border-bottom: 1px solid var(--line); break-inside: avoid; }\
    .experiment ul.checks p { margin: 0; grid-column: 2; }\
    .experiment ul.checks p.advice { font-size: 13px; }\
    .experiment dl.words { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; \
      font-size: 13px; }\
    .experiment dl.words dt { font-weight: 600; }\
    .experiment dl.words dd { margin: 0; color: var(--soft); }\
    .experiment figure { margin: 8px 0; }\
    .experiment footer { margin-top: 28px; padding-top: 10px; border-top: 1px solid var(--line); \
      color: var(--soft); font-size: 12px; }\
    .experiment table { width: auto; min-width: 60%; margin: 10px 0; }\
    .experiment .scroll { overflow: visible; max-height: none; }\
    .experiment svg { display: block; max-width: 720px; width: 100%; height: auto; }\
    @media print { .experiment .said { border: 1px solid var(--edge); } \
      .experiment h2 { margin-top: 20px; } }";

/// Looks whether a page may be written there, before anything is measured for it.
pub(crate) fn may_be_written(to: &Path) -> Result<(), Error> {
    if to.is_dir() {
        return Err(Error::new(format!("{} is a folder", to.display()))
            .hint("a page is one file, such as report.html"));
    }
    gate_pages::may_be_replaced(to)
}

impl Report<'_> {
    /// Writes it.
    pub(crate) fn write(&self, to: &Path, cx: &Context) -> Result<(), Error> {
        let clean = cx.redactor().bytes(self.page().as_bytes()).into_owned();
        let folder = match to.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        files::make_folder(folder)?;
        files::write_piecewise(to, folder, |out| Ok(out.write_all(&clean)?))
    }

    /// The file.
    pub(crate) fn page(&self) -> String {
        document(&format!("experiment {}", self.name), &self.main())
    }

    fn main(&self) -> Markup {
        let (judged, spec) = (self.judged, self.spec);
        let verdict = self.verdict();
        html! {
            style { (PreEscaped(STYLE)) }
            main.experiment #main {
                h1 { (self.name) }
                (self.said(verdict))
                p.facts {
                    strong { "Hypothesis: " } (spec.hypothesis) br;
                    strong { "Owner: " } (spec.owner) br;
                    strong { "Arms: " } (self.split())
                    @if let Some(left) = self.days_left() {
                        br; strong { "Days left: " } (left)
                    }
                }
                (list(TRUST, &judged.trust))
                (list(TIME, &judged.time))
                @if judged.is_trusted { (self.come()) } @else {
                    h2 { (COME) }
                    p { "Not told while the numbers cannot be trusted." }
                }
                (list(HARM, &judged.guards))
                @if judged.is_trusted {
                    @let bars = charts::guardrails(spec, judged);
                    @if !bars.is_empty() {
                        figure {
                            (intervals("%", &bars))
                            figcaption.note { "Change with its interval; the dashed line is the most that was allowed." }
                        }
                    }
                }
                (list(MORE, &judged.more))
                h2 { (NEXT) }
                p { (prose(&judged.next)) }
                h2 { "Words" }
                dl.words { @for (word, means) in GLOSSARY { dt { (word) } dd { (means) } } }
                footer { p { (self.method()) } p { "Written " (moment(self.at)) "." } }
            }
        }
    }

    /// The verdict in a sentence.
    fn said(&self, of: Verdict) -> Markup {
        let judged = self.judged;
        html! {
            section class={ "said " (of.word()) } aria-label="Verdict" {
                p { (verdict(Some(of))) " " (prose(&judged.headline)) }
                @if judged.next.len() < 200 { p.next { (prose(&judged.next)) } }
            }
        }
    }

    /// The metric of the success.
    fn come(&self) -> Markup {
        let (judged, spec) = (self.judged, self.spec);
        let bars = charts::primary(spec, judged);
        html! {
            h2 { (COME) }
            (table(&self.table()))
            @if bars.is_empty() {
                p { "There is nothing to draw yet." }
            } @else {
                figure {
                    (intervals("%", &bars))
                    figcaption.note { "Change with its interval; the dashed line is the change that matters." }
                }
            }
            @if let Some(series) = charts::over_time(spec, self.seen, judged) {
                h3 { "How it came about" }
                figure {
                    (chart(&series))
                    figcaption.note { "Change among all who had come by that day, with its interval." }
                }
            }
        }
    }
}

fn list(title: &str, checks: &[Check]) -> Markup {
    html! {
        @if !checks.is_empty() {
            h2 { (title) }
            ul.checks {
                @for check in checks {
                    li {
                        (verdict(Some(check.verdict)))
                        p { strong { (check.title) } " – " (prose(&check.message)) }
                        @if let Some(advice) = check.advice.as_ref().filter(|_| check.verdict != Verdict::Pass) {
                            p.advice { (prose(advice)) }
                        }
                    }
                }
            }
        }
    }
}
