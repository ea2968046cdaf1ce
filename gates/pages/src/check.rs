//! A check with its numbers.

use gate_core::{Check, Metric};
use gate_runs::clean;
use gate_runs::words::Measured;
use maud::{Markup, html};

use crate::text::{prose, verdict};

/// What a check says: its verdict and title, what happened, and what to do about it.
pub fn check(check: &Check) -> Markup {
    html! {
        h2 { (verdict(Some(check.verdict))) " " (clean::line(&check.title)) }
        p { (prose(&check.message)) }
        @if let Some(advice) = &check.advice { p.advice { (prose(advice)) } }
    }
}

/// The numbers of a check beside their limits, and how each of them went in earlier runs where
/// somebody knows.
pub fn metrics(check: &Check, earlier: Option<&dyn Fn(&Metric) -> Markup>) -> Markup {
    html! {
        @if !check.metrics.is_empty() {
            table.metrics {
                thead { tr { th scope="col" { "Number" } th scope="col" { "Value" } th scope="col" { "Limit" } th scope="col" { "Within" }
                        @if earlier.is_some() { th scope="col" { "Earlier runs" } } } }
                tbody {
                    @for metric in &check.metrics {
                        @let measured = Measured::of(metric);
                        tr {
                            th scope="row" { (clean::line(&metric.name)) }
                            td.number { (measured.value) }
                            td.number { (measured.limit) }
                            td { @if measured.limit.is_empty() { "" } @else if measured.holds { "yes" } @else { strong { "no" } } }
                            @if let Some(earlier) = earlier { td { (earlier(metric)) } }
                        }
                    }
                }
            }
        }
    }
}
