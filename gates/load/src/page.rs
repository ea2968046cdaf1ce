//! A page of one run of `gate load URL`: what the report of a gate shows, in one file that opens from
//! a disk.

use std::path::Path;

use gate_core::evidence::{Align, Column, TableEvidence, TableSchema};
use gate_core::{Check, Context, Error, Json, Timestamp, Verdict, files};
use gate_pages::{check, document, metrics, moment, verdict};
use maud::{Markup, html};
use serde_json::json;

use crate::capacity;
use crate::charts;
use crate::commands::live;
use crate::judge::Judged;
use crate::seen::Observation;
use crate::settings::Settings;
use crate::shown::Shown;
use crate::words::{grouped, time};
use crate::{browsers, figures::Figures};

/// What a page is about.
pub(crate) struct Run<'r> {
    pub(crate) spec: &'r Settings,
    pub(crate) seen: &'r Observation,
    pub(crate) judged: &'r Judged,
    pub(crate) verdict: Verdict,
    /// Single exchanges, without their secrets.
    pub(crate) exchanges: &'r [Shown],
    pub(crate) at: Timestamp,
}

/// Looks whether a page may be written there, before anything is measured for it.
pub(crate) fn may_be_written(to: &Path) -> Result<(), Error> {
    if to.is_dir() {
        return Err(Error::new(format!("{} is a folder", to.display()))
            .hint("a page is one file, such as run.html"));
    }
    gate_pages::may_be_replaced(to)
}

/// Writes it.
pub(crate) fn write(run: &Run<'_>, to: &Path, cx: &Context) -> Result<(), Error> {
    let title = run.seen.versions.first().map_or("a load test", |version| version.url.as_str());
    let text = document(&format!("load on {title}"), &main(run));
    let clean = cx.redactor().bytes(text.as_bytes());
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    files::make_folder(folder)?;
    files::write_piecewise(to, folder, |out| Ok(out.write_all(&clean)?))
}

fn main(run: &Run<'_>) -> Markup {
    let Run { spec, seen, judged, .. } = run;
    let is_search = seen.capacity.is_some();
    // What blocks first, as in a report.
    let mut checks: Vec<&Check> = judged.checks.iter().collect();
    checks.sort_by_key(|check| std::cmp::Reverse(check.verdict));
    let measured = judged.figures.iter().any(|figures| figures.all.requests > 0);
    let of_browsers = seen.browsers.iter().flat_map(|seen| browsers::shown(spec, seen));
    let search = spec.capacity.as_ref().zip(seen.capacity.as_ref());
    let search = search.map(|(capacity, found)| capacity::shown(capacity, found));
    html! {
        main #main {
            h1 { (verdict(Some(run.verdict))) " " "load on " (address(seen, 0)) }
            p.facts { (facts(run)) }
            @for one in checks { (check_of(one)) }
            @if measured && !is_search {
                h2 { "What requests took" }
                @for (at, figures) in judged.figures.iter().enumerate() {
                    (numbers(seen, at, figures).drawn())
                }
            }
            @if let Some(charts) = search {
                h2 { "From rate to rate" }
                @for chart in &charts { (chart.drawn()) }
            }
            @if measured {
                h2 { "Over time" }
                @for chart in charts::all(spec, &judged.figures, &seen.looks) { (chart.drawn()) }
            }
            @if let Some(seen) = &seen.browsers {
                h2 { "In browsers" }
                p.facts {
                    @for page in &seen.pages { (page) " " }
                    "· " (crate::words::count(seen.count, "browser")) " · "
                    (crate::words::count(seen.loads.len() as u64, "page load"))
                }
                @for chart in of_browsers { (chart.drawn()) }
            }
            @if !run.exchanges.is_empty() {
                h2 { "Single requests" }
                @for one in run.exchanges { (one.drawn()) }
            }
        }
    }
}

fn check_of(one: &Check) -> Markup {
    html! { section.check { (check(one)) (metrics(one, None)) } }
}

fn address(seen: &Observation, version: usize) -> String {
    seen.versions.get(version).map_or(String::new(), |version| version.url.clone())
}

fn facts(run: &Run<'_>) -> Markup {
    let Run { spec, seen, judged, .. } = run;
    let seconds = seen.versions.first().map_or(0.0, |version| version.seconds);
    let requests = judged.figures.first().map_or(0, |figures| figures.all.requests);
    let sent = match (spec.connections, &seen.capacity) {
        (_, Some(_)) => "a search for the largest rate".to_owned(),
        (Some(connections), _) => {
            crate::words::count(connections as u64, "connection") + " that wait for their answers"
        }
        (None, None) if spec.shape().is_empty() => format!("{}/s asked for", spec.rate()),
        (None, None) => "a rate that changes over time".to_owned(),
    };
    html! {
        (sent) " · " (grouped(requests)) " requests in " (time(seconds * 1e6))
        @if seen.versions.len() > 1 { " · beside " (address(seen, 1)) }
        " · " (moment(run.at))
    }
}

/// The numbers of a version, as they are told at the end of a run.
fn numbers(seen: &Observation, version: usize, figures: &Figures) -> Shown {
    let column = |name: &str, unit: Option<&str>, align| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        align,
    };
    let ms = |value: Option<f64>| value.map_or(Json::Null, |at| json!((at / 10.0).round() / 100.0));
    let mut columns = vec![column("", None, Align::Left)];
    columns.extend(live::COLUMNS.map(|name| column(name, Some("ms"), Align::Right)));
    let rows = live::rows(&figures.all).into_iter().map(|(name, histogram)| {
        let values = live::values(histogram).map(ms);
        std::iter::once(json!(name)).chain(values).collect()
    });
    let table = TableEvidence {
        schema: TableSchema::default(),
        columns,
        rows: rows.collect(),
        note: (version + 1 == seen.versions.len()).then(|| {
            "latency counts from the instant when a request was due; service from when it was sent; \
             send lag is how late the generator itself was"
                .to_owned()
        }),
    };
    Shown::table(&address(seen, version), table)
}
